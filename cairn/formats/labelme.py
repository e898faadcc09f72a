"""LabelMe: a JSON file for each picture, with points and boxes as shapes.

::

    {"version": "5.5.0", "flags": {}, "imagePath": "a.jpg", "imageData": null, "imageHeight": 480, "imageWidth": 640,
     "shapes": [{"label": "nose", "points": [[310.5, 200.0]], "group_id": 1, "shape_type": "point", "flags": {}}]}

Defined by the program (https://github.com/wkentaro/labelme, ``examples/primitives``).

Origin: its canvas takes points from 0 to the width and height of the picture (``is_out_of_pixmap``), so 0 is the outer
edge of the first pixel: 0.5 is subtracted on reading and added on writing, for boxes too.

A shape of type ``point`` is a point, its label the name; a ``rectangle`` is a box. What has the same ``group_id`` is
one object. Points without a group belong to the box around them, or else are one object; where all points have the same
label, each is an object. Other shapes are passed over. A flag "hidden" or "occluded" of a point means hidden. Labels of
boxes become the column ``label``, where they are not all "object". Pixels in ``imageData`` are not read.

Cannot carry: the mark "absent", confidence, depth, edges, splits, columns.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import coordinate, files_of, load_json
from cairn.formats.objects import Frame, Mark, Objects
from cairn.formats.pictures import PictureFinder, json_for_each, picture_size, warn_of_sizes
from cairn.formats.rows import fill_boxes, losses
from cairn.formats.text import head_of, shown
from cairn.images import Source

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "a file that LabelMe 6.3 wrote"

_HEAD = re.compile(rb'\s*\{.*"shapes"\s*:\s*\[', re.DOTALL)
_NAMES = "cairn_points"  # at the top: all points in their order; LabelMe keeps keys that it does not know


def matches(path: Path, head: bytes) -> bool:
    """Whether `path` is such a JSON file, or a folder with at least one."""
    if path.is_dir():
        return any(matches(p, head_of(p)) for p in files_of(path, ".json", below=True))
    head = head.removeprefix(b"\xef\xbb\xbf")
    return _HEAD.match(head) is not None and any(
        key in head for key in (b'"shape_type"', b'"imagePath"', b'"imageData"')
    )


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder of them, with its folders.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, a missing picture, points of which nobody can say to which object they belong
    """
    path = Path(path)
    files = [path]
    if path.is_dir():
        files = [p for p in files_of(path, ".json", below=True) if matches(p, head_of(p))]
        if not files:
            raise InputError(f"{path}: no LabelMe file in this folder")
    found = Objects(path)
    finders: dict[Path, PictureFinder] = {}
    listed: list[str] = []
    sizes: list[tuple[Source, Any, Any]] = []
    for file in files:
        document = load_json(file)
        shapes = document.get("shapes") if isinstance(document, dict) else None
        if not isinstance(shapes, list):
            raise InputError(f"{file}: no list 'shapes'; expected a LabelMe file")
        name = document.get("imagePath")
        if not isinstance(name, str):
            raise InputError(f"{file}: 'imagePath' is {shown(name)}; expected the name of a picture")
        find = finders.setdefault(file.parent, PictureFinder(file, [file.parent], pictures))
        find.label_file = file
        source = find(name)
        sizes.append((source, document.get("imageWidth"), document.get("imageHeight")))
        _add_shapes(found, found.picture(source), shapes, file)
        names = document.get(_NAMES)
        if isinstance(names, list) and all(isinstance(n, str) for n in names):
            listed = names
    warn_of_sizes(path, sizes)
    found.settle()
    found.drop_cells(label="object")
    complete = len(set(listed)) == len(listed) and set(listed) >= set(found.names)
    return found.dataset(listed if listed and complete else None)


def _add_shapes(found: Objects, index: int, shapes: list[Any], file: Path) -> None:
    marks, frames = [], []
    for i, shape in enumerate(shapes):
        where = f"{file}: shapes[{i}]"
        if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
            raise InputError(f"{where}: expected an object with 'label' and 'points'")
        kind = shape.get("shape_type") or "polygon"  # as in files of version 3
        if kind not in ("point", "rectangle"):
            continue
        points = _points(shape.get("points"), where)
        group = shape.get("group_id")
        if group is not None and (not isinstance(group, (int, str)) or isinstance(group, bool)):
            raise InputError(f"{where}: 'group_id' is {shown(group)}; expected a number")
        if kind == "rectangle":
            if len(points) < 2:
                raise InputError(f"{where}: a rectangle with {len(points)} points; expected two corners")
            box = [*points.min(axis=0), *points.max(axis=0)]
            frames.append(Frame(box, group, {"label": shape["label"]}))
            continue
        if len(points) != 1:
            raise InputError(f"{where}: a point with {len(points)} coordinates; expected one")
        flags = shape.get("flags")
        hidden = isinstance(flags, dict) and any(flags.get(f) is True for f in ("hidden", "occluded"))
        x, y = points[0]
        marks.append(Mark(shape["label"], float(x), float(y), 1 if hidden else 2, group))
    found.add_loose(index, marks, frames, str(file))


def _points(values: Any, where: str) -> np.ndarray:
    """(n, 2) px, 0 at the centre of the first pixel."""
    if not isinstance(values, list) or not all(isinstance(p, list) and len(p) == 2 for p in values):
        raise InputError(f"{where}: 'points' must be pairs of x and y")
    return np.array([[coordinate(v, where) for v in p] for p in values]).reshape(-1, 2) - 0.5


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write a folder with a file for each picture; or one file, for one picture.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    folder, names, files, notes = json_for_each(dataset.images, path, ".json", "a LabelMe")
    marks = dataset.landmarks
    flat = marks.boxes if marks.boxes.shape[1] == 4 else marks.boxes[:, [0, 1, 3, 4]]
    boxed = np.isfinite(flat).all(axis=1)
    if "label" not in dataset.columns:
        boxed &= ~np.isclose(flat, fill_boxes(marks.points), atol=1e-6).all(axis=1)
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    for i, rows in rows_of.items():
        shapes: list[dict[str, Any]] = []
        for group, row in enumerate(rows, 1):
            if boxed[row]:
                label = str(dataset.columns["label"][row]) if "label" in dataset.columns else "object"
                shapes.append(_shape(label, flat[row].reshape(2, 2), group, "rectangle"))
            for k in np.flatnonzero(np.isfinite(marks.points[row]).all(axis=-1)):
                hidden = marks.visibility is not None and marks.visibility[row, k] == 1
                point = marks.points[row, k, None, :2]
                shapes.append(_shape(dataset.skeleton.names[k], point, group, "point", hidden))
        relative = not PurePosixPath(names[i]).is_absolute()
        width, height = picture_size(dataset.images.sources[i])
        document: dict[str, Any] = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": PurePosixPath(names[i]).name if relative and folder == path else names[i],
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
            _NAMES: list(dataset.skeleton.names),
        }
        target = folder / files[i]
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))
    lost = losses(dataset, {"names", "boxes", "hidden", "empty", "label"}, "LabelMe")
    nothing = int((~boxed & ~marks.labelled.any(axis=1)).sum())
    if nothing:
        lost.append(f"LabelMe has no room for {nothing} objects with neither points nor a box; not written")
    return lost + notes


def _shape(label: str, points: np.ndarray, group: int, kind: str, hidden: bool = False) -> dict[str, Any]:
    return {
        "label": label,
        "points": [[round(float(v) + 0.5, 9) for v in p] for p in points],
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": {"hidden": True} if hidden else {},
    }
