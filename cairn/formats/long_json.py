"""Large JSON files whose bulk is in lists, a piece of a list at a time, so that the whole tree never stands in memory.

It is Python's own parser that reads each element, so that what is JSON, and what is said of what is not, is the same as
in `cairn.formats.document`.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Callable, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from cairn.errors import InputError
from cairn.formats import document, text
from cairn.formats.text import head_of, read_text

__all__ = ["load_lists"]

PIECE = 128  # elements: few enough that they stay in the cache and die before the garbage collector looks twice
_SPACE = re.compile(r"[ \t\n\r]*")
_BEHIND = re.compile(r"[ \t\n\r]*([,\]])[ \t\n\r]*")  # an element of a list


def load_lists(path: Path, take: Mapping[str, Callable[[list[Any]], None]], drop: str = "") -> Any:
    """What the file holds, but for some lists at its top, which are handed over piece by piece.

    Parameters
    ----------
    take : key of the object at the top: what is called with each piece of its list, in order
    drop : a key, anywhere, whose lists of numbers nobody wants (outlines, mostly half of a file); they become empty

    Returns
    -------
    as `cairn.formats.document.load_json`; the lists handed over are empty ones here

    Raises
    ------
    InputError : as there
    """
    content = _text(path)
    if content.count("[") + content.count("{") > document.MAX_PARTS:
        raise InputError(f"{path}: its JSON has more than {document.MAX_PARTS:,} parts; split it")
    try:
        if drop:  # in a string the quotes would be escaped, so that this is a key
            content = re.sub(rf'"{re.escape(drop)}"\s*:\s*\[[\[\]0-9eE.,+\-\s]*\]', f'"{drop}":[]', content)
        return _document(content, take)
    except json.JSONDecodeError as error:
        if drop:
            error = _in_whole(path, error)
        raise InputError(
            f"{path}, line {error.lineno}: not valid JSON ({error.msg}); it may be cut short, copy it again"
        ) from None
    except RecursionError:
        raise InputError(f"{path}: its JSON is nested too deeply to be labelled points") from None
    except InputError:
        raise
    except ValueError as error:  # a number with thousands of digits
        raise InputError(f"{path}: not valid JSON ({error})") from None


def _in_whole(path: Path, error: json.JSONDecodeError) -> json.JSONDecodeError:
    """What is wrong with the file as it stands, since its lines are counted in the message."""
    try:
        json.loads(_text(path))
    except json.JSONDecodeError as whole:
        return whole
    return error


def _text(path: Path) -> str:
    """As `read_text`, but without a second copy of the file in memory."""
    head = head_of(path)
    if b"\0" in head or path.stat().st_size > text.MAX_BYTES:
        return read_text(path)  # which says what is wrong
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return str(memoryview(data)[3 * head.startswith(b"\xef\xbb\xbf") :], "utf-8")
        except UnicodeDecodeError:
            return read_text(path)


def _document(content: str, take: Mapping[str, Callable[[list[Any]], None]]) -> Any:
    decoder = json.JSONDecoder()
    at = _skip(content, 0)
    if content[at : at + 1] != "{":
        return json.loads(content)
    found: dict[str, Any] = {}
    at = _skip(content, at + 1)
    if content[at : at + 1] == "}":
        return _end(content, at + 1, found)
    while True:
        if content[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", content, at)
        key, at = scanstring(content, at + 1, True)
        at = _skip(content, at)
        if content[at : at + 1] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", content, at)
        at = _skip(content, at + 1)
        if key in take and key not in found and content[at : at + 1] == "[":
            found[key] = []
            at = _list(content, at, decoder, take[key])
        else:
            found[key], at = _value(content, at, decoder)
        at = _skip(content, at)
        mark = content[at : at + 1]
        if mark == "}":
            return _end(content, at + 1, found)
        if mark != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", content, at)
        at = _skip(content, at + 1)


def _list(content: str, at: int, decoder: json.JSONDecoder, take: Callable[[list[Any]], None]) -> int:
    """Hands over the list that begins at `at`; where it ends."""
    at = _skip(content, at + 1)
    if content[at : at + 1] == "]":
        return at + 1
    piece: list[Any] = []
    behind = _BEHIND.match
    while True:
        value, at = _value(content, at, decoder)
        piece.append(value)
        found = behind(content, at)
        mark = found[1] if found else ""
        if len(piece) == PIECE or mark != ",":
            take(piece)
            piece = []
        if not found:
            raise json.JSONDecodeError("Expecting ',' delimiter", content, _skip(content, at))
        if mark == "]":
            return found.end(1)
        at = found.end()


def _value(content: str, at: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    try:
        return decoder.scan_once(content, at)  # type: ignore[attr-defined]
    except StopIteration as stop:
        raise json.JSONDecodeError("Expecting value", content, stop.value) from None


def _skip(content: str, at: int) -> int:
    if content[at : at + 1] not in " \t\n\r":  # also true of nothing, at the end
        return at
    return _SPACE.match(content, at).end()  # type: ignore[union-attr]


def _end(content: str, at: int, found: dict[str, Any]) -> dict[str, Any]:
    at = _skip(content, at)
    if at != len(content):
        raise json.JSONDecodeError("Extra data", content, at)
    return found
