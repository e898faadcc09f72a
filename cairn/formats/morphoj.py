"""MorphoJ's row/column text: a line for each specimen, its label and then x, y of each landmark; no titles.

::

    63001.jpg	290	108	301.5	95.25	...

Defined by its guide (https://morphometrics.uk/MorphoJ_guide/fundamentals/fileTypes.htm): tab stops, commas or
semicolons between the numbers. A first line with titles is ignored, as in MorphoJ; but a table with titles looks like
``csv`` and is told to be that, so name the format for it.

Origin: MorphoJ has coordinates without pictures and draws y upwards. Its files mostly come from tpsDig's, so they are
taken as in ``tps``: y counts from the **bottom**, whose row is 0, ``y_ours = height - 1 - y``. The label is the name of
the picture, with or without its suffix; ``a.jpg #2`` is the second specimen in a picture. A cell that is empty or NaN
is a missing point, which MorphoJ itself refuses.

Cannot carry: names, edges, visibility, boxes, depth, splits, subjects, other columns, pictures without an object.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import check_count, coordinates, fill_boxes, losses, named, whole_points
from cairn.formats.text import is_missing, number, read_table, title_cells
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = ""

_SECOND = re.compile(r"(.+) #[1-9]\d{0,8}", re.ASCII)
_FIGURE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def matches(path: Path, head: bytes) -> bool:
    """Whether the first line of a file is a label and an even number of numbers; a folder is never taken for it."""
    if path.is_dir():
        return False
    label, *cells = title_cells(head) or [""]
    figures = [c for c in cells if _FIGURE.fullmatch(c)]
    sound = all(c in figures or is_missing(c) for c in cells)
    return bool(label.strip() and figures and sound and len(cells) % 2 == 0 and not _FIGURE.fullmatch(label.strip()))


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file.

    Parameters
    ----------
    path : the file
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a table, a cell that is no number, a missing picture
    """
    path = Path(path)
    lines = read_table(path)
    first = lines[0][1][1:]
    if any(not _FIGURE.fullmatch(c) and not is_missing(c) for c in first):
        del lines[0]
    if not lines:
        raise InputError(f"{path}: has titles and no more; expected labelled points")
    width = len(lines[0][1])
    if width % 2 == 0:
        raise InputError(f"{path}, line {lines[0][0]}: {width - 1} numbers; expected x and y of each landmark")
    check_count(width // 2, str(path))
    find = PictureFinder(path, [path.parent], pictures)
    sources: dict[Source, int] = {}
    heights: dict[Source, int] = {}
    points, index = [], []
    for line, cells in lines:
        where = f"{path}, line {line}"
        if len(cells) != width:
            raise InputError(f"{where}: {len(cells)} cells; expected {width}")
        source = _picture(cells[0], line, find)
        if source not in heights:
            heights[source] = picture_size(source)[1]
        index.append(sources.setdefault(source, len(sources)))
        p = np.array([number(c, where) for c in cells[1:]]).reshape(-1, 2)
        p[:, 1] = heights[source] - 1 - p[:, 1]
        points.append(p)
    array = whole_points(np.array(points))
    skeleton = named([f"p{i}" for i in range(array.shape[1])], str(path))
    return Dataset(ImageList(sources), Landmarks(skeleton, array, fill_boxes(array), np.array(index)))


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file; the heights of the pictures are read.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks = dataset.landmarks
    names, notes = picture_names(dataset.images, path.parent)
    out = io.StringIO()
    table = csv.writer(out, delimiter="\t", lineterminator="\n")
    count: dict[int, int] = {}
    heights: dict[int, int] = {}
    for row, i in enumerate(int(i) for i in marks.image_index):
        count[i] = count.get(i, 0) + 1
        if i not in heights:
            heights[i] = picture_size(dataset.images.sources[i])[1]
        p = marks.points[row, :, :2].copy()
        p[:, 1] = heights[i] - 1 - p[:, 1]
        label = names[i] if count[i] == 1 else f"{names[i]} #{count[i]}"
        table.writerow([label, *(c or "NaN" for c in coordinates(p))])
    write_whole(path, out.getvalue())
    if not marks.labelled.all():
        notes.append("MorphoJ itself refuses missing points; leave those specimens out or estimate the points")
    return losses(dataset, set(), "MorphoJ's text") + notes


def _picture(label: str, line: int, find: PictureFinder) -> Source:
    match = _SECOND.fullmatch(label)
    if match is None:
        return find(label, line)
    try:
        return find(label, line)
    except InputError:
        return find(match[1], line)
