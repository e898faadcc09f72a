"""MediaPipe landmarks as JSON: what its face, hand and pose landmarkers return, one result for each picture.

::

    [{"image": "a.jpg", "face_landmarks": [[{"x": 0.51, "y": 0.44, "z": -0.02, "visibility": null, "presence": null,
      "name": null}, ...], ...]}]

MediaPipe defines the result (https://ai.google.dev/edge/mediapipe/solutions/vision) and not a file. Read is what
``JSON.stringify(result)`` gives in JavaScript (``faceLandmarks``), ``json.dumps(dataclasses.asdict(result))`` in Python
(``face_landmarks``) and ``MessageToDict`` for the older solutions (``multi_face_landmarks``, ``landmark``); for hands,
poses and plain ``landmarks`` likewise. One result is a file beside the picture, with the same name or with ``image``;
or a file holds a list of results with ``image``.

Origin: x and y are shares of the picture's width and height, and MediaPipe draws a point into the pixel ``floor(x *
width)``, so 0 is the outer edge of the first pixel: 0.5 px is subtracted on reading and added on writing. z is in
widths of the picture, smaller being nearer to the camera; it becomes pixels. A null is a point without label.

``presence`` is presence. ``visibility`` below 0.5 is hidden, unless it is 0 everywhere, as where the model has none.
Names are those of the file, or MediaPipe's for 33 points (a body) and 21 (a hand), else numbers.

Cannot carry: boxes, the mark "absent", confidence, covariance, edges, splits, tracks.
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
from cairn.formats.document import coordinate, files_of, load_json
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import check_count, fill_boxes, losses, named, whole_points
from cairn.formats.text import head_of
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks

__all__ = ["BODY_33", "HAND_21", "VERIFIED", "matches", "read", "write"]

VERIFIED = "a result of mediapipe 1.2's own class"

# mediapipe/tasks/python/vision: PoseLandmark and HandLandmark
BODY_33 = (
    *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer"),
    *("left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow"),
    *("right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index"),
    *("left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
    *("left_heel", "right_heel", "left_foot_index", "right_foot_index"),
)
HAND_21 = (
    *("wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip", "index_finger_mcp", "index_finger_pip"),
    *("index_finger_dip", "index_finger_tip", "middle_finger_mcp", "middle_finger_pip", "middle_finger_dip"),
    *("middle_finger_tip", "ring_finger_mcp", "ring_finger_pip", "ring_finger_dip", "ring_finger_tip", "pinky_mcp"),
    *("pinky_pip", "pinky_dip", "pinky_tip"),
)
_NAMES = {33: BODY_33, 21: HAND_21}
_KEYS = ("face_landmarks", "hand_landmarks", "pose_landmarks", "landmarks")
_PICTURE_KEYS = ("image", "file", "filename", "file_name", "image_path")
_HEAD = re.compile(
    rb'[\[{].{0,60000}"(multi_?)?(face_?|hand_?|pose_?)?landmarks"\s*:\s*[\[{]', re.DOTALL | re.IGNORECASE
)
_POINT = re.compile(rb'"x"\s*:')


def matches(path: Path, head: bytes) -> bool:
    """Whether `path` is such a JSON file, or a folder with at least one."""
    if path.is_dir():
        return any(matches(p, head_of(p)) for p in files_of(path, ".json", below=True))
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return _HEAD.match(head) is not None and _POINT.search(head) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder of them, with its folders.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, objects with different numbers of points, a missing picture
    """
    path = Path(path)
    files = [path]
    if path.is_dir():
        files = [p for p in files_of(path, ".json", below=True) if matches(p, head_of(p))]
        if not files:
            raise InputError(f"{path}: no file with landmarks of MediaPipe in this folder")
    sources: dict[Source, int] = {}
    image_index: list[int] = []
    rows: list[np.ndarray] = []  # (K, 5): x, y, z, visibility, presence
    names: list[str] | None = None
    finders: dict[Path, PictureFinder] = {}
    for file in files:
        document = load_json(file)
        results = [document] if isinstance(document, dict) else document
        if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
            raise InputError(f"{file}: expected results of MediaPipe")
        find = finders.setdefault(file.parent, PictureFinder(file, [file.parent], pictures))
        find.label_file = file
        for i, result in enumerate(results):
            where = f"{file}: result {i + 1}"
            called = next((result[k] for k in _PICTURE_KEYS if isinstance(result.get(k), str)), None)
            if called is None and len(results) > 1:
                raise InputError(f"{where}: has no 'image'; several results in a file must name their pictures")
            source = find(called or file.stem)
            index = sources.setdefault(source, len(sources))
            for j, one in enumerate(_objects(result, where)):
                row, own = _row(one, picture_size(source), f"{where}, object {j + 1}")
                if rows and len(row) != len(rows[0]):
                    raise InputError(f"{where}: {len(row)} points, but {len(rows[0])} before it; split the file")
                names = names or own
                rows.append(row)
                image_index.append(index)
    if not rows:
        raise InputError(f"{path}: no points in it; expected landmarks of MediaPipe")
    values = np.array(rows)
    k = values.shape[1]
    points = values[..., :3] if np.isfinite(values[..., 2]).any() else values[..., :2]
    points = whole_points(points)
    there = np.isfinite(points).all(axis=-1)
    visible, presence = values[..., 3], values[..., 4]
    hidden = visible < 0.5 if (visible > 0).any() else np.zeros_like(there)
    landmarks = Landmarks(
        named(names or _NAMES.get(k) or [str(i) for i in range(k)], str(path)),
        points,
        fill_boxes(points),
        np.array(image_index),
        visibility=np.where(there, np.where(hidden, 1, 2), 0) if (hidden & there).any() else None,
        presence=presence if np.isfinite(presence).all() and ((presence >= 0) & (presence <= 1)).all() else None,
    )
    return Dataset(ImageList(sources), landmarks)


def _objects(result: dict[str, Any], where: str) -> list[Any]:
    """The landmarks of each object of a result."""
    plain = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", k).lower().removeprefix("multi_"): v for k, v in result.items()}
    kinds = [k for k in _KEYS if plain.get(k)]
    if len(kinds) > 1:
        raise InputError(f"{where}: has {' and '.join(kinds)}; one data set has one kind of object, so split the file")
    several = plain[kinds[0]] if kinds else []
    if isinstance(several, dict) or (isinstance(several, list) and several and _is_point(several[0])):
        several = [several]  # a result with a single object
    if not isinstance(several, list):
        raise InputError(f"{where}: expected lists of landmarks")
    return [one.get("landmark") if isinstance(one, dict) else one for one in several]


def _is_point(value: Any) -> bool:
    return isinstance(value, dict) and "landmark" not in value


def _row(landmarks: Any, size: tuple[int, int], where: str) -> tuple[np.ndarray, list[str] | None]:
    if not isinstance(landmarks, list) or not all(isinstance(p, dict) for p in landmarks):
        raise InputError(f"{where}: expected a list of points with x and y")
    check_count(len(landmarks), where)
    row = np.full((len(landmarks), 5), np.nan)
    for k, point in enumerate(landmarks):
        for c, key in enumerate(("x", "y", "z", "visibility", "presence")):
            row[k, c] = coordinate(point.get(key), f"{where}, point {k}: {key}", 1e5)
    width, height = size
    row[:, :3] = row[:, :3] * [width, height, width] - [0.5, 0.5, 0]
    names = [p.get("name") for p in landmarks]
    return row, names if all(isinstance(n, str) and n for n in names) else None  # type: ignore[return-value]


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file with a result for each picture, as Python's landmarkers would give it.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, skeleton = dataset.landmarks, dataset.skeleton
    files, notes = picture_names(dataset.images, path.parent)
    key = {21: "hand_landmarks", 33: "pose_landmarks", 468: "face_landmarks", 478: "face_landmarks"}
    kind = key.get(len(skeleton), "landmarks")
    results: list[dict[str, Any]] = [{"image": f, kind: []} for f in files]
    sizes: dict[int, tuple[int, int]] = {}
    for row, i in enumerate(marks.image_index):
        if int(i) not in sizes:
            sizes[int(i)] = picture_size(dataset.images.sources[i])
        width, height = sizes[int(i)]
        points = []
        labelled = np.isfinite(marks.points[row]).all(axis=-1)
        for k, name in enumerate(skeleton.names):
            point: dict[str, Any] = {"x": None, "y": None, "z": None, "visibility": None, "presence": None}
            if labelled[k]:
                x, y, *z = (float(v) for v in marks.points[row, k])
                point |= {"x": (x + 0.5) / width, "y": (y + 0.5) / height, "z": z[0] / width if z else None}
                if marks.visibility is not None:
                    point["visibility"] = 0.0 if marks.visibility[row, k] == 1 else 1.0
            if marks.presence is not None and np.isfinite(marks.presence[row, k]):
                point["presence"] = float(marks.presence[row, k])
            points.append({**point, "name": name})
        results[i][kind].append(points)
    write_whole(path, json.dumps(results, ensure_ascii=False, allow_nan=False))
    lost = losses(dataset, {"names", "z", "hidden", "presence", "empty"}, "MediaPipe")
    hidden = marks.visibility is not None and bool((marks.visibility == 1).any())
    if hidden and not ((marks.visibility != 1) & marks.labelled).any():
        lost.append("MediaPipe's visibility is 0 for every point, which is read as if there were none")
    return lost + notes
