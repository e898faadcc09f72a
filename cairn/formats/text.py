"""Label files as text: read with a bound on their size, written whole or not at all, and their numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

from cairn.errors import InputError

__all__ = [
    "MAX_BYTES",
    "MAX_COORDINATE",
    "delimiter_of",
    "head_of",
    "is_missing",
    "number",
    "numbers",
    "read_table",
    "read_text",
    "shown",
    "title_cells",
]

MAX_BYTES = 512 * 2**20  # COCO's own training labels are 240 MB
MAX_COORDINATE = 1e7  # px; beyond it lies no picture, and squares stay far from overflow

_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # the marks of what Excel calls Unicode text, and old PowerShell writes
_SEPARATOR = re.compile(r"\ufeff?\s*sep=([,;\t])[ \t]*\r?\n")  # Excel's own first line; no title
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)

_MISSING = {"", "nan", "na", "n/a", "none", "null", "-"}


def head_of(path: Path, size: int = 65536) -> bytes:
    """The first bytes of a file, enough to tell what it is; text in UTF-16 is given as UTF-8.

    Raises
    ------
    InputError : missing, unreadable or empty
    """
    try:
        with open(path, "rb") as file:
            head = file.read(size)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file or folder; check the path") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)[:200]!r}: cannot be opened ({error})") from None
    if not head:
        raise InputError(f"{path}: the file is empty; expected labelled points")
    return head.decode("utf-16", errors="ignore").encode() if head.startswith(_UTF16) else head


def read_text(path: Path) -> str:
    """The whole file, UTF-8 (with or without a mark), UTF-16 with a mark, or else Windows' Western code page.

    Raises
    ------
    InputError : missing, unreadable, empty, larger than `MAX_BYTES`, or not text
    """
    head = head_of(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path}: {size / 2**20:.0f} MB is more than the limit of {MAX_BYTES // 2**20} MB; split it")
    if b"\0" in head:
        raise InputError(f"{path}: not a text file; expected labelled points")
    data = path.read_bytes()
    if data.startswith(_UTF16):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise InputError(f"{path}: not the Unicode text (UTF-16) that it says it is; copy it again") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    strange = sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in head)
    if strange > len(head) / 100:
        raise InputError(f"{path}: not a text file; expected labelled points")
    return data.decode("cp1252", errors="replace")


def read_table(path: Path) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file that are not empty, each with its line number; cells without the blanks around them.

    The delimiter is whichever of comma, semicolon and tab stands most often in the first line, or what Excel's line
    ``sep=;`` says. Where it is no comma, a comma within numbers is their decimal point.

    Raises
    ------
    InputError : as `read_text`, or quotes that do not close
    """
    content = read_text(path)
    delimiter, first = delimiter_of(content)
    reader = csv.reader(io.StringIO(content[first:], newline=""), delimiter=delimiter, strict=True)
    skipped = content.count("\n", 0, first)
    rows = []
    try:
        for cells in reader:
            cells = [c.strip() for c in cells]
            if any(cells):
                rows.append((skipped + reader.line_num, cells))
    except csv.Error as error:
        raise InputError(f"{path}, line {skipped + reader.line_num}: not a row of a table ({error})") from None
    if not rows:
        raise InputError(f"{path}: the file is empty; expected a table")
    return rows if delimiter == "," else _decimal_points(rows)


def delimiter_of(content: str) -> tuple[str, int]:
    """What separates the cells of a table, and where its first line begins."""
    said = _SEPARATOR.match(content)
    if said is not None:
        return said[1], said.end()
    first = next(iter(content.lstrip().splitlines()), "")
    return max(",;\t", key=first.count), 0


def title_cells(head: bytes) -> list[str]:
    """The cells of the first line of a table, from the first bytes of a file; none where it is no text."""
    content = head.decode("utf-8-sig", errors="replace")
    delimiter, first = delimiter_of(content)
    line = next((line for line in content[first:].splitlines() if line.strip()), "")
    if not line.replace("\t", " ").isprintable():
        return []
    try:
        return [c.strip() for c in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _decimal_points(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows with 3,5 as 3.5, as half of Europe's Excel writes it.

    Not where a number with a point stands as well, or where each comma could be one of thousands (1,234): reading that
    as 1.234 would move points without a word.
    """
    commas = {c for _, cells in rows for c in cells if "," in c and _COMMA.fullmatch(c)}
    if not commas or all(_THOUSANDS.fullmatch(c) for c in commas):
        return rows
    if any("." in c and _POINT.fullmatch(c) for _, cells in rows for c in cells):
        return rows
    return [(line, [c.replace(",", ".") if c in commas else c for c in cells]) for line, cells in rows]


def is_missing(token: str) -> bool:
    """Whether a cell says that there is no number: empty, ``NaN``, ``NA`` and the like."""
    return token.strip().lower() in _MISSING


def number(token: str, where: str, most: float = MAX_COORDINATE) -> float:
    """One coordinate or other figure; NaN where the cell is empty or says NaN.

    Parameters
    ----------
    token : the cell
    where : file and line, for the message
    most : the largest absolute value that makes sense

    Raises
    ------
    InputError : no number, infinite, or beyond `most`
    """
    try:
        value = float(token)
    except ValueError:
        if is_missing(token):
            return math.nan
        comma = ", with a decimal point and not a comma" if re.fullmatch(r"[+-]?\d+,\d+", token.strip()) else ""
        raise InputError(f"{where}: {shown(token)} is not a number; expected a coordinate in pixels{comma}") from None
    if abs(value) > most:
        raise InputError(f"{where}: {shown(token)} is no coordinate in a picture; expected pixels, below {most:g}")
    return value


def numbers(tokens: Sequence[str], where: str) -> list[float]:
    """Several of them; see `number`."""
    return [number(t, where) for t in tokens]


def shown(token: object, longest: int = 60) -> str:
    """A piece of a file in a message: quoted, on one line, never long."""
    words = str(token)
    return repr(words if len(words) <= longest else words[:longest] + "...")
