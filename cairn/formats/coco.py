"""COCO keypoints: one JSON file with ``images``, ``annotations`` and ``categories`` (https://cocodataset.org/#format-data).

Origin: keypoints are taken as they stand, 0 at the centre of the first pixel: COCO's own are whole pixel indices, and
detectron2 adds the half before it works in pixel edges. For the box ``[x, y, width, height]`` the files in the wild
disagree by half a pixel, or say nothing; it is taken in the same coordinates as the keypoints beside it, so that a
tight box stays tight: corners x, y and x + width, y + height.

Visibility is COCO's 0, 1, 2; at 0 the coordinates mean nothing and become NaN. Edges (``skeleton``) count from 1.

Read too, where an image has them: ``split``, ``frame``; where an annotation has them: ``subject``, ``score``,
``track_id``, ``confidence`` (a list of K), ``covariance`` (K x 2 x 2), the verdicts ``plausible``, ``plausible_points``
and ``altered`` (lists of K) and ``plausible_parts`` (by name), and every other plain value as a column. A crowd
(``iscrowd``) stays a row. A folder with several files becomes one data set, each file's name being its split.

Cannot carry: the mark "absent" (written as not labelled), depth, observers, mm per pixel.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import load_json
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import check_count, check_share, fill_boxes, losses, named
from cairn.formats.text import MAX_COORDINATE, head_of, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["matches", "read", "write"]

_HEAD = re.compile(rb'^\s*\{.*"(images|annotations|categories)"\s*:', re.DOTALL)
_KNOWN = {
    *("id", "image_id", "category_id", "keypoints", "num_keypoints", "bbox", "segmentation"),
    *("subject", "score", "track_id", "confidence", "covariance"),
    *("plausible", "plausible_parts", "plausible_points", "altered"),
}
_SCHEME_KEY = "cairn_skeleton"  # in a category: what COCO has no place for, as `Skeleton.to_json`


def matches(path: Path, head: bytes) -> bool:
    """Whether `path` is such a JSON file, or a folder with at least one."""
    if path.is_dir():
        return bool(_files(path))
    return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with files of the same points.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, a missing picture, ids that do not exist or repeat, wrong numbers of keypoints
    """
    path = Path(path)
    content = _Content()
    if not path.is_dir():
        _add_file(content, path, pictures, split=None)
        return content.dataset(path)
    files = _files(path)
    if not files:
        raise InputError(f"{path}: no COCO keypoints file in this folder")
    for file in files:
        _add_file(content, file, pictures, split=file.stem if len(files) > 1 else None)
    return content.dataset(path)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one JSON file.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, skeleton = dataset.landmarks, dataset.skeleton
    names, notes = picture_names(dataset.images, path.parent)
    images = []
    for i, name in enumerate(names):
        width, height = picture_size(dataset.images.sources[i])
        image: dict[str, Any] = {"id": i + 1, "file_name": name, "width": width, "height": height}
        if dataset.split is not None:
            image["split"] = str(dataset.split[i])
        if dataset.frame is not None:
            image["frame"] = int(dataset.frame[i])
        images.append(image)
    category: dict[str, Any] = {
        "id": 1,
        "name": skeleton.name or "object",
        "keypoints": list(skeleton.names),
        "skeleton": [[a + 1, b + 1] for a, b in skeleton.edges],
    }
    if not complete(Skeleton(names=skeleton.names, edges=skeleton.edges)).equals(skeleton):
        category[_SCHEME_KEY] = skeleton.to_json()
    columns = {c: v for c, v in dataset.columns.items() if c not in _KNOWN}
    document: dict[str, Any] = {
        "info": {"note": "pixel 0 is the centre of the first pixel"},
        "images": images,
        "annotations": [_annotation(dataset, row, columns) for row in range(len(dataset))],
        "categories": [category],
    }
    if dataset.licence:
        document["licenses"] = [{"id": 1, "name": dataset.licence}]
    write_whole(path, json.dumps(document, allow_nan=False))
    carries = {"names", "schema", "boxes", "hidden", "empty", "confidence", "covariance", "score", "track_id"}
    carries |= {"plausible", "plausible_parts", "plausible_points", "altered"}
    carries |= {"subject", "split", "frame", "licence", *columns}
    if marks.points.shape[2] == 3:
        carries -= {"covariance"}
    return losses(dataset, carries, "COCO") + notes


def _annotation(dataset: Dataset, row: int, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    marks = dataset.landmarks
    points = marks.points[row, :, :2]
    there = np.isfinite(points).all(axis=-1)
    seen = np.full(len(points), 2) if marks.visibility is None else marks.visibility[row]
    seen = np.where(there & (seen != 3), np.where(seen == 0, 2, seen), 0)  # a coordinate is a label for COCO
    triples = [[float(x), float(y), int(v)] if v else [0, 0, 0] for (x, y), v in zip(points, seen, strict=True)]
    entry: dict[str, Any] = {
        "id": row + 1,
        "image_id": int(marks.image_index[row]) + 1,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": int((seen > 0).sum()),
        "keypoints": [v for triple in triples for v in triple],
    }
    flat = marks.boxes.shape[1] == 4
    box = marks.boxes[row] if flat else marks.boxes[row][[0, 1, 3, 4]]
    if np.isfinite(box).all():
        x0, y0, x1, y1 = (float(v) for v in box)
        entry["bbox"] = [x0, y0, x1 - x0, y1 - y0]
        entry["area"] = (x1 - x0) * (y1 - y0)
    if dataset.subject is not None:
        entry["subject"] = str(dataset.subject[row])
    if marks.confidence is not None:
        entry["confidence"] = _plain(marks.confidence[row])
    if marks.covariance is not None and points.shape == marks.points[row].shape:
        entry["covariance"] = _plain(marks.covariance[row])
    for name in ("score", "track_id", "plausible", "plausible_points", "altered"):
        values = getattr(marks, name)
        if values is not None:
            entry[name] = _plain(values[row])
    if marks.plausible_parts is not None:
        entry["plausible_parts"] = dict(zip(marks.skeleton.parts, _plain(marks.plausible_parts[row]), strict=True))
    return entry | {c: _plain(v[row]) for c, v in columns.items()}


def _plain(value: Any) -> Any:
    """NumPy values as JSON has them; NaN is null."""
    value = np.asarray(value)
    if value.ndim:
        return [_plain(v) for v in value]
    plain = value.item()
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain


def _files(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".json" and p.is_file() and p.stat().st_size)
    return [p for p in files if matches(p, head_of(p))]


@dataclass
class _Content:
    """What has been read so far; the first file settles the points."""

    skeleton: Skeleton | None = None
    home: str = ""
    sources: list[Source] = field(default_factory=list)
    seen: dict[Source, str] = field(default_factory=dict)
    split: list[str | None] = field(default_factory=list)
    frame: list[int | None] = field(default_factory=list)
    image_index: list[int] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    visibility: list[np.ndarray] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    extras: list[dict[str, Any]] = field(default_factory=list)
    licences: dict[str, None] = field(default_factory=dict)
    splits_from: str = ""

    def dataset(self, path: Path) -> Dataset:
        if self.skeleton is None or not self.sources:
            raise InputError(f"{path}: has no images; expected labelled points")
        k = len(self.skeleton)
        points = np.array(self.points, np.float64).reshape(-1, k, 2)
        boxes = np.array(self.boxes, np.float64).reshape(-1, 4)
        per_row: dict[str, Any] = {}
        shapes: dict[str, tuple[int, ...]] = {"score": (), "track_id": (), "confidence": (k,), "covariance": (k, 2, 2)}
        shapes |= {"plausible": (), "plausible_points": (k,), "altered": (k,)}
        for name, shape in shapes.items():
            values = [e.get(name) for e in self.extras]
            if values and all(v is not None for v in values):
                per_row[name] = _stacked(values, shape, f"{path}: {name}")
        if "confidence" in per_row:
            check_share(per_row["confidence"], f"{path}: a confidence")
        parts = list(self.skeleton.parts)
        of_parts = [e.get("plausible_parts") for e in self.extras]
        if of_parts and parts and all(isinstance(v, dict) and set(v) == set(parts) for v in of_parts):
            per_row["plausible_parts"] = _stacked(
                [[v[p] for p in parts] for v in of_parts if v], (len(parts),), f"{path}: plausible_parts"
            )
        if "track_id" in per_row and not (per_row["track_id"] == np.rint(per_row["track_id"])).all():
            raise InputError(f"{path}: a track_id is no whole number")
        landmarks = Landmarks(
            self.skeleton,
            points,
            fill_boxes(points, boxes),
            np.array(self.image_index, np.int64),
            visibility=np.array(self.visibility, np.uint8).reshape(-1, k),
            **per_row,
        )
        frames = [f for f in self.frame if f is not None]
        subjects = ["" if e.get("subject") is None else str(e["subject"]) for e in self.extras]
        return Dataset(
            ImageList(self.sources),
            landmarks,
            subject=np.array(subjects) if any(subjects) else None,
            split=np.array([s or "" for s in self.split]) if any(self.split) else None,
            split_by=self.splits_from if any(self.split) else "",
            frame=np.array(frames) if len(frames) == len(self.sources) else None,
            licence=", ".join(self.licences),
            columns=_columns(self.extras),
        )


def _stacked(values: list[Any], shape: tuple[int, ...], where: str) -> np.ndarray:
    try:
        array = np.array([np.array(v, np.float64) for v in values])
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (len(values), *shape) or (np.abs(array) > 2.0**53).any():
        raise InputError(f"{where}: expected {' x '.join(map(str, shape)) or 'one number'} for each annotation")
    return array


def _columns(extras: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Plain values that stand beside the keypoints; ``iscrowd`` only where there is a crowd."""
    names = dict.fromkeys(n for e in extras for n in e if n not in _KNOWN)
    columns = {}
    for name in names:
        values = [e.get(name) for e in extras]
        kinds = {type(v) for v in values}
        if kinds == {int} and max(map(abs, values)) < 2**62:  # type: ignore[arg-type]
            column = np.array(values, np.int64)
        elif kinds == {bool}:
            column = np.array(values)
        elif kinds <= {int, float, type(None)}:
            column = np.array([np.nan if v is None else float(v) for v in values])
        elif kinds <= {str, type(None)}:
            column = np.array(["" if v is None else v for v in values])
        else:
            continue  # lists and objects: polygons, attributes
        if name != "iscrowd" or column.any():
            columns[name] = column
    return columns


def _add_file(content: _Content, path: Path, pictures: str | Path | None, split: str | None) -> None:
    document = _load(path)
    skeleton, wanted = _skeleton_of(document, path)
    kinds = {c["id"] for c in document.get("categories") or () if isinstance(c.get("id"), (int, str))}
    if content.skeleton is None:
        content.skeleton, content.home = skeleton, path.name
    elif content.skeleton.names != skeleton.names:
        raise InputError(f"{path}: its keypoints are not those of {content.home}; read the files one by one")
    for licence in document.get("licenses") or ():
        if isinstance(licence, dict) and isinstance(licence.get("name"), str):
            content.licences[licence["name"]] = None
    find = PictureFinder(path, [path.parent], pictures)
    index: dict[Any, int] = {}
    for i, image in enumerate(document["images"]):
        where = f"{path}: images[{i}]"
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
            raise InputError(f"{where}: expected an object with 'id' and 'file_name'")
        key = _id(image, "id", where)
        if key in index:
            raise InputError(f"{where}: the id {key} stands twice")
        index[key] = len(content.sources)
        source = find(image["file_name"])
        if source in content.seen:
            raise InputError(f"{where}: the picture {shown(image['file_name'])} stands in {content.seen[source]} too")
        content.seen[source] = f"{path.name}, images[{i}]"
        content.sources.append(source)
        given = image.get("split")
        content.split.append(given if isinstance(given, str) else split)
        frame = image.get("frame")
        content.frame.append(frame if isinstance(frame, int) and not isinstance(frame, bool) else None)
    content.splits_from = "file names" if split is not None else path.name
    for i, entry in enumerate(document["annotations"]):
        where = f"{path}: annotations[{i}]"
        if not isinstance(entry, dict):
            raise InputError(f"{where}: expected an object")
        if wanted is not None and entry.get("category_id") is not None:
            category = _id(entry, "category_id", where)
            if category not in kinds:
                raise InputError(f"{where}: there is no category with the id {category}")
            if category not in wanted:
                continue  # objects of a kind without keypoints
        key = _id(entry, "image_id", where)
        if key not in index:
            raise InputError(f"{where}: there is no image with the id {key}")
        points, seen = _keypoints(entry.get("keypoints"), len(skeleton), where)
        content.image_index.append(index[key])
        content.points.append(points)
        content.visibility.append(seen)
        content.boxes.append(_box(entry.get("bbox"), where))
        content.extras.append({k: v for k, v in entry.items() if k not in _KNOWN or k in _CARRIED})


_CARRIED = {"subject", "score", "track_id", "confidence", "covariance"}
_CARRIED |= {"plausible", "plausible_parts", "plausible_points", "altered"}


def _id(entry: Mapping[str, Any], name: str, where: str) -> int | str:
    value = entry.get(name)
    if not isinstance(value, (int, str)) or isinstance(value, bool):
        raise InputError(f"{where}: '{name}' is {shown(value)}; expected a number")
    return value


def _load(path: Path) -> dict[str, Any]:
    document = load_json(path)
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected a JSON object with 'images', 'annotations' and 'categories'")
    for name in ("images", "annotations"):
        if not isinstance(document.get(name), list):
            raise InputError(f"{path}: no list {name!r}; expected COCO keypoints")
    return document


def _skeleton_of(document: Mapping[str, Any], path: Path) -> tuple[Skeleton, set[Any] | None]:
    """The points, and the ids of the categories that have them (None: all)."""
    categories = document.get("categories") or []
    if not isinstance(categories, list) or not all(isinstance(c, dict) for c in categories):
        raise InputError(f"{path}: 'categories' must be a list of objects")
    with_points = [c for c in categories if c.get("keypoints")]
    used = {e.get("category_id") for e in document["annotations"] if isinstance(e, dict) and _hashable(e)}
    if len(with_points) > 1:
        with_points = [c for c in with_points if c.get("id") in used] or with_points[:1]
    if not with_points:
        lengths = [len(e["keypoints"]) for e in document["annotations"] if _has_points(e)]
        if not lengths:
            raise InputError(f"{path}: no keypoints in it; boxes or outlines alone are not landmarks")
        k = check_count(lengths[0] // 3, f"{path}: annotations")
        return named([f"p{i}" for i in range(k)], str(path)), None
    names = with_points[0]["keypoints"]
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise InputError(f"{path}: 'keypoints' of the category must be a list of names")
    check_count(len(names), f"{path}: categories")
    other = next((c for c in with_points if c["keypoints"] != names), None)
    if other is not None:
        raise InputError(
            f"{path}: the categories {shown(with_points[0].get('name'))} and {shown(other.get('name'))} have different "
            "keypoints; one data set has one skeleton, so split the file by category"
        )
    wanted = {c.get("id") for c in with_points if not isinstance(c.get("id"), (list, dict))}
    return _named(with_points[0], names, path), wanted


def _named(category: Mapping[str, Any], names: list[str], path: Path) -> Skeleton:
    stored = category.get(_SCHEME_KEY)
    if isinstance(stored, dict):
        try:
            skeleton = Skeleton.from_json(stored)
            json.dumps(skeleton.to_json(), allow_nan=False)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise InputError(f"{path}: {_SCHEME_KEY} is no skeleton ({error})") from None
        if list(skeleton.names) != names:
            raise InputError(f"{path}: {_SCHEME_KEY} has other names than 'keypoints'")
        return skeleton
    edges = category.get("skeleton") or []
    try:
        pairs = [(int(a) - 1, int(b) - 1) for a, b in edges]
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: 'skeleton' must be pairs of keypoint numbers that count from 1") from None
    return named(names, str(path), pairs)


def _keypoints(values: Any, k: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """(K, 2) px and (K,) visibility; an annotation without keypoints is an object without labels."""
    if values is None or values == []:
        return np.full((k, 2), np.nan), np.zeros(k, np.uint8)
    if not isinstance(values, list) or len(values) != 3 * k:
        length = len(values) if isinstance(values, list) else 0
        raise InputError(f"{where}: {length} values in 'keypoints'; expected {3 * k}, which is x, y, v for {k} points")
    triples = _finite(values, f"{where}: 'keypoints'").reshape(k, 3)
    seen = triples[:, 2]
    if not np.isin(seen, (0, 1, 2)).all():
        wrong = next(v for v in seen if v not in (0, 1, 2))
        raise InputError(f"{where}: the visibility {wrong:g} is not 0 (not labelled), 1 (hidden) or 2 (visible)")
    points = np.where((seen > 0)[:, None], triples[:, :2], np.nan)
    seen = np.where(np.isfinite(points).all(axis=-1), seen, 0)
    return np.where((seen > 0)[:, None], points, np.nan), seen.astype(np.uint8)


def _box(values: Any, where: str) -> np.ndarray:
    if values is None or values == []:
        return np.full(4, np.nan)
    if not isinstance(values, list) or len(values) != 4:
        raise InputError(f"{where}: 'bbox' must be x, y, width, height")
    x, y, width, height = _finite(values, f"{where}: 'bbox'")
    if width < 0 or height < 0:
        raise InputError(
            f"{where}: 'bbox' is upside down (width {width:g}, height {height:g}); it must be x, y, width, height"
        )
    return np.array([x, y, x + width, y + height])


def _finite(values: list[Any], where: str) -> np.ndarray:
    """Numbers within bounds, NaN for null."""
    if not all(isinstance(v, (int, float)) or v is None for v in values):
        wrong = next(v for v in values if not (isinstance(v, (int, float)) or v is None))
        raise InputError(f"{where}: {shown(wrong)} is not a number")
    try:
        array = np.array([np.nan if v is None else float(v) for v in values])
    except OverflowError:
        array = np.array([np.inf])
    if (np.abs(array) > MAX_COORDINATE).any():
        raise InputError(f"{where}: a number beyond {MAX_COORDINATE:g} is no coordinate in a picture")
    return array


def _has_points(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("keypoints"), list) and bool(entry["keypoints"])


def _hashable(entry: Mapping[str, Any]) -> bool:
    return not isinstance(entry.get("category_id"), (list, dict))
