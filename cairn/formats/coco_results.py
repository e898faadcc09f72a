"""COCO results: the list of predictions that COCO's evaluation takes (https://cocodataset.org/#format-results).

::

    [{"image_id": 42, "category_id": 1, "keypoints": [x1, y1, c1, ...], "score": 0.9}, ...]

It has numbers instead of pictures and no names, so the file of labels that it belongs to is looked for beside it and
in the folder of the pictures: the one COCO file there whose images have all these numbers. Where ``image_id`` is text
and there is no such file, it is the name of a picture (as AlphaPose has it), and points are called ``p0``, ``p1``, ...

Origin: as in ``coco``. ``0 0`` with any third number is no point. The third numbers are the confidence where all lie in
0 to 1; COCO gives them no meaning, and others are passed over. ``bbox`` is the box, and every other plain value a
column.

Writing uses the numbers of the file of labels, if there is one beside; otherwise pictures are called by their names.

Cannot carry: names, edges, visibility, splits, pictures without an object.
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
from cairn.formats import coco
from cairn.formats.coco_reading import Content, Entries, skeleton_of
from cairn.formats.document import files_of, load_json
from cairn.formats.long_json import load_lists
from cairn.formats.pictures import PictureFinder, picture_names
from cairn.formats.rows import check_count, losses, named
from cairn.formats.text import head_of
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "pycocotools"

_HEAD = re.compile(rb'\s*\[\s*\{[^{}]*"(image_id|keypoints)"\s*:')


def matches(path: Path, head: bytes) -> bool:
    """Whether a file is a list of objects with an ``image_id``; a folder is never taken for it."""
    if path.is_dir():
        return False
    head = head.removeprefix(b"\xef\xbb\xbf")
    return _HEAD.match(head) is not None and b'"image_id"' in head and b'"keypoints"' in head


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file.

    Parameters
    ----------
    path : the file; that of the labels beside it
    pictures : a folder in which pictures and the file of the labels are looked for too

    Raises
    ------
    InputError : not such a file, no file of labels that fits, or several
    """
    path = Path(path)
    entries = Entries(f"{path}: results")
    document = load_json(path)
    if not isinstance(document, list) or not document:
        raise InputError(f"{path}: expected a list of results, each with image_id and keypoints")
    entries.take(document)
    del document
    truth = _truth(path, entries, pictures)
    home = path if truth is None else truth[0]
    content, find = Content(home=path.name), PictureFinder(home, [home.parent], pictures)
    kinds: set[Any] = set()
    wanted: set[Any] | None = None
    index: dict[Any, int] = {}
    if truth is None:
        k = check_count(entries.first_length() // 3, str(path))
        content.skeleton = named([f"p{i}" for i in range(k)], str(path))
        for image in dict.fromkeys(entries.image):
            index[image] = len(content.sources)
            content.sources.append(find(str(image)))
    else:
        file, images, settings = truth
        content.skeleton, wanted, kinds = skeleton_of(settings, entries, file)
        for number, name in images.items():
            index[number] = len(content.sources)
            content.sources.append(find(name))
    keep, rows = entries.kept(kinds, wanted, index)
    points, third = entries.points(len(content.skeleton), keep, visibility=False)
    third = np.where(np.isfinite(third), third, 0)
    points[(points == 0).all(axis=2) | ~np.isfinite(points).all(axis=2)] = np.nan
    content.image_index, content.points, content.boxes = rows, [points], [entries.corners(keep)]
    content.visibility = [np.where(np.isfinite(points[..., 0]), 2, 0).astype(np.uint8)]
    for name, values in entries.extras.items():
        content.extras[name] = [v for v, kept in zip(values, keep, strict=True) if kept]
    content.split = [None] * len(content.sources)
    content.frame = [None] * len(content.sources)
    if "confidence" not in content.extras and third.size and 0 <= third.min() <= third.max() <= 1:
        content.extras["confidence"] = third.tolist()
    return content.dataset(path)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks = dataset.landmarks
    names, notes = picture_names(dataset.images, path.parent)
    numbers, category, skeleton = _numbers(names, path, dataset.skeleton)
    if skeleton is None:
        notes.append(
            "there is no COCO file of these labels beside, so pictures are called by name instead of its numbers; "
            "COCO's evaluation needs the numbers"
        )
    confidence = np.ones(marks.points.shape[:2]) if marks.confidence is None else np.nan_to_num(marks.confidence)
    results = []
    columns = {c: v for c, v in dataset.columns.items() if c not in _OURS and v.dtype.kind in "iufUS"}
    for row, i in enumerate(marks.image_index):
        points = marks.points[row, :, :2]
        there = np.isfinite(points).all(axis=1)
        triples = np.where(there[:, None], np.column_stack([points, confidence[row]]), 0)
        score = np.nan if marks.score is None else marks.score[row]
        if not np.isfinite(score):
            score = confidence[row][there].mean() if there.any() else 0.0
        one: dict[str, Any] = {"image_id": numbers[i], "category_id": category}
        one |= {"keypoints": [float(v) for v in triples.ravel()], "score": float(score)}
        box = marks.boxes[row] if marks.boxes.shape[1] == 4 else marks.boxes[row][[0, 1, 3, 4]]
        if np.isfinite(box).all():
            one["bbox"] = [float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])]
        if marks.track_id is not None:
            one["track_id"] = int(marks.track_id[row])
        results.append(one | {c: _plain(v[row]) for c, v in columns.items()})
    write_whole(path, json.dumps(results, allow_nan=False))
    carries = {"boxes", "score", "confidence", "track_id", *columns}
    if skeleton is not None:
        carries |= {"names", "empty"}
        if complete(skeleton).equals(dataset.skeleton):
            carries.add("schema")
    return losses(dataset, carries, "A list of COCO results") + notes


_OURS = {"image_id", "category_id", "keypoints", "score", "bbox", "track_id", "id", "segmentation", "num_keypoints"}


def _plain(value: Any) -> Any:
    plain = value.item()
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain


def _truth(
    path: Path, entries: Entries, pictures: str | Path | None
) -> tuple[Path, dict[Any, str], dict[str, Any]] | None:
    """The one file of labels with all images of the results: where it is, its pictures, and its tree."""
    wanted = {i for i in entries.image if isinstance(i, (int, str)) and not isinstance(i, bool)}
    folders = [path.parent] if pictures is None else [Path(pictures), path.parent]
    found = []
    for file in dict.fromkeys(f for folder in folders if folder.is_dir() for f in files_of(folder, ".json")):
        images, settings = _images(file) if coco.matches(file, head_of(file)) else ({}, {})
        if images and wanted <= images.keys():
            found.append((file, images, settings))
    if len(found) > 1:
        listed = ", ".join(f.name for f, _, _ in found)
        raise InputError(f"{path}: belongs to one of several files beside it ({listed}); leave one of them there")
    if not found and any(not isinstance(i, str) for i in entries.image):
        raise InputError(
            f"{path}: has numbers instead of pictures; put the COCO file of labels, whose images have these numbers, "
            "beside it"
        )
    return found[0] if found else None


def _images(file: Path) -> tuple[dict[Any, str], dict[str, Any]]:
    """Number and name of each picture of a COCO file, and the rest of it; nothing where it is none."""
    images: dict[Any, str] = {}

    def take(piece: list[Any]) -> None:
        for one in piece:
            if isinstance(one, dict) and isinstance(one.get("id"), (int, str)):
                images[one["id"]] = str(one.get("file_name"))

    try:
        settings = load_lists(file, {"images": take, "annotations": lambda piece: None}, drop="segmentation")
    except InputError:
        return {}, {}
    return (images, settings) if isinstance(settings, dict) else ({}, {})


def _numbers(names: list[str], path: Path, skeleton: Skeleton) -> tuple[list[Any], Any, Skeleton | None]:
    """The number of each picture, the category's, and the skeleton of the file of labels; or names, 1 and None."""
    fitting = []
    for file in files_of(path.parent, ".json") if path.parent.is_dir() else []:
        if file == path or not coco.matches(file, head_of(file)):
            continue
        images, settings = _images(file)
        place = {PurePosixPath(name.replace("\\", "/")).name: number for number, name in images.items()}
        own = [PurePosixPath(n).name for n in names]
        if len(place) != len(images) or len(set(own)) != len(own) or any(n not in place for n in own):
            continue
        try:
            theirs, wanted, _ = skeleton_of(settings, Entries(str(file)), file)
        except InputError:
            continue
        if theirs.names == skeleton.names and wanted and len(images) == len(names):
            fitting.append(([place[n] for n in own], min(wanted, key=str), theirs))
    if len(fitting) == 1:
        return fitting[0]
    return names, 1, None
