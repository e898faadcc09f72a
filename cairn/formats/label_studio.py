"""Label Studio JSON: tasks with keypoint labels and the rectangles that they belong to.

::

    [{"id": 1, "data": {"image": "/data/upload/1/1b2c3d4e-a.jpg"}, "annotations": [{"result": [
      {"id": "r1", "type": "rectanglelabels", "value": {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0,
       "rectanglelabels": ["face"]}, ...},
      {"id": "k1", "parentID": "r1", "type": "keypointlabels", "value": {"x": 15.2, "y": 31.0, "width": 0.5,
       "keypointlabels": ["nose"]}, ...}]}]}]

Defined in https://labelstud.io/guide/task_format and https://labelstud.io/tags/keypointlabels. Both its JSON and its
JSON-MIN exports are read.

Origin: coordinates are percent of the picture's width and height, 100 being its far edge, so 0 is the outer edge of the
first pixel: 0.5 px is subtracted on reading and added on writing. (Label Studio's own export to COCO does not, and
rounds to whole pixels.) The sizes are those of the pictures themselves.

A keypoint belongs to the rectangle that is its parent, or to what a relation ties it to; without either, as in LabelMe,
to the rectangle around it. ``hidden`` in a value is hidden, as in Label Studio's import of COCO. Where a
task has annotations of several people (``completed_by``) and no picture has several objects, they are the observers of
the data set, and its points their mean; with several objects, which cannot be matched, the first annotation of each
task is read and a warning says so. Cancelled annotations do not count. Predictions are read where no task has an
annotation. Labels of rectangles become the column ``label``, where they are not all "object".

Cannot carry: the mark "absent", confidence, depth, edges, splits, columns.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import coordinate, files_like, load_json, only_file
from cairn.formats.objects import Frame, Mark, Objects
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import fill_boxes, losses, mean_of_distinct, named
from cairn.formats.text import shown
from cairn.images import Source
from cairn.landmarks import Landmarks

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "an example of its own repository"

_UPLOAD = re.compile(r"^[0-9a-f]{8}-")  # which Label Studio puts before the names of uploaded files
_LOCAL = "/data/local-files/?d="
_NAMES = "cairn_points"  # in a task's meta: all points in their order


def matches(path: Path, head: bytes) -> bool:
    """Whether `path` is such a JSON file, or a folder with at least one."""
    if path.is_dir():
        return bool(files_like(path, ".json", matches))
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return head[:1] in (b"[", b"{") and (
        b'"keypointlabels"' in head or (b'"from_name"' in head and b'"result"' in head)
    )


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with one.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, a missing picture, a picture that was turned, points that belong to no object
    """
    path = Path(path)
    path = only_file(path, ".json", matches, "Label Studio files")
    document = load_json(path)
    tasks = [document] if isinstance(document, dict) else document
    if not isinstance(tasks, list) or not all(isinstance(t, dict) for t in tasks):
        raise InputError(f"{path}: expected a list of tasks, as Label Studio exports it")
    find = PictureFinder(path, [path.parent], pictures)
    kinds = ("annotations", "completions") if any(_counting(t, ("annotations", "completions")) for t in tasks) else ()
    found = _objects(path, tasks, [_results(t, kinds or ("predictions",)) for t in tasks], find)
    by_person = [_counting(t, kinds) for t in tasks]
    repeated = sum(len(people) > 1 for people in by_person)
    if not repeated:
        return found
    names = list(dict.fromkeys(n for people in by_person for n, results in people.items() if _has_points(results)))
    parts = [_objects(path, tasks, [_dicts(people.get(name, [])) for people in by_person], find) for name in names]
    if all(len(set(p.landmarks.image_index.tolist())) == len(p) for p in parts):
        return _observed(found, names, parts)
    warnings.warn(
        f"{path}: {repeated} of {len(tasks)} tasks have several annotations, with several objects that cannot be "
        "matched, so the first of each is read; to compare annotators, export those of each to a file of its own",
        stacklevel=3,
    )
    return found


def _observed(first: Dataset, names: list[str], parts: list[Dataset]) -> Dataset:
    """One data set of what several people set, an object at most in each picture."""
    points = list(dict.fromkeys(p for part in (first, *parts) for p in part.skeleton.names))
    labelled = sorted({int(i) for part in parts for i in part.landmarks.image_index})
    observers = np.full((len(parts), len(labelled), len(points), 2), np.nan)
    seen = np.zeros(observers.shape[1:3], np.uint8)
    boxes = np.full((len(parts), len(labelled), 4), np.nan)
    for own, box, part in zip(observers, boxes, parts, strict=True):
        marks = part.landmarks
        rows = np.searchsorted(labelled, marks.image_index)
        cells = np.ix_(rows, np.array([points.index(p) for p in part.skeleton.names]))
        own[cells] = marks.points
        state = np.where(marks.labelled, 2, 0) if marks.visibility is None else marks.visibility
        seen[cells] = np.maximum(seen[cells], state)
        box[rows] = marks.boxes
    mean = mean_of_distinct(observers)
    together = Landmarks(
        named(points, ""),
        mean,
        fill_boxes(mean, mean_of_distinct(boxes[..., None])[..., 0]),
        np.array(labelled, np.int64),
        visibility=seen if (seen == 1).any() else None,
    )
    return Dataset(first.images, together, observers=observers, observer_names=tuple(names))


def _objects(path: Path, tasks: list[Any], results_of: list[list[dict[str, Any]]], find: PictureFinder) -> Dataset:
    found = Objects(path)
    listed: list[str] = []
    for i, (task, results) in enumerate(zip(tasks, results_of, strict=True)):
        where = f"{path}: task {i + 1}"
        source = _picture(find, task, results, where)
        _add_task(found, found.picture(source), results, picture_size(source), where)
        meta = task.get("meta")
        names = meta.get(_NAMES) if isinstance(meta, dict) else None
        if isinstance(names, list) and all(isinstance(n, str) for n in names):
            listed = names
    found.settle()
    found.drop_cells(label="object")
    complete = len(set(listed)) == len(listed) and set(listed) >= set(found.names)
    return found.dataset(listed if listed and complete else None)


def _counting(task: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, list[Any]]:
    """By annotator, the results of the first annotation that was not cancelled."""
    found: dict[str, list[Any]] = {}
    for kind in kinds:
        several = task.get(kind)
        for one in several if isinstance(several, list) else ():
            if isinstance(one, dict) and one.get("was_cancelled") is not True and isinstance(one.get("result"), list):
                found.setdefault(_annotator(one.get("completed_by"), len(found)), one["result"])
    return found


def _annotator(who: Any, place: int) -> str:
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return str(who)[:200] if isinstance(who, (int, str)) else f"annotation {place + 1}"


def _has_points(results: list[Any]) -> bool:
    return any(r.get("type") == "keypointlabels" for r in _dicts(results))


def _dicts(results: list[Any]) -> list[dict[str, Any]]:
    return [r for r in results if isinstance(r, dict)]


def _results(task: dict[str, Any], kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    found = _dicts(next(iter(_counting(task, kinds).values()), []))
    if found or "data" in task:
        return found
    for values in task.values():  # JSON-MIN: the values stand in the task under the name of the tool
        for value in values if isinstance(values, list) else ():
            for kind in ("keypointlabels", "rectanglelabels"):
                if isinstance(value, dict) and kind in value:
                    found.append({"type": kind, "value": value, "image_rotation": value.get("image_rotation")})
    return found


def _picture(find: PictureFinder, task: dict[str, Any], results: list[dict[str, Any]], where: str) -> Source:
    data = task.get("data", task)
    keys = [str(r.get("source", "")).lstrip("$") for r in results] + ["image", "img", "photo", "url"]
    names = [data[k] for k in keys if isinstance(data, dict) and isinstance(data.get(k), str)]
    if not names and isinstance(data, dict):
        names = [v for v in data.values() if isinstance(v, str)]
    if not names:
        raise InputError(f"{where}: its 'data' names no picture")
    name = names[0]
    local = unquote(name.partition("?d=")[2]) if "?d=" in name else name
    if "://" not in local and not local.startswith("/data/"):
        try:
            return find(local)
        except InputError:
            if ".." in PurePosixPath(local.replace("\\", "/")).parts:
                raise
    last = PurePosixPath(unquote(local.partition("?")[0]).replace("\\", "/")).name
    if _UPLOAD.match(last):
        try:
            return find(_UPLOAD.sub("", last))
        except InputError:
            pass
    return find(last)


def _add_task(found: Objects, index: int, results: list[dict[str, Any]], size: tuple[int, int], where: str) -> None:
    groups = _groups(results)
    marks, frames = [], []
    for i, result in enumerate(results):
        kind, value = result.get("type"), result.get("value")
        if kind not in ("keypointlabels", "rectanglelabels"):
            continue
        here = f"{where}, result {i + 1}"
        labels = value.get(kind) if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(labels, list) or not labels or not isinstance(labels[0], str):
            raise InputError(f"{here}: expected a value with {kind!r}")
        if result.get("image_rotation"):
            raise InputError(
                f"{here}: the picture was turned by {shown(result['image_rotation'])} degrees in Label Studio; turn "
                "the picture itself and label it again"
            )
        x, y = (coordinate(value.get(k), f"{here}: {k}", 1e5) * s / 100 - 0.5 for k, s in zip("xy", size, strict=True))
        group = groups.get(_id(result)) or groups.get(_id(result, "parentID"))
        if kind == "rectanglelabels":
            frames.append(Frame(_box(value, x, y, size, here), group, {"label": labels[0]}))
            continue
        hidden = value.get("hidden") is True
        if hidden and value.get("x") == 0 and value.get("y") == 0:
            continue  # how its import of COCO leaves a point without label
        marks.append(Mark(labels[0], x, y, 1 if hidden else 2, group))
    found.add_loose(index, marks, frames, where)


def _groups(results: list[dict[str, Any]]) -> dict[str, str]:
    """For the id of each region that belongs together with others, one id for all of them."""
    lead: dict[str, str] = {}

    def of(one: str) -> str:
        while lead.setdefault(one, one) != one:
            lead[one] = lead[lead[one]]
            one = lead[one]
        return one

    for result in results:
        if result.get("type") == "relation":
            a, b = _id(result, "from_id"), _id(result, "to_id")
        else:
            a, b = _id(result), _id(result, "parentID")
        if a and b:
            lead[of(a)] = of(b)
    return {one: of(one) for one in list(lead)}


def _id(result: dict[str, Any], key: str = "id") -> str:
    value = result.get(key)
    return str(value) if isinstance(value, (str, int)) else ""


def _box(value: dict[str, Any], x: float, y: float, size: tuple[int, int], where: str) -> list[float]:
    """The upright box around a rectangle, which turns about its upper left corner."""
    width = coordinate(value.get("width"), f"{where}: width", 1e5) * size[0] / 100
    height = coordinate(value.get("height"), f"{where}: height", 1e5) * size[1] / 100
    angle = np.deg2rad(coordinate(value.get("rotation") or 0, f"{where}: rotation", 1e5))
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]])
    turned = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + [x, y]
    return [*map(float, turned.min(axis=0)), *map(float, turned.max(axis=0))]


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file of tasks with annotations; each object is a rectangle with its keypoints.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, skeleton = dataset.landmarks, dataset.skeleton
    names, notes = picture_names(dataset.images, path.parent)
    flat = marks.boxes if marks.boxes.shape[1] == 4 else marks.boxes[:, [0, 1, 3, 4]]
    boxed = np.isfinite(flat).all(axis=1)
    tasks = []
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    for i, rows in rows_of.items():
        size = picture_size(dataset.images.sources[i])
        results = [r for row in rows if boxed[row] for r in _written(dataset, row, flat[row], size)]
        task = {
            "id": i + 1,
            "data": {"image": _LOCAL + quote(names[i])},
            "meta": {_NAMES: list(skeleton.names)},
            "annotations": [{"id": i + 1, "was_cancelled": False, "result": results}],
        }
        tasks.append(task)
    write_whole(path, json.dumps(tasks, ensure_ascii=False, allow_nan=False))
    lost = losses(dataset, {"names", "boxes", "hidden", "empty", "label"}, "Label Studio")
    if not boxed.all():
        lost.append(f"Label Studio has no room for {(~boxed).sum()} objects with neither points nor a box; not written")
    return lost + notes


def _written(dataset: Dataset, row: int, box: np.ndarray, size: tuple[int, int]) -> list[dict[str, Any]]:
    """The rectangle of an object and its keypoints."""
    marks = dataset.landmarks
    about = {"to_name": "image", "source": "$image", "image_rotation": 0}
    about |= {"original_width": size[0], "original_height": size[1]}
    scale = 100 / np.array(size)
    (x, y), (right, bottom) = (box.reshape(2, 2) + 0.5) * scale
    label = str(dataset.columns["label"][row]) if "label" in dataset.columns else "object"
    value = {"x": x, "y": y, "width": right - x, "height": bottom - y, "rotation": 0, "rectanglelabels": [label]}
    parent = f"object{row}"
    results = [{"id": parent, "type": "rectanglelabels", "from_name": "label_rectangles", "value": value, **about}]
    for k in np.flatnonzero(np.isfinite(marks.points[row]).all(axis=-1)):
        x, y = (marks.points[row, k, :2] + 0.5) * scale
        value = {"x": float(x), "y": float(y), "width": 0.5, "keypointlabels": [dataset.skeleton.names[k]]}
        if marks.visibility is not None and marks.visibility[row, k] == 1:
            value["hidden"] = True
        one = {"id": f"{parent}_{k}", "parentID": parent, "type": "keypointlabels", "from_name": "label_keypoints"}
        results.append({**one, "value": value, **about})
    return results
