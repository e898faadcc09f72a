"""VGG Image Annotator (VIA 1, 2 and 3): point and rectangle regions, as JSON, project or CSV.

::

    {"a.jpg12345": {"filename": "a.jpg", "size": 12345, "file_attributes": {}, "regions": [
      {"shape_attributes": {"name": "point", "cx": 51, "cy": 37}, "region_attributes": {"name": "nose"}}]}}

    filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes
    a.jpg,12345,{},1,0,"{""name"":""point"",""cx"":51,""cy"":37}","{""name"":""nose""}"

Defined by the program (https://gitlab.com/vgg/via, https://www.robots.ox.ac.uk/~vgg/software/via).

Origin: not documented. VIA stores the mouse's whole-numbered place on the canvas, which at full size is the index of
the pixel clicked, and detectron2's tutorial adds half a pixel to come to edges; so numbers are taken as they stand, 0
at the centre of the first pixel, and the corners of a rectangle are x, y and x + width, y + height.

The name of a point is its attribute ``name``, ``label``, ``landmark``, ``keypoint``, ``part`` or ``point``, or else its
only or first attribute; points without any are numbered in each picture. The attribute ``group`` (or ``object``,
``group_id``, ``instance``) says what is one object; without it, the rectangle around it does, or else the picture is
one object. An attribute ``hidden`` or ``occluded`` that is true is hidden. Names of rectangles become the column
``label``, where they are not all "object". Other shapes are passed over.

Of VIA 3 the project is read (its CSV and its videos are not): ``"xy": [1, 51, 37]`` is a point and ``[2, x, y, width,
height]`` a rectangle, attributes have numbers and so have their choices, and a picture without regions is in ``file``.
Written is what VIA 1 and 2 import.

Cannot carry: the mark "absent", confidence, depth, edges, splits, columns, points that no object has.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import coordinate, files_like, load_json, only_file, parse_json
from cairn.formats.objects import Frame, Mark, Objects, order_lost
from cairn.formats.pictures import PictureFinder, picture_names
from cairn.formats.rows import fill_boxes, losses
from cairn.formats.text import head_of, number, read_table, shown
from cairn.images import Image

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "files of its own repository"

_COLUMNS = (
    *("filename", "file_size", "file_attributes", "region_count", "region_id"),
    *("region_shape_attributes", "region_attributes"),
)
_NAME_KEYS = ("name", "label", "landmark", "keypoint", "part", "point")
_GROUP_KEYS = ("group", "object", "group_id", "instance")
_HIDDEN_KEYS = ("hidden", "occluded")
_HEAD_3 = re.compile(rb'\s*\{\s*"(project|config|attribute|file|metadata|view)"\s*:')
_MARKS_3 = (b'"vid_list"', b'"fid_list"', b'"__VIA_PROJECT_ID__"')
_POINT_3, _RECTANGLE_3, _IMAGE_3 = 1, 2, 2  # numbers of shapes, and of a file that is a picture
_HEAD = re.compile(rb'\s*\{.*("_via_img_metadata"\s*:|"regions"\s*:)', re.DOTALL)


def matches(path: Path, head: bytes) -> bool:
    """Whether a file is such a JSON or CSV file, or a folder holds one."""
    if path.is_dir():
        return bool(files_like(path, (".json", ".csv"), matches))
    head = head.removeprefix(b"\xef\xbb\xbf")
    if b"region_shape_attributes" in head.lstrip().partition(b"\n")[0]:
        return True
    if _HEAD_3.match(head) is not None and any(mark in head for mark in _MARKS_3):
        return True
    return _HEAD.match(head) is not None and (b'"_via_img_metadata"' in head or b'"filename"' in head)


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with one.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, no point regions in it, a missing picture
    """
    path = Path(path)
    path = only_file(path, (".json", ".csv"), matches, "VIA files")
    is_table = b"region_shape_attributes" in head_of(path).lstrip().partition(b"\n")[0]
    regions_of = _from_table(path) if is_table else _from_json(path)
    keys = dict.fromkeys(
        k for several in regions_of.values() for _, shape, about in several if _is_point(shape) for k in about
    )
    name_key = _chosen(keys, _NAME_KEYS) or next(iter(keys), None)
    find = PictureFinder(path, [path.parent], pictures)
    found = Objects(path)
    for picture, regions in regions_of.items():
        index = found.picture(find(picture))
        marks, frames = [], []
        for i, (where, shape, about) in enumerate(regions):
            group = _value(about, _chosen(about, _GROUP_KEYS)) or None
            name = _value(about, name_key)
            if _is_point(shape):
                x, y = (coordinate(shape.get(k), f"{where}: {k}") for k in ("cx", "cy"))
                hidden = _is_true(about.get(_chosen(about, _HIDDEN_KEYS) or ""))
                plain = "unnamed" if name_key else str(i)
                marks.append(Mark(name or plain, x, y, 1 if hidden else 2, group))
            elif shape.get("name") == "rect":
                x, y, w, h = (coordinate(shape.get(k), f"{where}: {k}") for k in ("x", "y", "width", "height"))
                frames.append(Frame([x, y, x + w, y + h], group, {"label": name or "object"}))
        found.add_loose(index, marks, frames, f"{path}: {shown(picture)}")
    found.settle()
    found.drop_cells(label="object")
    return found.dataset()


_Region = tuple[str, dict[str, Any], dict[str, Any]]  # where it stands, its shape, what is said about it


def _from_json(path: Path) -> dict[str, list[_Region]]:
    document = load_json(path)
    if isinstance(document, dict) and "_via_img_metadata" in document:
        document = document["_via_img_metadata"]
    if not isinstance(document, dict) or not document:
        raise InputError(f"{path}: expected a VIA project or its annotations as JSON")
    if isinstance(document.get("view"), dict) and isinstance(document.get("file"), dict):
        return _from_project_3(path, document)
    found: dict[str, list[_Region]] = {}
    for key, entry in document.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            raise InputError(f"{path}: {shown(key)} has no 'filename'; expected VIA's annotations of pictures")
        regions = entry.get("regions") or []
        several = regions.values() if isinstance(regions, dict) else regions  # VIA 1 numbers them
        if not isinstance(regions, (dict, list)) or not all(isinstance(r, dict) for r in several):
            raise InputError(f"{path}: {shown(key)}: 'regions' must be a list of objects")
        own = found.setdefault(entry["filename"], [])
        for i, region in enumerate(several):
            where = f"{path}: {shown(entry['filename'])}, region {i}"
            shape, about = region.get("shape_attributes"), region.get("region_attributes") or {}
            if not isinstance(shape, dict) or not isinstance(about, dict):
                raise InputError(f"{where}: expected 'shape_attributes' and 'region_attributes'")
            own.append((where, shape, about))
    return found


def _from_project_3(path: Path, document: dict[str, Any]) -> dict[str, list[_Region]]:
    """A project of VIA 3: regions belong to views, which show files; both have numbers."""
    table = {k: v if isinstance(v := document.get(k), dict) else {} for k in ("file", "view", "metadata", "attribute")}
    for part, entries in table.items():
        wrong = next((k for k, v in entries.items() if not isinstance(v, dict)), None)
        if wrong is not None:
            raise InputError(f"{path}: {part} {shown(wrong)}: expected an object, as in a project of VIA 3")
    names: dict[str, str] = {}
    found: dict[str, list[_Region]] = {}
    for key, entry in table["file"].items():
        name = entry.get("src") if entry.get("loc") == 3 and entry.get("src") else entry.get("fname")
        if entry.get("type", _IMAGE_3) != _IMAGE_3 or not isinstance(name, str):
            raise InputError(
                f"{path}: the file {shown(entry.get('fname'))} is no picture; only labels of these are read"
            )
        name = name.removeprefix("file://")
        if name in found:
            raise InputError(f"{path}: two files are called {shown(name)}, and nothing says which picture each is")
        names[key] = name
        found[name] = []
    for key, entry in table["metadata"].items():
        where = f"{path}: region {shown(key)}"
        shape = entry.get("xy")
        if not isinstance(shape, list) or len(shape) < 3 or shape[0] not in (_POINT_3, _RECTANGLE_3):
            continue  # another shape, or words about the whole picture
        files = table["view"].get(str(entry.get("vid")), {}).get("fid_list")
        if not isinstance(files, list) or len(files) != 1 or str(files[0]) not in names:
            raise InputError(f"{where}: its view does not show one picture")
        if shape[0] == _POINT_3:
            plain = {"name": "point"} | dict(zip(("cx", "cy"), shape[1:], strict=False))
        else:
            plain = {"name": "rect"} | dict(zip(("x", "y", "width", "height"), shape[1:], strict=False))
        values = entry.get("av")
        about = {}
        for index, value in values.items() if isinstance(values, dict) else ():
            attribute = table["attribute"].get(index, {})
            options = attribute.get("options")
            chosen = options.get(value) if isinstance(options, dict) and isinstance(value, str) else None
            about[str(attribute.get("aname", index))] = value if chosen is None else chosen
        found[names[str(files[0])]].append((where, plain, about))
    return found


def _from_table(path: Path) -> dict[str, list[_Region]]:
    (line, header), *rows = read_table(path)
    header = [h.lstrip("#") for h in header]
    missing = [c for c in ("filename", "region_shape_attributes", "region_attributes") if c not in header]
    if missing:
        raise InputError(f"{path}, line {line}: no column {missing[0]!r}; expected VIA's CSV")
    found: dict[str, list[_Region]] = {}
    for line, cells in rows:
        where = f"{path}, line {line}"
        if len(cells) != len(header):
            raise InputError(f"{where}: {len(cells)} cells; expected {len(header)}")
        row = dict(zip(header, cells, strict=True))
        own = found.setdefault(row["filename"], [])
        shape = _attributes(row["region_shape_attributes"], where)
        if shape:
            own.append((where, shape, _attributes(row["region_attributes"], where)))
    return found


def _attributes(cell: str, where: str) -> dict[str, Any]:
    """A cell of the table: JSON, or ``name=point;cx=51;cy=37;`` in the first versions."""
    if cell.startswith("{"):
        values = parse_json(cell, where)
        if isinstance(values, dict):
            return values
    elif "=" in cell or not cell:
        pairs = (p.partition("=") for p in cell.split(";") if p)
        plain = {k.strip(): v for k, _, v in pairs}
        return {k: number(v, where) if k in ("cx", "cy", "x", "y", "width", "height") else v for k, v in plain.items()}
    raise InputError(f"{where}: {shown(cell)} is not what VIA writes about a region")


def _is_point(shape: dict[str, Any]) -> bool:
    return shape.get("name") == "point"


def _chosen(keys: dict[str, Any], wanted: tuple[str, ...]) -> str | None:
    """The first of `wanted` among `keys`, whatever its case."""
    lower = {k.lower(): k for k in reversed(list(keys))}
    return next((lower[w] for w in wanted if w in lower), None)


def _value(about: dict[str, Any], key: str | None) -> str:
    """An attribute as text; of a checkbox the first that is ticked."""
    value = about.get(key) if key is not None else None
    if isinstance(value, dict):
        value = next((k for k, on in value.items() if on), "")
    return str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def _is_true(value: Any) -> bool:
    if isinstance(value, dict):
        return any(value.values())
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in ("1", "true", "yes"))


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file: CSV where the name ends in ``.csv``, else annotations as JSON, to be imported into VIA.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    names, notes = picture_names(dataset.images, path.parent)
    flat = dataset.landmarks.boxes
    flat = flat if flat.shape[1] == 4 else flat[:, [0, 1, 3, 4]]
    boxed = np.isfinite(flat).all(axis=1)
    if "label" not in dataset.columns:
        boxed &= ~np.isclose(flat, fill_boxes(dataset.landmarks.points), atol=1e-6).all(axis=1)
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(dataset.landmarks.image_index):
        rows_of[int(i)].append(row)
    entries = []
    for i, rows in rows_of.items():
        regions = [r for g, row in enumerate(rows, 1) for r in _regions(dataset, row, g, flat[row], boxed[row])]
        entries.append({"filename": names[i], "size": _bytes(dataset, i), "regions": regions, "file_attributes": {}})
    if path.suffix.lower() == ".csv":
        write_whole(path, _table(entries))
    else:
        document = {f"{e['filename']}{e['size']}": e for e in entries}
        write_whole(path, json.dumps(document, ensure_ascii=False, allow_nan=False))
    lost = losses(dataset, {"names", "boxes", "hidden", "empty", "label"}, "VIA") + order_lost(dataset, "VIA")
    nothing = int((~boxed & ~dataset.landmarks.labelled.any(axis=1)).sum())
    if nothing:
        lost.append(f"VIA has no room for {nothing} objects with neither points nor a box; not written")
    return lost + notes


def _regions(dataset: Dataset, row: int, group: int, box: np.ndarray, boxed: bool) -> Iterator[dict[str, Any]]:
    marks = dataset.landmarks
    if boxed:
        x0, y0, x1, y1 = (round(float(v), 9) for v in box)
        label = str(dataset.columns["label"][row]) if "label" in dataset.columns else "object"
        shape = {"name": "rect", "x": x0, "y": y0, "width": round(x1 - x0, 9), "height": round(y1 - y0, 9)}
        yield {"shape_attributes": shape, "region_attributes": {"name": label, "group": str(group)}}
    for k in np.flatnonzero(np.isfinite(marks.points[row]).all(axis=-1)):
        x, y = (round(float(v), 9) for v in marks.points[row, k, :2])
        about = {"name": dataset.skeleton.names[k], "group": str(group)}
        if marks.visibility is not None and marks.visibility[row, k] == 1:
            about["hidden"] = "yes"
        yield {"shape_attributes": {"name": "point", "cx": x, "cy": y}, "region_attributes": about}


def _bytes(dataset: Dataset, i: int) -> int:
    """Size of the picture's file, by which VIA tells pictures of one name apart; -1 where there is none."""
    item = dataset.images.sources[i]
    source = item.source if isinstance(item, Image) else item
    try:
        return -1 if source is None else os.path.getsize(source.path)
    except OSError:
        return -1


def _table(entries: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(_COLUMNS)
    for entry in entries:
        several = entry["regions"] or [{"shape_attributes": {}, "region_attributes": {}}]
        for i, region in enumerate(several):
            cells = (json.dumps(region[k], ensure_ascii=False) for k in ("shape_attributes", "region_attributes"))
            table.writerow([entry["filename"], entry["size"], "{}", len(entry["regions"]), i, *cells])
    return out.getvalue()
