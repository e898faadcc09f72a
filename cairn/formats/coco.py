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

The pictures of labels in a folder called ``annotations`` are looked for beside that folder too, and those of
``person_keypoints_train2017.json`` in ``train2017`` there, as COCO itself is laid out.

Cannot carry: the mark "absent" (written as not labelled), depth, observers, mm per pixel.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.coco_reading import COLUMNS_KEY, KNOWN, SCHEME_KEY, Content, add_file
from cairn.formats.document import files_like
from cairn.formats.pictures import picture_names, picture_size
from cairn.formats.rows import losses
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "pycocotools"

_HEAD = re.compile(rb'^\s*\{.*"(images|annotations|categories)"\s*:', re.DOTALL)


def matches(path: Path, head: bytes) -> bool:
    """Whether `path` is such a JSON file, or a folder with at least one."""
    if path.is_dir():
        return bool(files_like(path, ".json", matches))
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
    content = Content()
    if not path.is_dir():
        add_file(content, path, pictures, split=None)
        return content.dataset(path)
    files = files_like(path, ".json", matches)
    if not files:
        raise InputError(f"{path}: no COCO keypoints file in this folder")
    for file in files:
        add_file(content, file, pictures, split=file.stem if len(files) > 1 else None)
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
        category[SCHEME_KEY] = skeleton.to_json()
    document: dict[str, Any] = {
        "info": {"note": "pixel 0 is the centre of the first pixel"},
        "images": images,
        "annotations": [_annotation(dataset, row) for row in range(len(dataset))],
        "categories": [category],
    }
    if dataset.licence:
        document["licenses"] = [{"id": 1, "name": dataset.licence}]
    write_whole(path, json.dumps(document, allow_nan=False))
    carries = {"names", "schema", "boxes", "hidden", "empty", "confidence", "covariance", "score", "track_id"}
    carries |= {"plausible", "plausible_parts", "plausible_points", "altered"}
    carries |= {"subject", "split", "frame", "licence", *dataset.columns}
    if marks.points.shape[2] == 3:
        carries -= {"covariance"}
    return losses(dataset, carries, "COCO") + notes


def _annotation(dataset: Dataset, row: int) -> dict[str, Any]:
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
    cells = {c: _plain(v[row]) for c, v in dataset.columns.items()}
    namesakes = {c: v for c, v in cells.items() if c in KNOWN}
    if namesakes:
        entry[COLUMNS_KEY] = namesakes
    return entry | {c: v for c, v in cells.items() if c not in KNOWN}


def _plain(value: Any) -> Any:
    """NumPy values as JSON has them; NaN is null."""
    value = np.asarray(value)
    if value.ndim:
        return [_plain(v) for v in value]
    plain = value.item()
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
