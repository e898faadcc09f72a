"""CVAT XML 1.1: skeletons and points of the tool CVAT, its exports "for images" and "for video".

::

    <annotations>
      <image id="0" name="a.jpg" width="640" height="480">
        <skeleton label="face" source="manual" z_order="0">
          <points label="nose" outside="0" occluded="0" points="310.50,200.25"></points>
          ...

Defined in https://docs.cvat.ai/docs/other/xml_format. The export is a zip: unpack it.

Origin: CVAT's canvas lets a point be dragged from 0 to the picture's width (its issue 9973; in its documentation's
example a line ends at y = 1200 in a picture 1200 high), so 0 is the outer edge of the first pixel: 0.5 is subtracted on
reading and added on writing, for boxes too. CVAT itself writes two decimals.

``occluded`` is hidden. ``outside``, by which CVAT marks an element that is not in the picture, is absent; an element
that is not there at all has no label. Since CVAT wants every element, a point without label is written as outside, with
``labelled="0"`` beside it, which CVAT passes over.

Points that belong to no skeleton: several points of one shape are an object, named by their place in it
(after their label, where objects are of several kinds); shapes of one
point are named by their labels and put together by their group, else by the boxes around them, else they are one
object. Attributes of a skeleton, and the label where it is not "object", are columns; ``subset`` is the split.

A track "for video" is an object in each of its frames, with ``track_id``, and ``keyframe`` as a column where some
frames are interpolated; its pictures are ``frame_000000`` and on, as CVAT exports them, or frames of the video itself.

Cannot carry: confidence, covariance, depth, subjects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr, unescape

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import files_like, load_xml, only_file, root_name
from cairn.formats.objects import Frame, Mark, Objects
from cairn.formats.pictures import PictureFinder, picture_names, picture_size, warn_of_sizes
from cairn.formats.rows import fill_boxes, losses, text
from cairn.formats.text import number, shown
from cairn.images import Source
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "examples of its documentation and of datumaro"

_VISIBLE, _HIDDEN, _ABSENT = 2, 1, 3
_CIRCLE = re.compile(r"<circle\b[^>]{0,2000}>")
_LINE = re.compile(r"<line\b[^>]{0,2000}>")
_ATTRIBUTE = re.compile(r'([\w-]{1,60})="([^"]{0,1000})"')


def matches(path: Path, head: bytes) -> bool:
    """Whether a file is XML with the root ``annotations``, or a folder holds such files."""
    if path.is_dir():
        return bool(files_like(path, ".xml", matches))
    return root_name(head) == "annotations"


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with one.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, no points in it, a missing picture
    """
    path = Path(path)
    path = only_file(path, ".xml", matches, "CVAT files")
    root = load_xml(path)
    if root.tag != "annotations":
        raise InputError(f"{path}: its root is <{root.tag[:60]}>; expected <annotations>, as CVAT writes it")
    found = Objects(path)
    find = PictureFinder(path, [path.parent], pictures)
    splits: dict[int, str] = {}
    sizes: list[tuple[Source, Any, Any]] = []
    many = {e.get("label", "") for e in root.iterfind("image/points") if ";" in e.get("points", "")}
    alike = len(many) == 1 and root.find("image/skeleton") is None
    for image in root.iterfind("image"):
        name = image.get("name", "")
        where = f"{path}: image {shown(name)}"
        subset = image.get("subset", "")
        source = _picture(find, name, subset)
        sizes.append((source, _whole(image.get("width", "")), _whole(image.get("height", ""))))
        index = found.picture(source)
        splits[index] = subset
        _add_shapes(found, index, image, where, alike)
    warn_of_sizes(path, sizes)
    _add_tracks(found, root, path, find)
    found.settle()
    found.drop_cells(label="object", keyframe="1")
    listed, edges = _skeletons(root)
    names = found.order()
    if set(listed) >= set(found.names):
        names = listed
    split = np.array([splits.get(i, "") for i in range(len(found.sources))])
    if not any(split):
        return found.dataset(names, edges)
    return found.dataset(names, edges, split=split, split_by=path.name)


def _whole(digits: str) -> int:
    return int(digits) if re.fullmatch(r"\d{1,8}", digits, re.ASCII) else 0


def _picture(find: PictureFinder, name: str, subset: str) -> Source:
    try:
        return find(name)
    except InputError:
        if not subset:
            raise
    return find(f"{subset}/{name}")  # as in the zip of a whole project


def _add_shapes(found: Objects, index: int, image: Element, where: str, alike: bool) -> None:
    """The skeletons, points and boxes of one picture."""
    marks: list[Mark] = []
    frames = []
    boxes = {b.get("group_id"): _box(b, where) for b in image.iterfind("box") if b.get("group_id")}
    used = set()
    for shape in image:
        group = shape.get("group_id") or None
        label = shape.get("label", "")
        cells = {"label": label} | {a.get("name", ""): (a.text or "").strip() for a in shape.iterfind("attribute")}
        if shape.tag == "skeleton":
            points, seen = _elements(shape, where)
            found.add(index, points, seen=seen, box=boxes.get(group), cells=cells)
            used.add(group)
        elif shape.tag == "points":
            pairs = _pairs(shape, where)
            state = _HIDDEN if shape.get("occluded") == "1" else _VISIBLE
            if len(pairs) == 1:
                marks.append(Mark(label, *pairs[0], state, group))
                continue
            named = {str(i) if alike else f"{label}_{i}": p for i, p in enumerate(pairs)}
            seen = {} if state == _VISIBLE else dict.fromkeys(named, state)
            found.add(index, named, seen=seen, box=boxes.get(group), cells=cells)
            used.add(group)
    for shape in image.iterfind("box"):
        group = shape.get("group_id") or None
        if group is None or group not in used:
            frames.append(Frame(_box(shape, where), group, {"label": shape.get("label", "")}))
    if marks or frames:
        found.add_loose(index, marks, frames, where)


def _elements(shape: Element, where: str) -> tuple[dict[str, tuple[float, float]], dict[str, int]]:
    """The points of a skeleton, NaN where outside, and the visibility of those that are not plainly there."""
    points: dict[str, tuple[float, float]] = {}
    seen: dict[str, int] = {}
    for element in shape.iterfind("points"):
        name = element.get("label", "")
        if not name or name in points or name in seen:
            raise InputError(f"{where}: the element {shown(name)} of a skeleton has no name or stands twice")
        if element.get("outside") == "1":
            seen[name] = 0 if element.get("labelled") == "0" else _ABSENT
            points[name] = (math.nan, math.nan)  # keeps its place among the names
            continue
        pairs = _pairs(element, where)
        if len(pairs) != 1:
            raise InputError(f"{where}: the element {shown(name)} has {len(pairs)} points; expected one")
        points[name] = pairs[0]
        if element.get("occluded") == "1":
            seen[name] = _HIDDEN
    return points, seen


def _add_tracks(found: Objects, root: Element, path: Path, find: PictureFinder) -> None:
    video = root.findtext("meta/source") or root.findtext("meta/task/source") or ""
    for i, track in enumerate(root.iterfind("track")):
        for shape in track:
            if shape.tag not in ("skeleton", "points") or shape.get("outside") == "1":
                continue
            frame = shape.get("frame", "")
            where = f"{path}: track {i + 1}, frame {shown(frame)}"
            if not re.fullmatch(r"\d{1,9}", frame, re.ASCII):
                raise InputError(f"{where}: expected the number of a frame")
            if shape.tag == "skeleton":
                points, seen = _elements(shape, where)
            else:
                pairs = _pairs(shape, where)
                label = track.get("label", "")
                points = {label: pairs[0]} if len(pairs) == 1 else {str(j): p for j, p in enumerate(pairs)}
                seen = dict.fromkeys(points, _HIDDEN) if shape.get("occluded") == "1" else {}
            if not np.isfinite(list(points.values())).any():
                continue
            index = found.picture(_frame(find, int(frame), video))
            own = track.get("id", "")
            number_of = int(own) if re.fullmatch(r"\d{1,9}", own, re.ASCII) else i
            cells = {"label": track.get("label", ""), "keyframe": shape.get("keyframe", "1")}
            found.add(index, points, seen=seen, track=number_of, cells=cells)
    found.objects.sort(key=lambda o: o.image)


def _frame(find: PictureFinder, frame: int, video: str) -> Source:
    try:
        return find(f"frame_{frame:06d}")
    except InputError:
        if not video:
            raise
    return find(f"{video}#{frame}")


def _pairs(shape: Element, where: str) -> list[tuple[float, float]]:
    pairs = []
    for pair in shape.get("points", "").split(";"):
        values = [number(v, f"{where}, {shown(shape.get('label', ''))}") - 0.5 for v in pair.split(",")]
        if len(values) != 2:
            raise InputError(f"{where}: {shown(pair)} is no point; expected x,y")
        pairs.append((values[0], values[1]))
    return pairs


def _box(shape: Element, where: str) -> list[float]:
    return [number(shape.get(key, ""), f"{where}, box: {key}") - 0.5 for key in ("xtl", "ytl", "xbr", "ybr")]


def _skeletons(root: Element) -> tuple[list[str], list[tuple[str, str]]]:
    """Names of the elements in their order, and edges, as the head of the file has them."""
    names: dict[str, None] = {}
    edges: dict[tuple[str, str], None] = {}
    for label in root.iterfind("meta//label"):
        if label.findtext("parent"):
            names[label.findtext("name") or ""] = None
        drawing = label.findtext("svg") or ""
        nodes = {}
        for circle in _CIRCLE.findall(drawing):
            values = dict(_ATTRIBUTE.findall(circle))
            nodes[values.get("data-node-id")] = unescape(values.get("data-label-name", ""), {"&quot;": '"'})
        for line in _LINE.findall(drawing):
            values = dict(_ATTRIBUTE.findall(line))
            a, b = (nodes.get(values.get(f"data-node-{end}")) for end in ("from", "to"))
            if a and b:
                edges[a, b] = None
    return [n for n in names if n], list(edges)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file "for images", each object a skeleton.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, skeleton = dataset.landmarks, dataset.skeleton
    files, notes = picture_names(dataset.images, path.parent)
    labels = dataset.columns.get("label", np.full(len(dataset), "object"))
    columns = {c: v for c, v in dataset.columns.items() if c not in ("label", "keyframe")}
    flat = marks.boxes if marks.boxes.shape[1] == 4 else marks.boxes[:, [0, 1, 3, 4]]
    tight = fill_boxes(marks.points)
    loose = ~np.isclose(flat, tight, atol=1e-6, equal_nan=True).all(axis=1) & np.isfinite(flat).all(axis=1)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>"]
    lines += _meta(dataset, sorted({str(v) for v in labels}), sorted(columns))
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(files))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    for i, rows in rows_of.items():
        width, height = picture_size(dataset.images.sources[i])
        subset = "" if dataset.split is None or not dataset.split[i] else f" subset={quoteattr(str(dataset.split[i]))}"
        lines.append(f'  <image id="{i}" name={quoteattr(files[i])}{subset} width="{width}" height="{height}">')
        for order, row in enumerate(rows, 1):
            group = f' group_id="{order}"' if loose[row] else ""
            label = quoteattr(str(labels[row]))
            lines.append(f'    <skeleton label={label} source="manual" z_order="0"{group}>')
            lines += [f"      {e}" for e in _written_elements(dataset, row)]
            for name, values in columns.items():
                cell = escape(text(values[row]))
                lines.append(f"      <attribute name={quoteattr(name)}>{cell}</attribute>")
            lines.append("    </skeleton>")
            if loose[row]:
                x0, y0, x1, y1 = (_decimal(v) for v in flat[row])
                lines.append(
                    f'    <box label={label} source="manual" occluded="0" xtl="{x0}" ytl="{y0}" xbr="{x1}" '
                    f'ybr="{y1}" z_order="0"{group}></box>'
                )
        lines.append("  </image>")
    write_whole(path, "\n".join([*lines, "</annotations>"]) + "\n")
    carries = {"names", "boxes", "hidden", "absent", "empty", "split", "label", *columns}
    back = complete(Skeleton(names=skeleton.names, edges=skeleton.edges))
    if all(getattr(skeleton, f) == getattr(back, f) for f in ("edges", "flip", "parts", "normalisers", "sigmas")):
        carries.add("schema")
    return losses(dataset, carries, "CVAT") + notes


def _written_elements(dataset: Dataset, row: int) -> Iterator[str]:
    marks = dataset.landmarks
    labelled = np.isfinite(marks.points[row]).all(axis=-1)
    middle = marks.points[row, labelled, :2].mean(axis=0) if labelled.any() else np.zeros(2)
    aside = ",".join(map(_decimal, middle))  # where CVAT shows an element that is switched on
    for k, name in enumerate(dataset.skeleton.names):
        x, y = marks.points[row, k, :2]
        there = bool(labelled[k])
        state = (_VISIBLE if there else 0) if marks.visibility is None else int(marks.visibility[row, k])
        if there and state != _ABSENT:
            flags = f'outside="0" occluded="{int(state == _HIDDEN)}" points="{_decimal(x)},{_decimal(y)}"'
        else:
            flags = f'outside="1" occluded="0" points="{aside}"' + ' labelled="0"' * (state != _ABSENT)
        yield f'<points label={quoteattr(name)} source="manual" {flags}></points>'


def _meta(dataset: Dataset, labels: list[str], columns: list[str]) -> Iterator[str]:
    """The labels as CVAT declares them, with a drawing of the skeleton."""
    names = dataset.skeleton.names
    yield "  <meta><task><name>cairn</name><mode>annotation</mode><labels>"
    attributes = "".join(
        f"<attribute><name>{escape(c)}</name><mutable>False</mutable><input_type>text</input_type>"
        "<default_value></default_value><values></values></attribute>"
        for c in columns
    )
    for label in labels:
        svg = escape(_drawing(dataset.skeleton))
        yield (
            f"    <label><name>{escape(label)}</name><type>skeleton</type>"
            f"<attributes>{attributes}</attributes><svg>{svg}</svg></label>"
        )
        for name in names:
            yield (
                f"    <label><name>{escape(name)}</name><type>points</type><attributes></attributes>"
                f"<parent>{escape(label)}</parent></label>"
            )
    yield "  </labels></task></meta>"


def _drawing(skeleton: Skeleton) -> str:
    """Nodes on a circle, 0 to 100, and the edges between them."""
    k = len(skeleton)
    angle = 2 * np.pi * np.arange(k) / k
    x, y = np.round(50 + 40 * np.sin(angle), 2), np.round(50 - 40 * np.cos(angle), 2)
    parts = [
        f'<line x1="{x[a]}" y1="{y[a]}" x2="{x[b]}" y2="{y[b]}" data-type="edge" data-node-from="{a + 1}" '
        f'data-node-to="{b + 1}"></line>'
        for a, b in skeleton.edges
    ]
    parts += [
        f'<circle r="0.75" cx="{x[i]}" cy="{y[i]}" data-type="element node" data-element-id="{i + 1}" '
        f'data-node-id="{i + 1}" data-label-name={quoteattr(name, {chr(34): "&quot;"})}></circle>'
        for i, name in enumerate(skeleton.names)
    ]
    return "".join(parts)


def _decimal(value: Any) -> str:
    """A coordinate from the edge of the first pixel."""
    return repr(round(float(value) + 0.5, 9))
