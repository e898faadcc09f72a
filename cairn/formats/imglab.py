"""imglab XML: the labels of dlib, boxes with parts, as its tool imglab and its trainers read and write them.

::

    <dataset>
    <images>
      <image file='a.jpg'>
        <box top='20' left='10' width='101' height='91'>
          <label>face</label>
          <part name='00' x='15' y='40'/>
          ...

Defined by dlib's ``image_dataset_metadata`` (http://dlib.net/dlib/data_io/image_dataset_metadata.h.html).

Origin: dlib counts pixels, so whole numbers are the centres of pixels and the first one is 0: points as they stand. A
box of ``width`` w covers the pixels ``left`` to ``left + w - 1``, and these two are its corners here, as they are for
dlib's shape predictor. A part that is not there is a point without label.

Points are sorted as dlib sorts them, by name, where each box of the file has them so; by number, where all names are
numbers; else they are in the order of the file. ``detection_score`` is the score; ``label``, ``difficult``,
``truncated``, ``occluded``, ``ignore``, ``angle``, ``pose``, ``age`` and ``gender`` of a box become columns. Boxes to
ignore stay rows.

Cannot carry: fractions of a pixel (dlib refuses them, so writing rounds; reading takes them), visibility of single
points, edges, splits, subjects.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import files_like, load_xml, only_file, parse_json, root_name
from cairn.formats.objects import Objects, in_order
from cairn.formats.pictures import PictureFinder, picture_names
from cairn.formats.rows import losses
from cairn.formats.text import number, shown

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "dlib"

_FLAGS = ("difficult", "truncated", "occluded", "ignore")
_FIGURES = ("angle", "pose", "age")
_NAMES = "points: "  # in the comment: their order, and those that no object has
_GENDERS = ("male", "female", "unknown")


def matches(path: Path, head: bytes) -> bool:
    """Whether a file is XML with the root ``dataset``, or a folder holds such files."""
    if path.is_dir():
        return bool(files_like(path, ".xml", matches))
    return root_name(head) == "dataset" and b"<image" in head


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with one.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, no parts in it, a missing picture
    """
    path = Path(path)
    path = only_file(path, ".xml", matches, "imglab files")
    root = load_xml(path)
    if root.tag != "dataset":
        raise InputError(f"{path}: its root is <{root.tag[:60]}>; expected <dataset>, as imglab writes it")
    found = Objects(path)
    find = PictureFinder(path, [path.parent], pictures)
    is_sorted = True
    for i, image in enumerate(root.iterfind("images/image")):
        where = f"{path}: image {i + 1}"
        name = image.get("file")
        if name is None:
            raise InputError(f"{where}: has no 'file'; expected the name of a picture")
        index = found.picture(find(name))
        for box in image.iterfind("box"):
            left, top, width, height = (
                number(box.get(key, ""), f"{where}: {key}") for key in ("left", "top", "width", "height")
            )
            corners = [left, top, left + width - 1, top + height - 1]
            points: dict[str, tuple[float, float]] = {}
            for part in box.iterfind("part"):
                called = part.get("name")
                if not called:
                    raise InputError(f"{where}: a part has no name")
                if called in points:
                    raise InputError(f"{where}: the part {shown(called)} stands twice in one box")
                x, y = (number(part.get(key, ""), f"{where}, part {shown(called)}: {key}") for key in "xy")
                points[called] = (x, y)
            is_sorted = is_sorted and list(points) == sorted(points)
            cells = {key: box.get(key, "0") for key in (*_FLAGS, *_FIGURES)}
            cells |= {"gender": box.get("gender", "unknown"), "label": (box.findtext("label") or "").strip()}
            score = number(box.get("detection_score", "0"), f"{where}: detection_score")
            found.add(index, points, box=corners, score=score, cells=cells)
    names = in_order(sorted(found.names)) if is_sorted else found.order()
    names = _listed(root.findtext("comment") or "", found) or names
    found.drop_cells(label="", gender="unknown", **dict.fromkeys((*_FLAGS, *_FIGURES), "0"))
    if all(o.score == 0 for o in found.objects):
        for o in found.objects:
            o.score = np.nan
    return found.dataset(names)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file, points and boxes rounded to whole pixels.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, skeleton = dataset.landmarks, dataset.skeleton
    files, notes = picture_names(dataset.images, path.parent)
    points = np.floor(marks.points[..., :2] + 0.5)
    flat = marks.boxes if marks.boxes.shape[1] == 4 else marks.boxes[:, [0, 1, 3, 4]]
    boxes = np.floor(flat + 0.5)
    columns = {c: v for c, v in dataset.columns.items() if _fits(c, v)}
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<dataset>", "<name>cairn</name>"]
    lines += [f"<comment>{escape(_NAMES + json.dumps(skeleton.names))}</comment>", "<images>"]
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(files))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    homeless = 0
    for i, rows in rows_of.items():
        lines.append(f"  <image file={quoteattr(files[i])}>")
        for row in rows:
            if not np.isfinite(boxes[row]).all():
                homeless += 1
                continue
            x0, y0, x1, y1 = (int(v) for v in boxes[row])
            line = f"    <box top='{y0}' left='{x0}' width='{x1 - x0 + 1}' height='{y1 - y0 + 1}'"
            for name, values in columns.items():
                if name != "label":
                    line += f" {name}='{values[row]}'"
            if marks.score is not None and np.isfinite(marks.score[row]):
                line += f" detection_score='{float(marks.score[row])!r}'"
            lines.append(line + ">")
            if "label" in columns:
                lines.append(f"      <label>{escape(str(columns['label'][row]))}</label>")
            for name, (x, y) in zip(skeleton.names, points[row], strict=True):
                if np.isfinite([x, y]).all():
                    lines.append(f"      <part name={quoteattr(name)} x='{int(x)}' y='{int(y)}'/>")
            lines.append("    </box>")
        lines.append("  </image>")
    write_whole(path, "\n".join([*lines, "</images>", "</dataset>"]) + "\n")
    lost = losses(dataset, {"names", "boxes", "empty", "score", *columns}, "imglab")
    moved = np.abs(np.where(marks.labelled, np.linalg.norm(points - marks.points[..., :2], axis=-1), 0)).max(initial=0)
    if moved > 1e-6:
        lost.append(f"imglab has whole pixels only; points were rounded, the farthest by {moved:.2f} px")
    if homeless:
        lost.append(f"imglab has no room for {homeless} objects with neither points nor a box; not written")
    if list(skeleton.names) != in_order(sorted(skeleton.names)) or in_order(skeleton.names) != sorted(skeleton.names):
        lost.append("dlib sorts points by their names as text; a model that it trains gives them in that order")
    if any(c in name for name in (*files, *skeleton.names) for c in "&<"):
        lost.append("dlib takes &amp; and &lt; in names as they stand; rename pictures or points with & or < for it")
    return lost + notes


def _listed(comment: str, found: Objects) -> list[str] | None:
    """The names that `write` put into the comment, where they are those of the file."""
    if not comment.startswith(_NAMES):
        return None
    try:
        names = parse_json(comment.removeprefix(_NAMES), str(found.where))
    except InputError:
        return None
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        return None
    return names if len(set(names)) == len(names) and set(names) >= set(found.names) else None


def _fits(name: str, values: np.ndarray) -> bool:
    """Whether dlib would read that column of boxes."""
    if name == "label":
        return values.dtype.kind in "US" and all(str(v).isprintable() for v in values)
    if name == "gender":
        return set(map(str, values)) <= set(_GENDERS)
    if name in _FLAGS:
        return values.dtype.kind in "iu" and bool(np.isin(values, (0, 1)).all())
    return name in _FIGURES and values.dtype.kind in "iuf" and bool(np.isfinite(values.astype(float)).all())
