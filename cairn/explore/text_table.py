"""Columns of a table in text: ``.csv``, ``.tsv``, and what spreadsheets write under these names.

Cells are divided by commas, semicolons or tabs, whichever the first line has most of. Where that is not the comma, a
comma within a number is taken for a decimal point. The text is read in blocks of lines: what stays in memory are the
numbers, 8 bytes each, and the words of the columns that hold words, each different one once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cairn.errors import InputError

__all__ = ["read_text_table"]

BLOCK = 512
"""Lines that are held as text at once: few enough to stay in the cache, which halves the time."""
_EMPTY = ("", "na", "nan", "null", "none", "n/a", "#n/a", "<na>", "?")


def read_text_table(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Columns by name, and what is to be said of them.

    Numbers are (n,) float64, empty cells among them NaN; a column with a cell that is neither holds words, (n,) object.

    Parameters
    ----------
    path : of the file, UTF-8; its first line is taken for names unless it looks like the lines below it

    Raises
    ------
    InputError : no text, lines of different lengths, two columns of one name
    """
    try:
        columns, late, commas = _read(path, set())
        if late:  # a word far down in a column of numbers: its numbers are read again, as words
            columns, _, commas = _read(path, late)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: not a table of text in UTF-8 ({error}); save it as UTF-8, or give .npy, .npz, .parquet or labels"
        ) from None
    said = f"commas in numbers are taken for decimal points: {', '.join(commas)}"
    return columns, (said,) if commas else ()


def _read(path: Path, words: set[str]) -> tuple[dict[str, np.ndarray], set[str], list[str]]:
    """Columns; those that turned out to hold words when numbers of them were read already; those with decimal commas.

    Parameters
    ----------
    words : names of columns that are known to hold words
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        head = file.readline()
        file.seek(0)
        delimiter = _delimiter(head)
        lines = _even_lines(path, csv.reader(file, delimiter=delimiter))
        names, rows = _names(path, list(islice(lines, BLOCK)), delimiter != ",")
        made = {name: _Column(delimiter != ",", name in words) for name in names}
        while rows:
            for column, cells in zip(made.values(), zip(*rows, strict=True), strict=True):
                column.add(cells)
            rows = list(islice(lines, BLOCK))
    late = {name for name, column in made.items() if column.late}
    commas = [name for name, column in made.items() if column.commas and not column.words]
    return ({} if late else {name: column.take() for name, column in made.items()}), late, commas


def _delimiter(head: str) -> str:
    for delimiter in ";\t":
        if delimiter in head and _Column(True, False).numbers(head.split(delimiter)) is not None:
            return delimiter  # numbers with decimal commas, which outnumber it
    return max(";\t,", key=head.count)


def _even_lines(path: Path, reader: Any) -> Iterator[list[str]]:
    """Lines that are not empty, of a csv.reader; InputError where one has more or fewer cells than the first."""
    width = None
    for line in reader:
        if line:
            width = len(line) if width is None else width
            if len(line) != width:
                raise InputError(f"{path}, line {reader.line_num}: has {len(line)} cells; expected {width}")
            yield line


def _names(path: Path, lines: list[list[str]], decimal_commas: bool) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and the lines below them."""
    if len(lines) < 2:
        raise InputError(f"{path}: expected a line of names and rows of numbers below it; found {len(lines)} lines")
    names = [name.strip() or f"column {i + 1}" for i, name in enumerate(lines[0])]
    if _looks_like_a_row(lines, decimal_commas):
        return [f"column {i + 1}" for i in range(len(names))], lines
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two columns are called {next(n for n in names if names.count(n) > 1)!r}")
    return names, lines[1:]


def _looks_like_a_row(lines: list[list[str]], decimal_commas: bool) -> bool:
    """Numbers alone; or some numbers, and every word of it stands in its column again."""
    words = [i for i, cell in enumerate(lines[0]) if _Column(decimal_commas, False).numbers([cell]) is None]
    if len(words) == len(lines[0]):
        return False
    return all(any(line[i] == lines[0][i] for line in lines[1:]) for i in words)


class _Column:
    """Cells of one column, added in blocks: numbers until one is none.

    Parameters
    ----------
    decimal_commas : whether a comma can be one
    words : whether it is known to hold words
    """

    def __init__(self, decimal_commas: bool, words: bool) -> None:
        self.words = words
        self.late = self.commas = False
        self._decimal_commas = decimal_commas
        self._numbers: list[np.ndarray] = []
        self._text: list[str] = []
        self._known: dict[str, str] = {}

    def add(self, cells: Sequence[str]) -> None:
        if not self.words:
            found = self.numbers(cells)
            if found is not None:
                self._numbers.append(found)
                return
            self.words, self.late = True, bool(self._numbers)
            self._numbers = []
        if not self.late:
            self._text.extend(self._known.setdefault(word, word) for word in map(str.strip, cells))

    def take(self) -> np.ndarray:
        return np.array(self._text, dtype=object) if self.words else np.concatenate(self._numbers)

    def numbers(self, cells: Sequence[str]) -> np.ndarray | None:
        """The cells as numbers; None where one of them is a word."""
        if "_" in "".join(cells):  # Python reads 12_3 as 123
            return None
        try:
            return np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass
        try:
            return np.fromiter(map(self._number, map(str.strip, cells)), np.float64, len(cells))
        except ValueError:
            return None

    def _number(self, cell: str) -> float:
        try:
            return float(cell)
        except ValueError:
            if cell.lower() in _EMPTY:
                return np.nan
            if not self._decimal_commas or "." in cell:
                raise
            number = float(cell.replace(",", ".", 1))
            self.commas = True
            return number
