"""What the columns of a plain table are, told from their titles; see `cairn.formats.csv_wide`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["AXES", "BOX", "PER_IMAGE", "POINT_ARRAYS", "SPACING", "Header"]

_IMAGE = (
    *("image", "images", "image_name", "image_path", "image_file", "img", "picture", "photo"),
    *("file", "file_name", "filename", "filepath", "path"),
)
_SEPARATED = re.compile(r"(.+)[ _.:-]([xyz])", re.IGNORECASE)  # nose_x
_NUMBERED = re.compile(r"([xyz])[ _.:-]?(\d+)", re.IGNORECASE)  # x1
_LED = re.compile(r"([xyz])[_.:](\D.*)", re.IGNORECASE)  # x_nose
BOX = ("box_x0", "box_y0", "box_x1", "box_y1")
_BOXES = (
    BOX,
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
)
SPACING = ("spacing_x", "spacing_y", "spacing_z")
_PER_ROW = ("subject", "score", "track_id", "plausible")
PER_IMAGE = ("split", "frame")
POINT_ARRAYS = {  # suffix: field of Landmarks
    "confidence": "confidence",
    "likelihood": "confidence",
    "visibility": "visibility",
    "presence": "presence",
    "plausible": "plausible_points",
    "altered": "altered",
}
AXES = "xyz"


@dataclass(frozen=True)
class Header:
    """What each column of a table is."""

    names: tuple[str, ...]
    columns: np.ndarray  # (K, D) column of each coordinate
    box: tuple[int, ...] | None
    spacing: tuple[int, ...]
    image: int | None
    known: dict[str, int]  # split, subject, ...
    arrays: dict[str, np.ndarray]  # field of Landmarks: (K,) columns, or (K, D, D)
    other: dict[str, int]

    @classmethod
    def of(cls, cells: Sequence[str]) -> Header:
        lower = [c.lower() for c in cells]
        place = {c: i for i, c in reversed(list(enumerate(lower)))}
        taken: set[int] = set()
        box = None
        for corners in _BOXES:
            beyond = ("x2", "x3")["x2" in corners]
            if box is None and all(c in place for c in corners) and (corners[0][0] != "x" or beyond not in place):
                box = tuple(place[c] for c in corners)
                taken.update(box)
        spacing = tuple(place[c] for c in SPACING if c in place)
        taken.update(spacing)
        image = next((place[c] for c in _IMAGE if c in place), None)
        if image is None and cells and (not cells[0] or _axis_of(cells[0]) is None):
            image = 0
        known = {c: place[c] for c in (*PER_IMAGE, *_PER_ROW, "instance") if c in place and place[c] != image}
        taken.update(known.values())
        taken.update([] if image is None else [image])
        found: dict[str, dict[str, int]] = {}
        for i, cell in enumerate(cells):
            point = None if i in taken else _axis_of(cell)
            if point is not None:
                found.setdefault(point[0], {}).setdefault(point[1], i)
        names = tuple(n for n, axes in found.items() if "x" in axes and "y" in axes)
        d = 3 if names and all("z" in found[n] for n in names) else 2
        columns = np.array([[found[n][a] for a in AXES[:d]] for n in names], np.int64).reshape(-1, d)
        taken.update(int(i) for i in columns.ravel())
        arrays = _point_arrays(cells, names, d, taken)
        other = {c: i for i, c in enumerate(cells) if i not in taken and c}
        return cls(names, columns, box, spacing, image, known, arrays, other)


def _axis_of(cell: str) -> tuple[str, str] | None:
    """The point's name and the axis that a column's title speaks of."""
    if match := _SEPARATED.fullmatch(cell):
        return match[1], match[2].lower()
    if match := _NUMBERED.fullmatch(cell) or _LED.fullmatch(cell):
        return match[2], match[1].lower()
    return None


def _point_arrays(cells: Sequence[str], names: Sequence[str], d: int, taken: set[int]) -> dict[str, np.ndarray]:
    """Columns such as ``nose_confidence``; only where every point has one."""
    place = {c: i for i, c in reversed(list(enumerate(cells))) if i not in taken}
    arrays = {}
    for suffix, target in POINT_ARRAYS.items():
        columns = [next((place[n + s + suffix] for s in "_. :-" if n + s + suffix in place), None) for n in names]
        if names and None not in columns and target not in arrays:
            arrays[target] = np.array(columns)
            taken.update(c for c in columns if c is not None)
    pairs = [[f"cov_{AXES[min(i, j)]}{AXES[max(i, j)]}" for j in range(d)] for i in range(d)]
    covariance = [[[place.get(f"{n}_{p}") for p in row] for row in pairs] for n in names]
    flat = [c for matrix in covariance for row in matrix for c in row]
    if names and None not in flat:
        arrays["covariance"] = np.array(covariance)
        taken.update(c for c in flat if c is not None)
    return arrays
