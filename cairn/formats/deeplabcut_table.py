"""The rows and columns of DeepLabCut's tables, whether they stand in CSV or in HDF5; see `cairn.formats.deeplabcut`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cairn.errors import InputError
from cairn.formats.rows import check_count
from cairn.formats.text import number, read_table, shown

__all__ = ["HEADS", "Table", "read_csv"]

HEADS = ("scorer", "individuals", "bodyparts", "coords")
_COORDS = ("x", "y", "likelihood")


@dataclass(frozen=True, eq=False)
class Table:
    """One file, sorted by animal.

    Parameters
    ----------
    names : K points, over all animals
    animals : A of them; one called "" where the file does not name any
    pictures : R paths, or numbers of frames
    lines : R lines of the file, for messages; of HDF5 rows of the frame
    points : (R, A, K, 2) px, NaN where there is none
    likelihood : (R, A, K), NaN where there is none
    split : R names (Lightning Pose), or none
    """

    path: Path
    names: tuple[str, ...]
    animals: tuple[str, ...]
    pictures: list[str]
    lines: list[int]
    points: np.ndarray
    likelihood: np.ndarray
    split: list[str]

    @classmethod
    def of(
        cls,
        path: Path,
        heads: Mapping[str, Sequence[str]],
        values: np.ndarray,
        pictures: list[str],
        lines: list[int],
        split: list[str],
        before: int = 0,
    ) -> Table:
        """Columns in any order, brought into this one.

        Parameters
        ----------
        heads : by name of the head's line (`HEADS`), a cell for each of the C columns
        values : (R, C)
        before : columns that stand before these, for messages

        Raises
        ------
        InputError : a point without x or y, a column twice, too many points, no rows
        """
        columns: dict[tuple[str, str, str], int] = {}
        for i, coordinate in enumerate(heads["coords"]):
            animal = heads["individuals"][i] if "individuals" in heads else ""
            key = (animal, heads["bodyparts"][i], coordinate.lower())
            if not key[2].startswith(("x_", "y_")) and key[2] not in _COORDS:
                raise InputError(
                    f"{path}: column {before + i + 1} is {shown(coordinate)} of {shown(key[1])}; expected x or y"
                )
            if key in columns:
                raise InputError(f"{path}: column {before + i + 1}, {key[2]} of {shown(key[1])}, stands twice")
            columns[key] = i
        names = tuple(dict.fromkeys(n for _, n, _ in columns))
        animals = tuple(dict.fromkeys(a for a, _, _ in columns))
        for animal, name, _ in columns:
            if (animal, name, "x") not in columns or (animal, name, "y") not in columns:
                raise InputError(f"{path}: {shown(name)} has no x or no y")
        check_count(len(names), str(path))
        if not pictures:
            raise InputError(f"{path}: has a head and no rows; expected labelled points")
        found = np.full((len(pictures), len(animals), len(names), 3), np.nan)
        for (animal, name, coordinate), i in columns.items():
            if coordinate in _COORDS:
                found[:, animals.index(animal), names.index(name), _COORDS.index(coordinate)] = values[:, i]
        points, likelihood = found[..., :2], found[..., 2]
        points = np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, np.nan)
        if ((likelihood < 0) | (likelihood > 1)).any():
            raise InputError(f"{path}: a likelihood lies outside 0 to 1")
        return cls(path, names, animals, pictures, lines, points, likelihood, split)


def read_csv(path: Path) -> Table:
    """A CSV file.

    Raises
    ------
    InputError : not such a table, or a cell that is no number
    """
    lines = read_table(path)
    heads: dict[str, list[str]] = {}
    while lines and lines[0][1][0].lower() in HEADS:
        _, cells = lines.pop(0)
        heads[cells[0].lower()] = cells
    missing = [h for h in ("scorer", "bodyparts", "coords") if h not in heads]
    if missing:
        raise InputError(f"{path}: no line {missing[0]!r} at its head; expected DeepLabCut's table")
    width = len(heads["coords"])
    if any(len(h) != width for h in heads.values()):
        raise InputError(f"{path}: the lines at its head differ in length")
    first = next((i for i in range(1, width) if heads["coords"][i]), width)
    sets = [i for i in range(first, width) if heads["scorer"][i] == "set" and not _named(heads, i)]
    kept = [i for i in range(first, width) if i not in sets]
    values = np.empty((len(lines), len(kept)))
    for row, (line, cells) in enumerate(lines):
        if len(cells) != width:
            raise InputError(f"{path}, line {line}: {len(cells)} cells; expected {width}")
        where = f"{path}, line {line}"
        values[row] = [number(cells[i], where) for i in kept]
    return Table.of(
        path,
        {name: [cells[i] for i in kept] for name, cells in heads.items()},
        values,
        ["/".join(c for c in cells[:first] if c) for _, cells in lines],
        [line for line, _ in lines],
        [cells[sets[0]] for _, cells in lines] if sets else [],
        before=first,
    )


def _named(heads: Mapping[str, Sequence[str]], i: int) -> bool:
    """Whether a column has a point; pandas calls empty cells of a head ``Unnamed: 7_level_1``."""
    return any(heads[h][i] and not heads[h][i].startswith("Unnamed:") for h in ("bodyparts", "coords"))
