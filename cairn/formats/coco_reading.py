"""What stands in COCO's files, gathered as columns and made into a data set; see `cairn.formats.coco`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats.long_json import load_lists
from cairn.formats.pictures import PictureFinder, warn_of_sizes
from cairn.formats.rows import check_count, check_share, fill_boxes, named
from cairn.formats.text import MAX_COORDINATE, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

__all__ = ["CARRIED", "COLUMNS_KEY", "KNOWN", "SCHEME_KEY", "Content", "Entries", "add_file", "skeleton_of"]

CARRIED = {"subject", "score", "track_id", "confidence", "covariance"}
CARRIED |= {"plausible", "plausible_parts", "plausible_points", "altered"}
COLUMNS_KEY = "cairn_columns"  # in an annotation: columns that are called like one of COCO's own keys, such as id
CARRIED |= {COLUMNS_KEY}
KNOWN = {"id", "image_id", "category_id", "keypoints", "num_keypoints", "bbox", "segmentation"} | CARRIED
SCHEME_KEY = "cairn_skeleton"  # in a category: what COCO has no place for, as `Skeleton.to_json`

_MOST_KEYS = 1000  # different ones in the annotations of a file
_PLAIN = {int, float, bool, str, type(None)}


@dataclass
class Entries:
    """The annotations of one file as columns; `take` is given a piece of their list at a time.

    Parameters
    ----------
    where : the file and the name of the list, for messages
    """

    where: str
    count: int = 0
    image: list[Any] = field(default_factory=list)
    category: list[Any] = field(default_factory=list)
    keypoints: list[np.ndarray | list[Any]] = field(default_factory=list)  # of each piece
    boxes: list[np.ndarray | list[Any]] = field(default_factory=list)
    extras: dict[str, list[Any]] = field(default_factory=dict)

    def take(self, piece: list[Any]) -> None:
        for i, entry in enumerate(piece):
            if type(entry) is not dict:
                raise InputError(f"{self.where}[{self.count + i}]: expected an object")
        self.image += [e.get("image_id") for e in piece]
        self.category += [e.get("category_id") for e in piece]
        self.keypoints.append(_table([e.get("keypoints") for e in piece]))
        self.boxes.append(_table([e.get("bbox") for e in piece]))
        names = dict.fromkeys(k for e in piece for k in e if k not in KNOWN or k in CARRIED)
        for name in names:
            if name not in self.extras:
                self.extras[name] = [None] * self.count
            values = [e.get(name) for e in piece]
            if name not in CARRIED and not set(map(type, values)) <= _PLAIN:
                values = [v if type(v) in _PLAIN else ... for v in values]  # a list; no column will be made of it
            self.extras[name] += values
        if len(self.extras) > _MOST_KEYS:
            raise InputError(f"{self.where}: have more than {_MOST_KEYS:,} different keys; expected COCO keypoints")
        self.count += len(piece)
        for values in self.extras.values():
            if len(values) < self.count:
                values += [None] * (self.count - len(values))

    def used(self) -> set[Any]:
        """Categories that occur."""
        return {c for c in self.category if isinstance(c, (int, str))}

    def first_length(self) -> int:
        """How many numbers the first keypoints have; 0 where there are none."""
        for piece in self.keypoints:
            if isinstance(piece, np.ndarray):
                return piece.shape[1]
            for values in piece:
                if isinstance(values, list) and values:
                    return len(values)
        return 0

    def kept(self, kinds: set[Any], wanted: set[Any] | None, index: Mapping[Any, int]) -> tuple[np.ndarray, list[int]]:
        """Which annotations have keypoints of the skeleton, and the image of each.

        Parameters
        ----------
        kinds, wanted : ids of categories that there are, and of those with the keypoints (None: all)
        index : id of an image: its place
        """
        keep, images = np.ones(self.count, bool), []
        for i, (category, image) in enumerate(zip(self.category, self.image, strict=True)):
            if isinstance(category, (list, dict)):
                _check_id(category, "category_id", f"{self.where}[{i}]")
            if wanted is not None and category is not None and category not in wanted:
                _check_id(category, "category_id", f"{self.where}[{i}]")
                if category not in kinds:
                    raise InputError(f"{self.where}[{i}]: there is no category with the id {category}")
                keep[i] = False  # an object of a kind without keypoints
                continue
            if type(image) is not int and type(image) is not str:
                _check_id(image, "image_id", f"{self.where}[{i}]")
            if image not in index:
                raise InputError(f"{self.where}[{i}]: there is no image with the id {image}")
            images.append(index[image])
        return keep, images

    def points(self, k: int, keep: np.ndarray, *, visibility: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """(N, K, 2) px, and the third numbers (N, K); see `_keypoints`."""
        points, third = [np.empty((0, k, 2))], [np.empty((0, k))]
        first = 0
        for piece in self.keypoints:
            mask = keep[first : first + len(piece)]
            if isinstance(piece, np.ndarray) and piece.shape[1] == 3 * k:
                triples = piece[mask].astype(np.float64).reshape(-1, k, 3)
                odd = (np.abs(triples) > MAX_COORDINATE).any()
                if visibility and not odd:
                    odd = not np.isin(triples[..., 2], (0, 1, 2)).all()
                if not odd:
                    points.append(triples[..., :2].copy())
                    third.append(triples[..., 2].copy())
                    first += len(piece)
                    continue
            for i in np.flatnonzero(mask):
                row = piece[i].tolist() if isinstance(piece, np.ndarray) else piece[i]
                triples = _keypoints(row, k, f"{self.where}[{first + i}]", visibility)
                points.append(triples[None, :, :2])
                third.append(triples[None, :, 2])
            first += len(piece)
        xy, last = np.concatenate(points), np.concatenate(third)
        if visibility:
            there = (last > 0) & np.isfinite(xy).all(axis=2)
            xy[~there] = np.nan
            last[~there] = 0
        return xy, last

    def corners(self, keep: np.ndarray) -> np.ndarray:
        """(N, 4) boxes, NaN where there is none."""
        boxes, first = [np.empty((0, 4))], 0
        for piece in self.boxes:
            mask = keep[first : first + len(piece)]
            if isinstance(piece, np.ndarray) and piece.shape[1] == 4:
                values = piece[mask].astype(np.float64)
                if not ((np.abs(values) > MAX_COORDINATE).any() or (values[:, 2:] < 0).any()):
                    boxes.append(np.concatenate([values[:, :2], values[:, :2] + values[:, 2:]], axis=1))
                    first += len(piece)
                    continue
            for i in np.flatnonzero(mask):
                row = piece[i].tolist() if isinstance(piece, np.ndarray) else piece[i]
                boxes.append(_box(row, f"{self.where}[{first + i}]")[None])
            first += len(piece)
        return np.concatenate(boxes)


def _table(values: list[Any]) -> np.ndarray | list[Any]:
    """Lists of numbers that are all of one length as an array, anything else as it is."""
    if not values or type(values[0]) is not list or not values[0]:
        return values
    length = len(values[0])
    if not all(type(v) is list and len(v) == length for v in values):
        return values
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        return values
    if array.dtype.kind not in "if" or array.ndim != 2:
        return values
    if array.dtype.kind == "i" and np.abs(array).max() < 2**15:
        return array.astype(np.int16)
    return array


@dataclass
class Content:
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
    extras: dict[str, list[Any]] = field(default_factory=dict)
    licences: dict[str, None] = field(default_factory=dict)
    splits_from: str = ""

    def add_rows(self, entries: Entries, keep: np.ndarray, images: list[int]) -> None:
        """The kept annotations of one file."""
        assert self.skeleton is not None
        points, seen = entries.points(len(self.skeleton), keep)
        before = len(self.image_index)
        self.image_index += images
        self.points.append(points)
        self.visibility.append(seen.astype(np.uint8))
        self.boxes.append(entries.corners(keep))
        for name, values in entries.extras.items():
            self.extras.setdefault(name, [None] * before).extend(values if keep.all() else compress(values, keep))
        for values in self.extras.values():
            values += [None] * (len(self.image_index) - len(values))

    def dataset(self, path: Path) -> Dataset:
        if self.skeleton is None or not self.sources:
            raise InputError(f"{path}: has no images; expected labelled points")
        n, k = len(self.image_index), len(self.skeleton)
        points = np.concatenate(self.points)
        per_row: dict[str, Any] = {}
        shapes: dict[str, tuple[int, ...]] = {"score": (), "track_id": (), "confidence": (k,), "covariance": (k, 2, 2)}
        shapes |= {"plausible": (), "plausible_points": (k,), "altered": (k,)}
        for name, shape in shapes.items():
            values = self.extras.get(name)
            if n and values and all(v is not None for v in values):
                per_row[name] = _stacked(values, shape, f"{path}: {name}")
        if "confidence" in per_row:
            check_share(per_row["confidence"], f"{path}: a confidence")
        parts = list(self.skeleton.parts)
        of_parts = self.extras.get("plausible_parts", [])
        if of_parts and parts and all(isinstance(v, dict) and set(v) == set(parts) for v in of_parts):
            per_row["plausible_parts"] = _stacked(
                [[v[p] for p in parts] for v in of_parts], (len(parts),), f"{path}: plausible_parts"
            )
        if "track_id" in per_row and not (per_row["track_id"] == np.rint(per_row["track_id"])).all():
            raise InputError(f"{path}: a track_id is no whole number")
        landmarks = Landmarks(
            self.skeleton,
            points,
            fill_boxes(points, np.concatenate(self.boxes)),
            np.array(self.image_index, np.int64),
            visibility=np.concatenate(self.visibility),
            **per_row,
        )
        frames = [f for f in self.frame if f is not None]
        subjects = ["" if v is None else str(v) for v in self.extras.get("subject", [])]
        return Dataset(
            ImageList(self.sources),
            landmarks,
            subject=np.array(subjects) if any(subjects) else None,
            split=np.array([s or "" for s in self.split]) if any(self.split) else None,
            split_by=self.splits_from if any(self.split) else "",
            frame=np.array(frames) if len(frames) == len(self.sources) else None,
            licence=", ".join(self.licences),
            columns=_columns({c: v for c, v in self.extras.items() if c not in KNOWN} | self._namesakes()),
        )

    def _namesakes(self) -> dict[str, list[Any]]:
        """Columns that are called like a key of COCO."""
        rows = [v if isinstance(v, dict) else {} for v in self.extras.get(COLUMNS_KEY, [])]
        return {name: [r.get(name) for r in rows] for name in sorted(KNOWN) if any(name in r for r in rows)}


def _stacked(values: list[Any], shape: tuple[int, ...], where: str) -> np.ndarray:
    try:
        array = np.array([[np.nan if v is None else v for v in one] if len(shape) == 1 else one for one in values])
        array = array.astype(np.float64) if array.dtype.kind in "biufO" else np.empty(0)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (len(values), *shape) or (np.abs(array) > 2.0**53).any():
        raise InputError(f"{where}: expected {' x '.join(map(str, shape)) or 'one number'} for each annotation")
    return array


def _columns(extras: Mapping[str, list[Any]]) -> dict[str, np.ndarray]:
    """Plain values that stand beside the keypoints; ``iscrowd`` only where there is a crowd."""
    columns = {}
    for name, values in extras.items():
        kinds = set(map(type, values))
        if not values:
            continue
        if kinds == {int} and max(map(abs, values)) < 2**62:
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


def _folders(path: Path) -> list[Path]:
    """Where the pictures may be: beside the file; or as in COCO itself, whose labels have a folder of their own.

    Those of ``annotations/person_keypoints_train2017.json`` are in ``train2017``, beside ``annotations``.
    """
    home = path.absolute().parent
    if home.name.lower() != "annotations":
        return [path.parent]
    return [path.parent, home.parent, home.parent / path.stem.rpartition("_")[2]]


def add_file(content: Content, path: Path, pictures: str | Path | None, split: str | None) -> None:
    """Read one file into `content`."""
    entries = Entries(f"{path}: annotations")
    find = PictureFinder(path, _folders(path), pictures)
    index: dict[Any, int] = {}
    sizes: list[tuple[Source, Any, Any]] = []

    def take_images(piece: list[Any]) -> None:
        for i, image in enumerate(piece, len(index)):
            if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
                raise InputError(f"{path}: images[{i}]: expected an object with 'id' and 'file_name'")
            key = image.get("id")
            if type(key) is not int:
                key = _check_id(key, "id", f"{path}: images[{i}]")
            if key in index:
                raise InputError(f"{path}: images[{i}]: the id {key} stands twice")
            index[key] = len(content.sources)
            source = find(image["file_name"])
            if source in content.seen:
                raise InputError(
                    f"{path}: images[{i}]: the picture {shown(image['file_name'])} stands in {content.seen[source]} too"
                )
            content.seen[source] = path.name
            if i < 20 or i % 997 == 0:  # some suffice, and there may be a hundred thousand
                sizes.append((source, image.get("width"), image.get("height")))
            content.sources.append(source)
            given = image.get("split")
            content.split.append(given if isinstance(given, str) else split)
            frame = image.get("frame")
            content.frame.append(frame if isinstance(frame, int) and not isinstance(frame, bool) else None)

    document = load_lists(path, {"images": take_images, "annotations": entries.take}, drop="segmentation")
    if not isinstance(document, dict):
        raise InputError(
            f"{path}: expected a JSON object with 'images', 'annotations' and 'categories' (COCO), or JSON of another "
            "format that `cairn formats` lists"
        )
    for name in ("images", "annotations"):
        if not isinstance(document.get(name), list):
            raise InputError(f"{path}: no list {name!r}; expected COCO keypoints, or JSON that `cairn formats` lists")
    skeleton, wanted, kinds = skeleton_of(document, entries, path)
    warn_of_sizes(path, sizes)
    if content.skeleton is None:
        content.skeleton, content.home = skeleton, path.name
    elif content.skeleton.names != skeleton.names:
        raise InputError(f"{path}: its keypoints are not those of {content.home}; read the files one by one")
    licences = document.get("licenses")
    for licence in licences if isinstance(licences, list) else ():
        if isinstance(licence, dict) and isinstance(licence.get("name"), str):
            content.licences[licence["name"]] = None
    content.splits_from = "file names" if split is not None else path.name
    keep, images = entries.kept(kinds, wanted, index)
    content.add_rows(entries, keep, images)


def _check_id(value: Any, name: str, where: str) -> int | str:
    if not isinstance(value, (int, str)) or isinstance(value, bool):
        raise InputError(f"{where}: '{name}' is {shown(value)}; expected a number")
    return value


def skeleton_of(
    document: Mapping[str, Any], entries: Entries, path: Path
) -> tuple[Skeleton, set[Any] | None, set[Any]]:
    """The points, the ids of the categories that have them (None: all), and the ids of all categories."""
    categories = document.get("categories") or []
    if not isinstance(categories, list) or not all(isinstance(c, dict) for c in categories):
        raise InputError(f"{path}: 'categories' must be a list of objects")
    kinds = {c["id"] for c in categories if isinstance(c.get("id"), (int, str))}
    with_points = [c for c in categories if c.get("keypoints")]
    if len(with_points) > 1:
        used = entries.used()
        with_points = [c for c in with_points if _id_of(c) in used] or with_points[:1]
    if not with_points:
        length = entries.first_length()
        if not length:
            raise InputError(f"{path}: no keypoints in it; boxes or outlines alone are not landmarks")
        k = check_count(length // 3, f"{path}: annotations")
        return named([f"p{i}" for i in range(k)], str(path)), None, kinds
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
    return _named(with_points[0], names, path), {_id_of(c) for c in with_points}, kinds


def _id_of(category: Mapping[str, Any]) -> Any:
    value = category.get("id")
    return value if isinstance(value, (int, str)) else None


def _named(category: Mapping[str, Any], names: list[str], path: Path) -> Skeleton:
    stored = category.get(SCHEME_KEY)
    if isinstance(stored, dict):
        try:
            skeleton = Skeleton.from_json(stored)
            json.dumps(skeleton.to_json(), allow_nan=False)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise InputError(f"{path}: {SCHEME_KEY} is no skeleton ({shown(error, 200)})") from None
        if list(skeleton.names) != names:
            raise InputError(f"{path}: {SCHEME_KEY} has other names than 'keypoints'")
        return skeleton
    edges = category.get("skeleton") or []
    try:
        pairs = [(int(a) - 1, int(b) - 1) for a, b in edges]
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: 'skeleton' must be pairs of keypoint numbers that count from 1") from None
    return named(names, str(path), pairs)


def _keypoints(values: Any, k: int, where: str, visibility: bool) -> np.ndarray:
    """(K, 3) numbers as they stand; an annotation without keypoints is an object without labels."""
    if values is None or values == []:
        return np.full((k, 3), [np.nan, np.nan, 0])
    if not isinstance(values, list) or len(values) != 3 * k:
        length = len(values) if isinstance(values, list) else 0
        raise InputError(f"{where}: {length} values in 'keypoints'; expected {3 * k}, which is x, y, v for {k} points")
    triples = _finite(values, f"{where}: 'keypoints'").reshape(k, 3)
    seen = triples[:, 2]
    if visibility and not np.isin(seen, (0, 1, 2)).all():
        wrong = next(v for v in seen if v not in (0, 1, 2))
        raise InputError(f"{where}: the visibility {wrong:g} is not 0 (not labelled), 1 (hidden) or 2 (visible)")
    return triples


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
