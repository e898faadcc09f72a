"""JSON, XML and YAML label files as trees, with bounds on size, number of parts and depth.

Label files come from other people. Python's own parsers are safe to call on them once the size is bounded, too deep a
nesting is caught, and XML may declare neither entities nor a document type (which is how a small file becomes gigabytes
or reads other files; no label format needs either: https://docs.python.org/3/library/xml.html#xml-vulnerabilities).

A JSON key that stands twice keeps its last value, as in every browser; ``NaN`` is a number that is not there.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from cairn.errors import InputError
from cairn.formats.text import MAX_COORDINATE, head_of, read_text, shown

__all__ = [
    "MAX_DEPTH",
    "MAX_PARTS",
    "coordinate",
    "files_like",
    "files_of",
    "load_json",
    "load_xml",
    "load_yaml",
    "only_file",
    "parse_json",
    "root_name",
]

MAX_PARTS = 10_000_000  # objects, lists or elements; COCO's own training labels have 4 million
MAX_YAML = 2**20  # bytes of a file of settings; YAML is slow to read
MAX_DEPTH = 100  # of XML; no label format goes beyond ten


def load_json(path: Path) -> Any:
    """What the file holds: dicts, lists, strings, numbers.

    Raises
    ------
    InputError : as `cairn.formats.text.read_text`; not JSON, nested too deeply, more than `MAX_PARTS` parts
    """
    return parse_json(read_text(path), str(path))


def parse_json(content: str, where: str) -> Any:
    """The same of a text; `where` stands in the messages."""
    if content.count("[") + content.count("{") > MAX_PARTS:
        raise InputError(f"{where}: its JSON has more than {MAX_PARTS:,} parts; split it")
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}, line {error.lineno}: not valid JSON ({error.msg}); it may be cut short, copy it again"
        ) from None
    except RecursionError:
        raise InputError(f"{where}: its JSON is nested too deeply to be labelled points") from None
    except ValueError as error:  # a number with thousands of digits
        raise InputError(f"{where}: not valid JSON ({error})") from None


def load_xml(path: Path) -> Element:
    """The root of the tree; names of elements as they stand, namespaces not resolved.

    The text is UTF-8 whatever the file declares, if it can be: imglab declares ISO-8859-1 and copies names as they are.

    Raises
    ------
    InputError : as `cairn.formats.text.read_text`; not XML, a document type or an entity in it, deeper than
        `MAX_DEPTH`, more than `MAX_PARTS` elements
    """
    content = read_text(path)
    builder = TreeBuilder()
    depth = parts = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, parts
        depth, parts = depth + 1, parts + 1
        if depth > MAX_DEPTH:
            raise InputError(f"{path}: its XML is nested too deeply to be labelled points")
        if parts > MAX_PARTS:
            raise InputError(f"{path}: its XML has more than {MAX_PARTS:,} parts; split it")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_: object) -> None:
        raise InputError(f"{path}: its XML declares a document type or entities, which label files need not; delete it")

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content.encode(), True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise InputError(
            f"{path}, line {error.lineno}: not valid XML ({reason}); it may be cut short, copy it again"
        ) from None
    return builder.close()


def load_yaml(path: Path) -> Any:
    """A file of settings: dicts, lists, strings, numbers; no objects, and no part that stands for another.

    Raises
    ------
    InputError : as `cairn.formats.text.read_text`; not YAML, aliases in it, larger than `MAX_YAML`, too deep
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):  # by which a small file becomes gigabytes
                raise InputError(f"{path}: its YAML refers to other parts of itself (*name); write them out")
            return super().compose_node(parent, index)

    content = read_text(path)
    if len(content) > MAX_YAML:
        raise InputError(f"{path}: {len(content):,} characters are more than settings need; expected a data.yaml")
    try:
        return yaml.load(content, Loader)
    except InputError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        raise InputError(f"{path}{line}: not valid YAML; copy it again") from None
    except (
        RecursionError,
        ValueError,
        TypeError,
        OverflowError,
    ):  # too deep; dates that do not exist; keys that are lists
        raise InputError(f"{path}: its YAML is not that of a data set's settings") from None


def coordinate(value: Any, where: str, most: float = MAX_COORDINATE) -> float:
    """A number of a JSON file; NaN for null and NaN.

    Parameters
    ----------
    value : what `load_json` gave
    where : file and place, for the message
    most : the largest absolute value that makes sense

    Raises
    ------
    InputError : no number (true and false are none), infinite, or beyond `most`
    """
    if value is None:
        return math.nan
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InputError(f"{where}: {shown(value)} is not a number")
    if abs(value) > most:  # also whole numbers too large for a float
        raise InputError(f"{where}: a number beyond {most:g} is no coordinate in a picture")
    return float(value)


def files_of(folder: Path, suffix: str | tuple[str, ...], *, below: bool = False) -> list[Path]:
    """The files of a folder with such a suffix, not empty and not hidden, sorted; `below` in its folders too."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if below and not f.startswith("."))
        named = (Path(where, f) for f in sorted(files) if f.lower().endswith(suffix) and not f.startswith("."))
        found += [p for p in named if p.is_file() and p.stat().st_size]
    return found


def files_like(folder: Path, suffix: str | tuple[str, ...], matches: Callable[[Path, bytes], bool]) -> list[Path]:
    """Those of `files_of` that a format's `matches` takes for its own."""
    return [p for p in files_of(folder, suffix) if matches(p, head_of(p))]


def only_file(path: Path, suffix: str | tuple[str, ...], matches: Callable[[Path, bytes], bool], what: str) -> Path:
    """`path` itself, or the one file of that folder that a format's `matches` takes for its own.

    Raises
    ------
    InputError : a folder with none or several
    """
    if not path.is_dir():
        return path
    files = files_like(path, suffix, matches)
    if len(files) != 1:
        raise InputError(f"{path}: has {len(files)} {what}; name one of them")
    return files[0]


def root_name(head: bytes) -> str:
    """Name of the root element of an XML file, from its first bytes; empty where it is no XML."""
    at, end = 3 * head.startswith(b"\xef\xbb\xbf"), len(head)
    while True:
        while at < end and head[at : at + 1].isspace():
            at += 1
        for mark, close in ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!", b">")):
            if head.startswith(mark, at):
                at = head.find(close, at) + len(close)
                if at < len(close):
                    return ""
                break
        else:
            name = _NAME.match(head, at)
            return "" if name is None else name[1].decode()


_NAME = re.compile(rb"<([A-Za-z_][A-Za-z0-9_.:-]{0,60})[\s/>]")
