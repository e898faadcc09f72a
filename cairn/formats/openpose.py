"""OpenPose JSON: a file for each picture or frame, with the people in it.

::

    {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [582.3, 507.9, 0.85, 0, 0, 0, ...],
     "face_keypoints_2d": [], "hand_left_keypoints_2d": [], "hand_right_keypoints_2d": []}]}

Defined in https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md.

Origin: OpenPose adds half a pixel of the picture to what it finds (``nmsOffset`` in its ``PoseExtractorCaffe``), so 0
is the outer edge of the first pixel: 0.5 is subtracted on reading and added on writing. Other values of
``--keypoint_scale`` than 0, which is pixels of the source, cannot be told apart; coordinates that all are at most 1 are
refused.

Three numbers a point: x, y and a confidence; 0, 0, 0 is a point that was not found. 25, 18 and 15 points are its
BODY_25, COCO and MPI bodies; the points of the face (70) and of the hands (21 each) follow where any person has them,
as ``face_0``, ``left_hand_0``, ``right_hand_0`` and on. Where every confidence is 0 or 1, they are labels.
``person_id`` is the track, where it is not -1.

``a_keypoints.json`` belongs to the picture ``a.jpg`` (or .png ...), ``run_000000000012_keypoints.json`` to frame 12 of
the video ``run.mp4``; a name under ``image``, which Cairn writes and OpenPose passes over, comes first.

Cannot carry: names other than its own, boxes, visibility, covariance, depth, edges, splits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import coordinate, files_of, load_json
from cairn.formats.objects import Objects
from cairn.formats.pictures import PictureFinder, json_for_each
from cairn.formats.rows import check_count, losses
from cairn.formats.text import head_of
from cairn.images import Source

__all__ = ["BODY_25", "COCO_18", "MPI_15", "VERIFIED", "matches", "read", "write"]

VERIFIED = "a file that OpenPose wrote"

# OpenPose, include/openpose/pose/poseParameters.hpp
COCO_18 = (
    *("Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RAnkle"),
    *("LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar"),
)
BODY_25 = (
    *COCO_18[:8],
    *("MidHip", "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar"),
    *("LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel"),
)
MPI_15 = ("Head", *COCO_18[1:8], "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "Chest")

_BODIES = {len(names): names for names in (BODY_25, COCO_18, MPI_15)}
# key of a person: prefix of the names
_PARTS = {
    "face_keypoints_2d": "face_",
    "hand_left_keypoints_2d": "left_hand_",
    "hand_right_keypoints_2d": "right_hand_",
}
_POSE = "pose_keypoints_2d"
_HEAD = re.compile(rb'\s*\{\s*("version"\s*:\s*[\d.]{1,10}\s*,\s*)?("image"\s*:\s*"[^"]{0,4096}"\s*,\s*)?"people"\s*:')
_FRAME = re.compile(r"(.+)_(\d{12})")
_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg")


def matches(path: Path, head: bytes) -> bool:
    """Whether `path` is such a JSON file, or a folder with at least one."""
    if path.is_dir():
        return any(matches(p, head_of(p)) for p in files_of(path, ".json", below=True))
    return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder of them, with its folders.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, people with different numbers of points, coordinates that are not in pixels, a missing
        picture
    """
    path = Path(path)
    files = [path]
    if path.is_dir():
        files = [p for p in files_of(path, ".json", below=True) if matches(p, head_of(p))]
        if not files:
            raise InputError(f"{path}: no OpenPose file in this folder")
    found = Objects(path)
    finders: dict[Path, PictureFinder] = {}
    counts: dict[str, int] = {}
    largest = -1.0
    for file in files:
        document = load_json(file)
        people = document.get("people") if isinstance(document, dict) else None
        if not isinstance(people, list) or not all(isinstance(p, dict) for p in people):
            raise InputError(f"{file}: no list 'people'; expected a file of OpenPose")
        find = finders.setdefault(file.parent, PictureFinder(file, [file.parent], pictures))
        find.label_file = file
        index = found.picture(_picture(find, file, document.get("image")))
        for i, person in enumerate(people):
            where = f"{file}: people[{i}]"
            points, confidence = {}, {}
            for key in (_POSE, *_PARTS):
                values = _triples(person.get(key) or person.get(key.removesuffix("_2d")) or [], f"{where}, {key}")
                if not len(values):
                    continue
                if counts.setdefault(key, len(values)) != len(values):
                    raise InputError(f"{where}: {len(values)} points in {key}, but {counts[key]} before it")
                for name, (x, y, c) in zip(_names(key, len(values)), values, strict=True):
                    confidence[name] = min(max(c, 0.0), 1.0) if np.isfinite(c) else 0.0
                    if x or y or c:
                        points[name] = (x - 0.5, y - 0.5)
                        largest = np.inf if "image" in document else max(largest, x, y)  # what Cairn wrote is in pixels
            found.add(index, points, confidence=confidence, track=_track(person.get("person_id")))
    if 0 <= largest <= 1:
        raise InputError(
            f"{path}: no coordinate is above 1, so they are not pixels; run OpenPose with --keypoint_scale 0"
        )
    names = [n for key in (_POSE, *_PARTS) if key in counts for n in _names(key, counts[key])]
    for one in found.objects:
        one.confidence = {**dict.fromkeys(names, 0.0), **one.confidence}
    if all(c in (0, 1) for o in found.objects for c in o.confidence.values()):
        for one in found.objects:
            one.confidence = {}
    if any(o.track is None for o in found.objects):
        for one in found.objects:
            one.track = None
    return found.dataset(names)


def _names(key: str, count: int) -> Sequence[str]:
    if key != _POSE:
        return [f"{_PARTS[key]}{i}" for i in range(count)]
    return _BODIES.get(count) or [f"p{i}" for i in range(count)]


def _triples(values: Any, where: str) -> np.ndarray:
    """(K, 3): x, y from the edge of the first pixel, confidence."""
    if not isinstance(values, list) or len(values) % 3:
        length = len(values) if isinstance(values, list) else 0
        raise InputError(f"{where}: {length} numbers; expected x, y and confidence for each point")
    if not values:
        return np.empty((0, 3))
    check_count(len(values) // 3, where)
    return np.array([coordinate(v, where) for v in values]).reshape(-1, 3)


def _track(value: Any) -> int | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62
    return value if good else None


def _picture(find: PictureFinder, file: Path, named: Any) -> Source:
    if isinstance(named, str):
        return find(named)
    stem = re.sub(r"_(keypoints|pose)$", "", file.stem)
    try:
        return find(stem)
    except InputError as error:
        frame = _FRAME.fullmatch(stem)
        for suffix in _VIDEOS if frame is not None else ():
            try:
                return find(f"{frame[1]}{suffix}#{int(frame[2])}")  # type: ignore[index]
            except InputError:
                continue
        raise InputError(str(error).replace("; looked", " with any ending; looked")) from None


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write a folder with a file for each picture; or one file, for one picture.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    folder, names, files, notes = json_for_each(dataset.images, path, "_keypoints.json", "an OpenPose")
    marks = dataset.landmarks
    layout = _layout(dataset.skeleton.names)
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    for i, rows in rows_of.items():
        relative = not PurePosixPath(names[i]).is_absolute()
        picture = PurePosixPath(names[i]).name if relative and folder == path else names[i]
        people = [_person(dataset, row, layout) for row in rows]
        target = folder / files[i]
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, json.dumps({"version": 1.3, "image": picture, "people": people}, allow_nan=False))
    carries = {"confidence", "empty", "track_id"}
    order = [k for columns in layout.values() for k in columns]
    count = len(layout[_POSE])
    kept = [n for key, columns in layout.items() for n in _names(key, len(columns))]
    if kept == [dataset.skeleton.names[k] for k in order] and order == list(range(len(order))):
        carries.add("names")
    lost = losses(dataset, carries, "OpenPose")
    if "names" not in carries and count in _BODIES:
        lost.append(f"{count} points without names are taken for OpenPose's own body when they are read")
    return lost + notes


def _layout(names: Sequence[str]) -> dict[str, list[int]]:
    """Which point goes where: key of a person -> columns."""
    column = {n: k for k, n in enumerate(names)}
    layout: dict[str, list[int]] = {}
    for key, prefix in _PARTS.items():
        count = sum(re.fullmatch(rf"{prefix}\d+", n) is not None for n in names)
        wanted = [f"{prefix}{i}" for i in range(count)]
        if count and all(n in column for n in wanted):
            layout[key] = [column.pop(n) for n in wanted]
    body = _BODIES.get(len(column), ())
    pose = [column[n] for n in body] if set(body) == set(column) else list(column.values())
    return {_POSE: pose, **layout}


def _person(dataset: Dataset, row: int, layout: dict[str, list[int]]) -> dict[str, Any]:
    marks = dataset.landmarks
    labelled = np.isfinite(marks.points[row]).all(axis=-1)
    person: dict[str, Any] = {"person_id": [-1 if marks.track_id is None else int(marks.track_id[row])]}
    for key in (_POSE, *_PARTS):
        values: list[float] = []
        for k in layout.get(key, []):
            if not labelled[k]:
                values += [0, 0, 0]
                continue
            c = 1.0 if marks.confidence is None else float(marks.confidence[row, k])
            values += [*(round(float(v) + 0.5, 9) for v in marks.points[row, k, :2]), c if np.isfinite(c) else 0.0]
        person[key] = values
    return person
