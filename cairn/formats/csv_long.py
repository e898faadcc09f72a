"""Long tables: one row for each point (``csv_long``).

::

    image,object,point,x,y              also: landmark, keypoint, bodypart, node or name for point; z, likelihood, ...

Not defined by anyone; it is how statisticians' programs keep repeated measures, and what ``melt`` of pandas and
``pivot_longer`` of R make of wide tables.

Origin: 0 at the centre of the first pixel; the numbers are taken as they stand. Delimiter, decimal point, empty cells
and the picture's column are as in ``csv``. Where ``object`` (or ``instance``, ``individual``, ``animal``) is missing,
each picture has one. A row without a point's name is a picture without an object. ``confidence`` (or ``likelihood``)
and ``visibility`` belong to the point. ``split``, ``subject``, ``frame``, ``score`` and ``track_id`` are understood;
other columns become ``Dataset.columns``, of which one that differs between the points of an object is passed over.

Cannot carry: edges, boxes, covariance, the licence.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.objects import Objects
from cairn.formats.pictures import PictureFinder, picture_names
from cairn.formats.rows import losses, text
from cairn.formats.text import number, read_table, shown, title_cells
from cairn.images import Source

__all__ = ["VERIFIED", "from_rows", "is_long", "matches", "read", "write"]

VERIFIED = "pandas"

_POINT = ("point", "landmark", "keypoint", "bodypart", "node", "name", "point_name", "landmark_name")
_OBJECT = ("object", "instance", "individual", "animal", "specimen")
_IMAGE = ("image", "image_name", "image_path", "img", "picture", "photo", "file", "file_name", "filename", "path")
_OWN = ("split", "subject", "frame", "score", "track_id")


def is_long(titles: Sequence[str]) -> bool:
    """Whether the titles of a table are those of a long one."""
    lower = [t.strip().lower() for t in titles]
    return {"x", "y"} <= set(lower) and any(p in lower for p in _POINT) and any(i in lower for i in _IMAGE)


def matches(path: Path, head: bytes) -> bool:
    """Whether the first line of a file names a picture, a point, x and y; a folder is never taken for it."""
    if path.is_dir():
        return False
    return is_long(title_cells(head))


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One table.

    Parameters
    ----------
    path : the file
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a table, a cell that is no number, a missing picture, a point that stands twice in an object
    """
    path = Path(path)
    return from_rows(path, read_table(path), pictures)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one table.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks = dataset.landmarks
    names, notes = picture_names(dataset.images, path.parent)
    several = bool((np.bincount(marks.image_index, minlength=1) > 1).any())
    axes = "xyz"[: marks.points.shape[2]]
    arrays = [n for n in ("visibility", "confidence") if getattr(marks, n) is not None]
    of_image = [n for n in ("split", "frame") if getattr(dataset, n) is not None]
    of_row = [n for n in ("score", "track_id") if getattr(marks, n) is not None]
    title = ["image", *["object"] * several, "point", *axes, *arrays, *of_image]
    title += ["subject"] * (dataset.subject is not None) + of_row
    taken = {*title, *_POINT, *_OBJECT, *_IMAGE, *_OWN, "likelihood"}
    columns = {c: v for c, v in dataset.columns.items() if c.lower() not in taken and c.strip() == c and c}
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*title, *columns])
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    for i, rows in rows_of.items():
        shared = [text(getattr(dataset, n)[i]) for n in of_image]
        for place, row in enumerate(rows, 1):
            own = shared + ([] if dataset.subject is None else [str(dataset.subject[row])])
            own += [text(getattr(marks, n)[row]) for n in of_row] + [text(v[row]) for v in columns.values()]
            for k, name in enumerate(dataset.skeleton.names):
                cells = [names[i], *[str(place)] * several, name, *map(text, marks.points[row, k])]
                table.writerow([*cells, *(text(getattr(marks, n)[row, k]) for n in arrays), *own])
        if not rows:
            blank = [""] * (several + 1 + len(axes) + len(arrays))
            table.writerow(
                [names[i], *blank, *shared, *[""] * (len(title) - 1 - len(blank) - len(shared) + len(columns))]
            )
    write_whole(path, out.getvalue())
    carries = {"z", "hidden", "absent", "empty", "confidence", "score", "track_id", "subject", "split", "frame"}
    if all(n.strip() == n and n and n.isprintable() for n in dataset.skeleton.names):
        carries.add("names")
    return losses(dataset, carries | set(columns), "A long table") + notes


def from_rows(path: Path, rows: list[tuple[int, list[str]]], pictures: str | Path | None) -> Dataset:
    """The data set of a table: for each row its line and its cells, the first row being the titles."""
    (first, titles), *lines = rows
    lower = [t.lower() for t in titles]
    if not is_long(titles):
        raise InputError(f"{path}, line {first}: expected the columns image, point, x and y")
    if not lines:
        raise InputError(f"{path}: has a first line and no more; expected labelled points")
    if len(set(lower)) != len(lower):
        twice = next(c for c in lower if lower.count(c) > 1)
        raise InputError(f"{path}, line {first}: the column {shown(twice)} stands twice; names must be unique")
    at = {name: next((lower.index(w) for w in words if w in lower), None) for name, words in _COLUMNS.items()}
    used = {i for i in at.values() if i is not None}
    others = {titles[i]: i for i in range(len(titles)) if i not in used and titles[i]}
    axes = [i for i in (at["x"], at["y"], at["z"]) if i is not None]
    find, found = PictureFinder(path, [path.parent], pictures), Objects(path)
    of_image: dict[int, tuple[str, str]] = {}
    objects: dict[tuple[int, str], dict[str, Any]] = {}

    def cell(cells: list[str], name: str) -> str:
        i = at[name]
        return "" if i is None else cells[i]

    pictures_by_name: dict[str, Source] = {}
    for line, cells in lines:
        where = f"{path}, line {line}"
        if len(cells) != len(titles):
            raise InputError(f"{where}: {len(cells)} cells; expected {len(titles)} as in the first line")
        name = cell(cells, "image")
        if name not in pictures_by_name:
            pictures_by_name[name] = find(name, line)
        image = found.picture(pictures_by_name[name])
        about = (cell(cells, "split"), cell(cells, "frame"))
        if of_image.setdefault(image, about) != about:
            raise InputError(f"{where}: the picture {shown(name)} has another split or frame in a line before")
        point = cell(cells, "point")
        if not point:
            continue
        one = objects.setdefault(
            (image, cell(cells, "object")), {"points": {}, "cells": [], "confidence": {}, "seen": {}}
        )
        if point in one["points"]:
            raise InputError(f"{where}: the point {shown(point)} stands twice in one object; tell objects apart by a "
                             "column 'object'")  # fmt: skip
        one["points"][point] = [number(cells[i], where) for i in axes]
        one["cells"].append(cells)
        if cell(cells, "confidence"):
            one["confidence"][point] = _share(number(cell(cells, "confidence"), where), where)
        if cell(cells, "visibility"):
            seen = number(cell(cells, "visibility"), where)
            if seen not in (0, 1, 2, 3):
                raise InputError(f"{where}: the visibility {seen:g} is none of 0, 1, 2, 3")
            one["seen"][point] = int(seen)
    varying = {c for c, i in others.items() for o in objects.values() if len({cells[i] for cells in o["cells"]}) > 1}
    subjects = []
    for (image, _), one in objects.items():
        cells = one["cells"][0]
        where = f"{path}: an object"
        score = number(cell(cells, "score"), where, 2.0**53)
        track = number(cell(cells, "track_id"), where, 2.0**53)
        found.add(
            image,
            one["points"],
            seen=one["seen"],
            confidence=one["confidence"],
            score=score,
            track=int(track) if np.isfinite(track) else None,
            cells={c: cells[i] for c, i in others.items() if c not in varying},
        )
        subjects.append(cell(cells, "subject"))
    data = found.dataset(list(found.names))
    frames = [f for _, f in of_image.values()]
    splits = np.array([s for s, _ in of_image.values()])
    timed = at["frame"] is not None and all(f.lstrip("-").isdigit() and len(f) < 18 for f in frames)
    return replace(
        data,
        split=splits if any(splits) else None,
        split_by=path.name if any(splits) else "",
        frame=np.array([int(f) for f in frames]) if timed else None,
        subject=np.array(subjects) if any(subjects) else None,
    )


def _share(value: float, where: str) -> float:
    if not 0 <= value <= 1 and not np.isnan(value):
        raise InputError(f"{where}: the confidence {value:g} lies outside 0 to 1")
    return value


_COLUMNS = {
    "image": _IMAGE,
    "object": _OBJECT,
    "point": _POINT,
    **{name: (name,) for name in ("x", "y", "z", "visibility", *_OWN)},
    "confidence": ("confidence", "likelihood"),
}
