"""YOLO pose: Ultralytics' folders of pictures, a text file beside each, and a ``data.yaml``.

::

    path: .                      labels/train/a.txt, one line for each object of images/train/a.jpg:
    train: images/train              0 0.5 0.5 0.4 0.3 0.42 0.51 2 0.61 0.5 1 ...
    val: images/val                  class, box (centre, width, height), then x y visibility for each point
    kpt_shape: [17, 3]
    flip_idx: [0, 2, 1, ...]
    names: {0: person}

Defined by https://docs.ultralytics.com/datasets/pose. Numbers are shares of the picture's width and height.

Origin: ``x = share * width``, which is 0 at the centre of the first pixel only because Ultralytics' own converter
divides COCO's keypoints by the size as they stand, and sleap-io SLEAP's; so the same picture has the same points in all
three. Visibility is COCO's 0, 1, 2; where points have two numbers, ``0 0`` and negative ones are no labels. In
predictions (``save_txt``) the third number is a confidence, and after the points stand ``score`` and ``track_id``.

``train``, ``val`` and the others are folders, or text files that list pictures; they are the splits, if they differ.
The labels of ``.../images/a.jpg`` are ``.../labels/a.txt``; a picture without them has no object. ``kpt_names`` or
``node_names`` are the names, ``skeleton`` (as sleap-io writes it) the edges. Of several kinds of objects the name
becomes the column ``class``. A ``flip_idx`` that exchanges nothing is taken for one that nobody filled in.

Writing takes a folder: pictures that are not below it are copied into it (frames as PNG), because Ultralytics finds
labels by the place of the picture. It trains only where there are splits called ``train`` and ``val``, or none.

Cannot carry: absent points, confidence, parts and reference lengths, subjects.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import made_whole, write_whole
from cairn.formats.document import files_like, load_yaml, only_file
from cairn.formats.pictures import SUFFIXES, picture_size
from cairn.formats.rows import check_count, fill_boxes, losses, named
from cairn.formats.text import numbers, read_text, shown
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "sleap-io"

_SPLITS = ("train", "val", "test")
_NONE = "unassigned"  # pictures without a split, where others have one
_KEY = re.compile(rb"^[\"']?kpt_shape[\"']?\s*:", re.MULTILINE)


def matches(path: Path, head: bytes) -> bool:
    """Whether a YAML file has ``kpt_shape``, or a folder holds such a file."""
    if path.is_dir():
        return bool(files_like(path, (".yaml", ".yml"), matches))
    return _KEY.search(head) is not None and not head.lstrip().startswith((b"{", b"<"))


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """All splits of a data set.

    Parameters
    ----------
    path : the folder, or its ``data.yaml``
    pictures : the folder of the data set, where ``data.yaml`` lies elsewhere

    Raises
    ------
    InputError : no such file, settings that do not fit together, no pictures, lines of another length
    """
    path = Path(path)
    path = only_file(path, (".yaml", ".yml"), matches, "YAML files with 'kpt_shape'")
    settings = load_yaml(path)
    if not isinstance(settings, dict) or "kpt_shape" not in settings:
        raise InputError(f"{path}: has no 'kpt_shape'; expected Ultralytics' data.yaml of a pose data set")
    skeleton, depth = _skeleton(settings, path)
    roots = [] if pictures is None else [Path(pictures)]
    given = settings.get("path")
    if isinstance(given, str) and _inside(given):
        roots.append(path.parent / given)
    roots.append(path.parent)
    found = _Lines(path, len(skeleton), depth)
    splits: dict[str, list[Path]] = {}
    for key in (*_SPLITS, "minival", _NONE, *(k for k in settings if isinstance(k, str) and k.startswith("split_"))):
        if settings.get(key):
            splits[key.removeprefix("split_")] = _pictures(settings[key], roots, path, key)
    if len(splits) > 1 and all(p == next(iter(splits.values())) for p in splits.values()):
        splits = {"": next(iter(splits.values()))}  # one folder for all is none
    split_of: dict[Path, str] = {}
    for name, members in splits.items():
        for member in members:
            if member in split_of:
                raise InputError(f"{path}: the picture {shown(member.name)} is in {split_of[member]!r} and in {name!r}")
            split_of[member] = "" if name == _NONE else name
    if not split_of:
        raise InputError(f"{path}: has no pictures; looked in {', '.join(map(str, dict.fromkeys(roots)))}")
    for i, picture in enumerate(split_of):
        found.add(i, picture)
    return found.dataset(skeleton, list(split_of), list(split_of.values()), settings)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write ``data.yaml``, labels and copies of the pictures into the folder `path`.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; expected the name of a folder")
    if not path.is_dir() and not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; make it first")
    marks, skeleton = dataset.landmarks, dataset.skeleton
    places = _places(dataset, path)
    ours = {_labels_of(p) for p in places}
    strange = [
        p for folder in {q.parent for q in ours} if folder.is_dir() for p in folder.glob("*.txt") if p not in ours
    ]
    if strange:
        raise InputError(f"{path}: has labels of other pictures ({strange[0].name}); choose an empty folder")
    kinds = [str(k) for k in dict.fromkeys(dataset.columns.get("class", ()))] or [skeleton.name or "object"]
    lines: list[list[str]] = [[] for _ in places]
    sizes = [picture_size(s) for s in dataset.images.sources]
    outside = homeless = 0
    for row, i in enumerate(marks.image_index):
        size = np.array(sizes[i], float)
        points = marks.points[row, :, :2] / size
        there = np.isfinite(points).all(axis=1)
        seen = np.full(len(points), 2) if marks.visibility is None else marks.visibility[row].astype(int)
        seen = np.where(there & (seen != 3), np.where(seen == 0, 2, seen), 0)
        points = np.where((seen > 0)[:, None], points, 0)
        box = (marks.boxes[row] if marks.boxes.shape[1] == 4 else marks.boxes[row][[0, 1, 3, 4]]).reshape(2, 2) / size
        if not np.isfinite(box).all():
            box = np.array([[0.0, 0], [1, 1]])
            homeless += 1
        values = np.concatenate([box.mean(axis=0), box[1] - box[0]])
        kind = kinds.index(str(dataset.columns["class"][row])) if "class" in dataset.columns else 0
        triples = [f"{_decimal(x)} {_decimal(y)} {v}" for (x, y), v in zip(points, seen, strict=True)]
        lines[i].append(" ".join([str(kind), *map(_decimal, values), *triples]))
        outside += bool((points < 0).any() or (points > 1).any() or (values < 0).any() or (values > 1).any())
    path.mkdir(exist_ok=True)
    for i, place in enumerate(places):
        _put(dataset, i, place)
        label = _labels_of(place)
        label.parent.mkdir(parents=True, exist_ok=True)
        write_whole(label, "".join(line + "\n" for line in lines[i]))
    write_whole(path / "data.yaml", _settings(dataset, places, path, kinds))
    notes = []
    if outside:
        notes.append(f"{outside} objects reach beyond their pictures; Ultralytics leaves such pictures out")
    if homeless:
        notes.append(
            f"{homeless} objects with neither points nor a box are written with the whole picture as their box"
        )
    return _lost(dataset, kinds) + notes


# --- reading ---


def _skeleton(settings: dict[Any, Any], path: Path) -> tuple[Skeleton, int]:
    """The points, and how many numbers each has in a line."""
    shape = settings["kpt_shape"]
    if not _whole(shape) or len(shape) != 2 or shape[1] not in (2, 3):
        raise InputError(f"{path}: kpt_shape is {shown(shape)}; expected such as [17, 3]")
    k = check_count(shape[0], f"{path}: kpt_shape")
    given = settings.get("kpt_names", settings.get("node_names"))
    if isinstance(given, dict):
        lists = list(given.values())
        if any(v != lists[0] for v in lists):
            raise InputError(f"{path}: its classes have points of different names; split the data set by class")
        given = lists[0] if lists else None
    names = [f"p{i}" for i in range(k)] if given is None else given
    if not isinstance(names, list) or len(names) != k or not all(isinstance(n, (str, int)) for n in names):
        raise InputError(f"{path}: kpt_names are not {k} names, as kpt_shape has it")
    edges = settings.get("skeleton") or []
    if not isinstance(edges, list) or not all(_whole(e) and len(e) == 2 for e in edges):
        raise InputError(f"{path}: skeleton must be pairs of numbers of points, counted from 0")
    skeleton = named([str(n) for n in names], str(path), [tuple(e) for e in edges])
    flip = settings.get("flip_idx")
    if skeleton.flip is None and flip and flip != list(range(k)):
        if not _whole(flip):
            raise InputError(f"{path}: flip_idx is {shown(flip)}; expected {k} numbers of points")
        try:
            skeleton = replace(skeleton, flip=tuple(flip))
        except ValueError as error:
            raise InputError(f"{path}: flip_idx: {error}") from None
    return skeleton, shape[1]


def _whole(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(v, int) and not isinstance(v, bool) for v in values)


def _inside(name: str) -> bool:
    plain = PurePosixPath(name.replace("\\", "/"))
    return not plain.is_absolute() and ".." not in plain.parts and "\0" not in name and ":" not in name


def _pictures(given: Any, roots: Sequence[Path], path: Path, key: str) -> list[Path]:
    """The pictures of one split: of a folder, of a text file that lists them, or of several of these."""
    if isinstance(given, list):
        return [p for one in given for p in _pictures(one, roots, path, key)]
    if not isinstance(given, str):
        raise InputError(f"{path}: {key} is {shown(given)}; expected a folder")
    name = given.replace("\\", "/")
    while name.startswith("../"):  # Roboflow's; Ultralytics takes it for the folder itself too
        name = name[3:]
    if not _inside(name):
        raise InputError(f"{path}: {key} {shown(given)} leaves the folder; put data.yaml beside the pictures")
    place = next((r / name for r in roots if os.path.exists(r / name)), None)  # false for names that cannot be
    if place is None:
        if key in ("test", "minival"):  # Ultralytics needs only the others
            return []
        raise InputError(f"{path}: there is no {key} {shown(given)}; looked in {', '.join(map(str, roots))}")
    if place.is_dir():
        return sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    found = []
    for number, line in enumerate(read_text(place).splitlines(), 1):
        name = line.strip().removeprefix("./")
        if name and not _inside(name):
            raise InputError(f"{place}, line {number}: the picture {shown(name)} leaves the folder")
        if name:
            picture = place.parent / name
            if not os.path.isfile(picture):
                raise InputError(f"{place}, line {number}: there is no picture {shown(name)}")
            found.append(picture)
    return found


def _labels_of(picture: Path) -> Path:
    """Where Ultralytics looks: the last ``images`` of the path is ``labels``, the suffix ``.txt``."""
    parts = list(picture.parts)
    at = max((i for i, p in enumerate(parts[:-1]) if p == "images"), default=None)
    if at is not None:
        parts[at] = "labels"
    return Path(*parts).with_suffix(".txt")


@dataclass
class _Lines:
    """The lines of all label files."""

    path: Path
    k: int
    depth: int
    image_index: list[int] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    where: list[str] = field(default_factory=list)

    def add(self, i: int, picture: Path) -> None:
        file = _labels_of(picture)
        if not file.is_file() or not file.stat().st_size:
            return
        length = 5 + self.k * self.depth
        size = None
        for number, line in enumerate(read_text(file).splitlines(), 1):
            tokens = line.split()
            if not tokens:
                continue
            where = f"{file}, line {number}"
            if len(tokens) not in (length, length + 1, length + 2):
                raise InputError(f"{where}: {len(tokens)} numbers; expected {length} for {self.k} points")
            values = numbers(tokens, where)
            if np.isnan(values).any() or values[0] != int(values[0]) or values[0] < 0:
                raise InputError(f"{where}: expected the number of a class and then numbers")
            size = size or picture_size(Source(str(picture)))
            self.image_index.append(i)
            self.values.append(values)
            self.sizes.append(size)
            self.where.append(where)

    def dataset(self, skeleton: Skeleton, pictures: list[Path], split: list[str], settings: dict[Any, Any]) -> Dataset:
        n, length = len(self.values), 5 + self.k * self.depth
        table = np.array([v[:length] for v in self.values]).reshape(n, length)
        size = np.array(self.sizes, float).reshape(n, 2)
        boxes = np.concatenate([table[:, 1:3] - table[:, 3:5] / 2, table[:, 1:3] + table[:, 3:5] / 2], axis=1)
        boxes *= np.tile(size, 2)
        each = table[:, 5:].reshape(n, self.k, self.depth)
        points = each[..., :2] * size[:, None]
        seen, confidence = None, None
        if self.depth == 2:
            missing = (each == 0).all(axis=2) | (each < 0).any(axis=2)
        elif np.isin(each[..., 2], (0, 1, 2)).all():
            seen = each[..., 2].astype(np.uint8)
            missing = seen == 0
        else:
            confidence = each[..., 2]
            wrong = np.argwhere((confidence < 0) | (confidence > 1))
            if len(wrong):
                raise InputError(
                    f"{self.where[wrong[0][0]]}: {confidence[tuple(wrong[0])]:g} is neither a visibility (0, 1, 2) "
                    "nor a confidence"
                )
            missing = (each[..., :2] == 0).all(axis=2)
        points = np.where(missing[..., None], np.nan, points)
        score, track = _rest([v[length:] for v in self.values])
        kinds = table[:, 0].astype(int)
        columns = {}
        if len(set(kinds)) > 1:
            given = settings.get("names")
            called = dict(enumerate(given)) if isinstance(given, list) else given if isinstance(given, dict) else {}
            columns["class"] = np.array([str(called.get(k, k)) for k in kinds])
        return Dataset(
            ImageList(pictures),
            Landmarks(
                skeleton,
                points,
                fill_boxes(points, boxes),
                np.array(self.image_index, np.int64),
                visibility=seen if seen is not None and (seen == 1).any() else None,
                confidence=confidence,
                score=score,
                track_id=track,
            ),
            split=np.array(split) if any(split) else None,
            split_by=self.path.name if any(split) else "",
            columns=columns,
        )


def _rest(values: list[list[float]]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Score and track, where all lines have them; a single one above 1 is a track."""
    counts = {len(v) for v in values}
    if len(counts) != 1 or counts == {0}:
        return None, None
    table = np.array(values)
    track = table[:, -1] if counts == {2} or (table > 1).any() else None
    score = table[:, 0] if counts == {2} or track is None else None
    return score, None if track is None else track.astype(np.int64)


# --- writing ---


def _places(dataset: Dataset, folder: Path) -> list[Path]:
    """Where each picture has to stand; no two at one place, nor with the same labels."""
    root = folder.absolute()
    taken: set[Path] = set()
    places = []
    for i, source in enumerate(dataset.images.sources):
        split = str(dataset.split[i]) if dataset.split is not None else None
        home = root / "images" if split is None else root / _safe(split or _NONE) / "images"
        at = source.source if isinstance(source, Image) else source
        file = None if at is None else Path(at.path).absolute()
        plain = (
            file is not None and at is not None and at.frame is None and at.page is None and isinstance(source, Source)
        )
        if plain and file is not None and file.is_relative_to(home) and file.suffix.lower() in SUFFIXES:
            place = file
        else:
            stem = f"image_{i:04d}" if file is None or at is None else file.stem
            part = None if at is None else at.frame if at.frame is not None else at.page
            stem = stem if part is None else f"{stem}_{part:06d}"
            suffix = file.suffix if plain and file is not None and file.suffix.lower() in SUFFIXES else ".png"
            place, count = home / f"{stem}{suffix}", 1
            while place.with_suffix("") in taken:
                count += 1
                place = home / f"{stem}_{count}{suffix}"
        if place.with_suffix("") in taken:
            raise InputError(f"{place}: another picture has the same name but for its suffix; rename one")
        taken.add(place.with_suffix(""))
        places.append(place)
    return places


def _safe(split: str) -> str:
    if not re.fullmatch(r"[\w][\w .-]{0,99}", split):
        raise InputError(f"the split {split!r} cannot be the name of a folder; rename it")
    return split


def _put(dataset: Dataset, i: int, place: Path) -> None:
    source = dataset.images.sources[i]
    if isinstance(source, Source) and Path(source.path).absolute() == place:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    plain = isinstance(source, Source) and source.frame is None and source.page is None
    if plain and isinstance(source, Source) and Path(source.path).suffix.lower() in SUFFIXES:
        with made_whole(place) as file:
            shutil.copyfile(source.path, file)
        return
    import cv2

    write_whole(place, cv2.imencode(".png", np.ascontiguousarray(dataset.images[i].rgb()[..., ::-1]))[1].tobytes())


def _decimal(value: float) -> str:
    """The shortest decimal that is the same number; no exponent, which not every reader takes."""
    return np.format_float_positional(value, trim="-")


def _settings(dataset: Dataset, places: Sequence[Path], folder: Path, kinds: Sequence[str]) -> str:
    """``data.yaml``; the values are JSON, which is YAML too."""
    skeleton = dataset.skeleton
    lines = ["path: ."]
    if dataset.split is None:
        lines += ["train: images", "val: images"]
    else:
        splits = dict.fromkeys(str(s) or _NONE for s in dataset.split)
        known = (*_SPLITS, "minival", _NONE)
        lines += [f"{s if s in known else _quoted('split_' + s)}: {_quoted(_safe(s) + '/images')}" for s in splits]
    lines.append(f"kpt_shape: [{len(skeleton)}, 3]")
    if skeleton.flip is not None:
        lines.append(f"flip_idx: {list(skeleton.flip)}")
    lines.append("names:")
    lines += [f"  {i}: {_quoted(k)}" for i, k in enumerate(kinds)]
    if skeleton.names != Skeleton.anonymous(len(skeleton)).names:
        names = json.dumps(list(skeleton.names), ensure_ascii=True)
        lines += ["kpt_names:", *(f"  {i}: {names}" for i in range(len(kinds))), f"node_names: {names}"]
    if skeleton.edges:
        lines.append(f"skeleton: {json.dumps([list(e) for e in skeleton.edges])}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text)


def _lost(dataset: Dataset, kinds: Sequence[str]) -> list[str]:
    skeleton = dataset.skeleton
    carries = {"names", "boxes", "hidden", "empty", "split"}
    if len(kinds) > 1 or "class" not in dataset.columns:
        carries.add("class")
    back = complete(Skeleton(skeleton.names, skeleton.edges))
    if back.flip is None and skeleton.flip is not None and list(skeleton.flip) != list(range(len(skeleton))):
        back = replace(back, flip=skeleton.flip)
    if all(getattr(back, f) == getattr(skeleton, f) for f in ("edges", "flip", "parts", "normalisers", "sigmas")):
        carries.add("schema")
    return losses(dataset, carries, "YOLO pose")
