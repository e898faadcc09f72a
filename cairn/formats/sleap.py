"""SLEAP: projects and predictions (``.slp``), and packages that hold their pictures too (``.pkg.slp``).

An HDF5 file, defined by the sources of sleap-io (https://io.sleap.ai/latest/formats/), through which it is read and
written: ``pip install 'cairn-landmarks[sleap]'``.

Origin: 0 at the centre of the first pixel, as SLEAP has it since version 1.1 of the format; in older files it was the
pixel's corner, which sleap-io takes into account.

A frame of the project is a picture: a frame of a video, a picture of a list, or one that stands in the package (its
name is then ``file.pkg.slp#3``, the fourth one in it). Points that SLEAP calls not visible have no coordinates that
mean anything and become points without label. Symmetries are the mirror image. A track that is called by a number has
it as ``track_id``; otherwise tracks are numbered, and their names are the column ``track``. Predictions have
``score`` and ``confidence``, which is SLEAP's height of the peak, cut to 1; where labels stand beside them, the column
``predicted`` tells which is which, and a prediction that was corrected by hand is passed over, as SLEAP does. In
packages of several videos the column ``video`` names them.

Written as a package, the pictures go along as PNG; otherwise videos are referred to by name, and so are pictures, those
of one size being one of SLEAP's videos.

Cannot carry: hidden and absent points, boxes, parts and reference lengths, subjects, splits, other columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.embedded import contents
from cairn.errors import InputError
from cairn.files import made_whole
from cairn.formats.document import files_like, only_file
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import check_count, fill_boxes, losses, named
from cairn.formats.text import MAX_COORDINATE, head_of, shown
from cairn.hdf5 import opened, own_dataset
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "sleap-io"

MAX_CONTENT = 2 * 2**30  # bytes of labels once unpacked
_MAGIC = b"\x89HDF\r\n\x1a\n"


def matches(path: Path, head: bytes) -> bool:
    """Whether an HDF5 file has SLEAP's list of videos, or a folder holds such files."""
    if path.is_dir():
        return bool(files_like(path, ".slp", matches))
    if not head.startswith(_MAGIC):
        return False
    try:
        with opened(path) as file:
            return "videos_json" in file and "metadata" in file
    except InputError:
        return path.suffix.lower() == ".slp"  # its reader says what is wrong


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with one.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which videos and pictures are looked for too; else they are beside the file, or in ``images``

    Raises
    ------
    InputError : sleap-io is not installed, not such a file, several skeletons, a missing video or picture
    """
    path = Path(path)
    path = only_file(path, ".slp", matches, "SLEAP files")
    sleap = _sleap(path)
    if not head_of(path).startswith(_MAGIC):
        raise InputError(f"{path}: is no HDF5 file; expected a SLEAP project")
    with opened(path) as file:
        _check(file, path)
    try:
        labels = sleap.load_slp(str(path), open_videos=False)
        return _dataset(labels, path, pictures)
    except InputError:
        raise
    except Exception as error:  # what sleap-io raises on a damaged file depends on the damage
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"{path}: sleap-io cannot read it ({reason}); open and save it in SLEAP") from error


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file; a package with its pictures where `path` ends with ``.pkg.slp``.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    sleap = _sleap(path)
    package = path.name.lower().endswith(".pkg.slp")
    names, notes = picture_names(dataset.images, path.parent)
    if package:
        notes = []
    elif any("#" in n and isinstance(s, Source) and s.page is not None for n, s in _named(dataset, names)):
        notes.append("SLEAP does not know pages of a TIFF; their names are written as they are")
    videos, places = _videos(dataset, names, sleap, package)
    marks, skeleton = dataset.landmarks, dataset.skeleton
    nodes = sleap.Skeleton(list(skeleton.names), edges=list(skeleton.edges), name=skeleton.name or None)
    pairs = [(a, b) for a, b in enumerate(skeleton.flip or ()) if a < b]
    nodes.add_symmetries([(skeleton.names[a], skeleton.names[b]) for a, b in pairs])
    tracks = _tracks(dataset, sleap)
    frames = [sleap.LabeledFrame(video=videos[v], frame_idx=i) for v, i in places]
    predicted = _predicted(dataset)
    for row, i in enumerate(marks.image_index):
        points = marks.points[row, :, :2]
        track = tracks.get(int(marks.track_id[row])) if marks.track_id is not None else None
        if predicted[row]:
            scores = np.zeros(len(points)) if marks.confidence is None else marks.confidence[row]
            score = 0.0 if marks.score is None else float(marks.score[row])
            one = sleap.PredictedInstance.from_numpy(
                points, skeleton=nodes, point_scores=np.nan_to_num(scores), score=score, track=track
            )
        else:
            one = sleap.Instance.from_numpy(points, skeleton=nodes, track=track)
        frames[int(i)].instances.append(one)
    labels = sleap.Labels(frames, videos=videos, skeletons=[nodes], tracks=list(tracks.values()))
    with made_whole(path) as file:
        sleap.save_slp(labels, str(file), embed=False, restore_original_videos=False, verbose=False)
        if package:
            _embed(file, dataset, places)
    return _lost(dataset, predicted) + notes


# --- reading ---


def _sleap(path: Path) -> Any:
    try:
        import sleap_io
    except ImportError:
        raise InputError(
            f"{path}: SLEAP's files need sleap-io; install it with: pip install 'cairn-landmarks[sleap]'"
        ) from None
    return sleap_io


def _check(file: Any, path: Path) -> None:
    """Nothing of it may stand elsewhere or be larger than memory, since sleap-io reads whole arrays."""
    import h5py

    total = parts = 0
    queue: list[tuple[Any, str]] = [(file, "")]
    while queue:
        group, where = queue.pop()
        for name in group:
            parts += 1
            if parts > 100_000 or where.count("/") > 8:
                raise InputError(f"{path}: has more parts than a SLEAP project; the file is damaged")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise InputError(f"{path}: {shown(name)} leads out of the file; expected a SLEAP project")
            item = group[name]
            if isinstance(item, h5py.Group):
                queue.append((item, f"{where}/{name}"))
            elif isinstance(item, h5py.Dataset):
                if own_dataset(group, name) is None:
                    raise InputError(f"{path}: {shown(name)} leads out of the file; expected a SLEAP project")
                total += 0 if name == "video" else item.size * item.dtype.itemsize
    if total > MAX_CONTENT:
        raise InputError(f"{path}: its labels claim {total / 2**20:,.0f} MB; the limit is {MAX_CONTENT // 2**20} MB")


def _dataset(labels: Any, path: Path, pictures: str | Path | None) -> Dataset:
    find = PictureFinder(path, [path.parent], pictures)
    resolve = {id(v): _resolver(v, path, find) for v in labels.videos}
    sources: dict[Source, int] = {}
    frame_of: list[int | None] = []
    video_of: list[str] = []
    kept: list[tuple[int, Any]] = []
    for frame in labels.labeled_frames:
        source, number = resolve[id(frame.video)](int(frame.frame_idx))
        index = sources.setdefault(source, len(sources))
        if index == len(frame_of):
            frame_of.append(number)
            video_of.append(_video_name(frame.video))
        corrected = {id(i.from_predicted) for i in frame.instances if getattr(i, "from_predicted", None) is not None}
        kept += [(index, i) for i in frame.instances if id(i) not in corrected]
    if not sources:
        raise InputError(f"{path}: has no labelled frames; expected labelled points")
    skeleton = _skeleton(labels, [i for _, i in kept], path)
    n, k = len(kept), len(skeleton)
    points, confidence = np.full((n, k, 2), np.nan), np.full((n, k), np.nan)
    score, track, predicted = np.full(n, np.nan), np.full(n, -1), np.zeros(n, bool)
    numbers = {id(t): i for i, t in enumerate(labels.tracks)}
    for row, (_, one) in enumerate(kept):
        points[row] = one.numpy()
        if hasattr(one, "score"):
            predicted[row], score[row], confidence[row] = True, one.score, one.points["score"]
        if one.track is not None:
            track[row] = numbers.get(id(one.track), -1)
    if (np.abs(points) > MAX_COORDINATE).any():
        raise InputError(f"{path}: a number beyond {MAX_COORDINATE:g} is no coordinate in a picture")
    points = np.where(np.isfinite(points).all(axis=2, keepdims=True), points, np.nan)
    columns: dict[str, np.ndarray] = {}
    tracked = bool((track >= 0).any())
    called = [str(t.name) for t in labels.tracks]
    if (
        tracked
        and len(set(called)) == len(called)
        and all(re.fullmatch(r"0|[1-9]\d{0,14}", c, re.ASCII) for c in called)
    ):
        track = np.array([*map(int, called), -1])[track]
    elif tracked:
        columns["track"] = np.array([one.track.name if one.track is not None else "" for _, one in kept])
    if predicted.any() and not predicted.all():
        columns["predicted"] = predicted
    image_index = np.array([i for i, _ in kept], np.int64)
    if len(set(video_of)) > 1 and any(s.path.lower().endswith(".slp") for s in sources):
        columns["video"] = np.array([video_of[i] for i in image_index], np.str_)
    frames = [f for f in frame_of if f is not None]
    return Dataset(
        ImageList(sources),
        Landmarks(
            skeleton,
            points,
            fill_boxes(points),
            image_index,
            confidence=np.clip(confidence, 0, 1) if predicted.any() else None,
            score=score if predicted.any() else None,
            track_id=track if tracked else None,
        ),
        frame=np.array(frames) if len(frames) == len(sources) else None,
        columns=columns,
    )


def _resolver(video: Any, path: Path, find: PictureFinder) -> Callable[[int], tuple[Source, int | None]]:
    """From the number of a frame to its picture, and to its place in time where there is one."""
    name = video.filename
    if isinstance(name, list):

        def picture(i: int) -> tuple[Source, int | None]:
            if not 0 <= i < len(name):
                raise InputError(f"{path}: speaks of picture {i} of a list of {len(name)}")
            return find(str(name[i])), None

        return picture
    group = str(video.backend_metadata.get("dataset") or "").partition("/")[0]
    if not group or not str(name).lower().endswith(".slp"):
        if Path(str(name)) == path:
            raise InputError(f"{path}: holds pictures; rename it so that it ends with .pkg.slp")
        return lambda i: (replace(find(str(name)), frame=i), i)
    package = path if Path(str(name)) == path or name == "." else Path(find(str(name)).path)
    held = contents(package)
    first = 0
    for other, numbers in held.items():
        if other == group:
            break
        first += len(numbers)
    place = {int(n): first + j for j, n in enumerate(held.get(group, ()))}
    timed = video.source_video is not None and not isinstance(video.source_video.filename, list)
    origin = None if video.source_video is None else _resolver(video.source_video, path, find)

    def embedded(i: int) -> tuple[Source, int | None]:
        if i in place:
            return Source(str(package), frame=place[i]), i if timed else None
        if origin is None:
            raise InputError(f"{path}: frame {i} of {group} is not in the package; export it again")
        return origin(i)

    return embedded


def _video_name(video: Any) -> str:
    while video.source_video is not None:
        video = video.source_video
    name = video.filename[0] if isinstance(video.filename, list) else video.filename
    return PurePosixPath(str(name).replace("\\", "/")).stem


def _skeleton(labels: Any, instances: list[Any], path: Path) -> Skeleton:
    kinds = list({id(i.skeleton): i.skeleton for i in instances}.values()) or list(labels.skeletons)
    if not kinds:
        raise InputError(f"{path}: has no skeleton; expected labelled points")
    first = kinds[0]
    names = [str(n) for n in first.node_names]
    other = next((s for s in kinds if [str(n) for n in s.node_names] != names), None)
    if other is not None:
        raise InputError(
            f"{path}: its skeletons {shown(first.name)} and {shown(other.name)} have different points; "
            "one data set has one skeleton, so save one project for each in SLEAP"
        )
    check_count(len(names), str(path))
    skeleton = named(names, str(path), first.edge_inds)
    flip = np.arange(len(names))
    for a, b in first.symmetry_inds:
        flip[a], flip[b] = b, a
    if skeleton.flip is None and first.symmetry_inds:
        try:
            skeleton = replace(skeleton, flip=tuple(int(i) for i in flip))
        except ValueError as error:
            raise InputError(f"{path}: its symmetries are no pairs ({shown(error, 200)})") from None
    return skeleton


# --- writing ---


def _named(dataset: Dataset, names: list[str]) -> list[tuple[str, Source | Image]]:
    return list(zip(names, dataset.images.sources, strict=True))


def _videos(dataset: Dataset, names: list[str], sleap: Any, package: bool) -> tuple[list[Any], list[tuple[int, int]]]:
    """SLEAP's videos, and for each image its video and frame number."""
    kinds: dict[Any, list[int]] = {}  # what makes one video: its images
    for i, (called, source) in enumerate(_named(dataset, names)):
        if isinstance(source, Source) and source.frame is not None:
            file = called.rpartition("#")[0]
            group = _group(source)[0] if file.lower().endswith(".slp") else ""
            kinds.setdefault((file, group), []).append(i)
        else:
            kinds.setdefault(picture_size(source), []).append(i)
    videos = []
    places = [(0, 0)] * len(names)
    for v, (kind, members) in enumerate(kinds.items()):
        first = dataset.images.sources[members[0]]
        width, height = picture_size(first)
        shape = [len(members), height, width, 3]
        of_video = isinstance(kind[0], str)
        number = {i: j for j, i in enumerate(members)}
        if of_video and kind[1]:
            number = {i: _group(dataset.images.sources[i])[1] for i in members}
        elif of_video:
            number = {i: int(dataset.images.sources[i].frame) for i in members}  # type: ignore[union-attr,arg-type]
            shape[0] = max(number.values()) + 1
        plain = {"shape": shape, "grayscale": False, "fps": None}
        inside = {"type": "HDF5Video", "input_format": "channels_last", "convert_range": False}
        inside |= {"has_embedded_images": True, **plain}
        name: Any
        if of_video and kind[1]:
            name = kind[0]
            meta = inside | {"filename": name, "dataset": f"{kind[1]}/video"}
        elif of_video:
            name = kind[0]
            meta = {"type": "MediaVideo", "filename": name, "bgr": True, "dataset": "", "input_format": "", **plain}
        else:
            name = [names[i] for i in members]
            meta = {"type": "ImageVideo", "filename": name[0], "filenames": name, **plain}
            meta |= {"height_": height, "width_": width, "channels_": 3}
        video = sleap.Video(name, backend=None, backend_metadata=meta, open_backend=False)
        if package:
            meta = inside | {"filename": ".", "dataset": f"video{v}/video"}
            video = sleap.Video(".", backend=None, backend_metadata=meta, open_backend=False, source_video=video)
        videos.append(video)
        for i in members:
            places[i] = (v, number[i])
    return videos, places


def _group(source: Any) -> tuple[str, int]:
    """Where an embedded picture stands: its group, and its frame number there."""
    rest = source.frame
    for group, numbers in contents(source.path).items():
        if rest < len(numbers):
            return group, int(numbers[rest])
        rest -= len(numbers)
    raise InputError(f"{source}: there is no such picture in the package")


def _embed(path: Path, dataset: Dataset, places: list[tuple[int, int]]) -> None:
    """Put the pictures into the file as SLEAP's own exports have them: PNG, red and blue changed by OpenCV."""
    import cv2
    import h5py

    members: dict[int, list[tuple[int, int]]] = {}
    for i, (v, number) in enumerate(places):
        members.setdefault(v, []).append((number, i))
    with h5py.File(path, "r+") as file:
        for v, images in members.items():
            images.sort()
            video = file.create_dataset(
                f"video{v}/video", (len(images),), dtype=h5py.special_dtype(vlen=np.dtype("int8"))
            )
            size = (0, 0)
            for j, (_, i) in enumerate(images):
                pixels = np.ascontiguousarray(dataset.images[i].rgb())
                size = pixels.shape[:2]
                video[j] = np.frombuffer(cv2.imencode(".png", pixels)[1].tobytes(), np.int8)
            video.attrs.update({"format": "png", "channel_order": "BGR", "frames": len(images), "channels": 3})
            video.attrs.update({"height": size[0], "width": size[1]})
            file[f"video{v}/frame_numbers"] = np.array([number for number, _ in images])
        entries = [json.loads(entry) for entry in file["videos_json"][:]]
        for v, entry in enumerate(entries):
            entry["filename"] = "."
            file.create_group(f"video{v}/source_video").attrs["json"] = np.bytes_(json.dumps(entry["source_video"]))
        del file["videos_json"]
        file.create_dataset("videos_json", data=[np.bytes_(json.dumps(e)) for e in entries], maxshape=(None,))


def _tracks(dataset: Dataset, sleap: Any) -> dict[int, Any]:
    ids = dataset.landmarks.track_id
    if ids is None:
        return {}
    given = dataset.columns.get("track")
    tracks: dict[int, Any] = {}
    for row in np.argsort(ids, kind="stable"):
        number = int(ids[row])
        if number >= 0 and number not in tracks:
            tracks[number] = sleap.Track(str(number) if given is None else str(given[row]))
    return tracks


def _predicted(dataset: Dataset) -> np.ndarray:
    """(N,) bool: which rows are predictions."""
    marks = dataset.landmarks
    given = dataset.columns.get("predicted")
    if given is not None and given.dtype.kind in "biu":
        return given.astype(bool)
    return np.full(len(marks), marks.confidence is not None or marks.score is not None)


def _lost(dataset: Dataset, predicted: np.ndarray) -> list[str]:
    marks, skeleton = dataset.landmarks, dataset.skeleton
    carries = {"names", "empty", "track_id", "predicted"}
    flips = skeleton.flip if any(a != b for a, b in enumerate(skeleton.flip or ())) else None
    back = complete(Skeleton(skeleton.names, skeleton.edges))
    if back.flip is None and flips is not None:
        back = replace(back, flip=flips)
    if all(getattr(back, f) == getattr(skeleton, f) for f in ("edges", "flip", "parts", "normalisers", "sigmas")):
        carries.add("schema")
    for name in ("confidence", "score"):
        values = getattr(marks, name)
        if values is not None and not np.isfinite(values[~predicted]).any():
            carries.add(name)
    if marks.track_id is not None and "track" in dataset.columns:
        names = {(int(i), str(t)) for i, t in zip(marks.track_id, dataset.columns["track"], strict=True)}
        if len(names) == len({i for i, _ in names}):
            carries.add("track")
    frames = [s.frame if isinstance(s, Source) else None for s in dataset.images.sources]
    if dataset.frame is not None and list(dataset.frame) == frames:
        carries.add("frame")
    return losses(dataset, carries, "SLEAP")
