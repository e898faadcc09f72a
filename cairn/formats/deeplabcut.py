"""DeepLabCut's tables, CSV and HDF5, for one animal and for several; Lightning Pose's are the same.

::

    scorer,Pranav,Pranav,...
    individuals,m1,m1,...               (this line with several animals only)
    bodyparts,snout,snout,...
    coords,x,y,...                      (x,y,likelihood in results)
    labeled-data/m4s1/img0000.png,21.521,265.428,...

``CollectedData_<scorer>.csv`` and ``.h5`` of a project (https://deeplabcut.github.io/DeepLabCut/docs/
standardDeepLabCut_UserGuide.html), and what is written about a video. HDF5 needs ``pip install 'cairn-landmarks[h5]'``;
it is read without pandas, which would run code that stands in the file.

Origin: 0 at the centre of the first pixel, as the clicks of its labelling tool (matplotlib) have it; taken as they
stand. Empty cells are points without label; a line without any is a picture without an object. ``likelihood`` becomes
``confidence``. The path may stand in one column or, in newer files, in three.

Paths are relative to the project: the file's folder and the three above it are tried. Numbers instead of paths are
frames of the video whose name the file's begins with, in the same folder or in ``videos`` beside that. The number in
``img0000.png`` becomes ``Dataset.frame``, the folder of the pictures the column ``video``; the animal becomes the
column ``individual`` and a ``track_id``, and not a subject, for ``m1`` of one video need not be that of another. Points
that the animals do not share belong to DeepLabCut's animal ``single``. Lightning Pose's column ``set`` is the split;
its columns such as ``x_ens_var`` are passed over. A folder is searched for ``CollectedData*`` with all its folders.

Cannot carry: edges, visibility, boxes, subjects, splits.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.deeplabcut_h5 import is_frame, read_h5, write_h5
from cairn.formats.deeplabcut_table import HEADS, Table, read_csv
from cairn.formats.pictures import PictureFinder, picture_names
from cairn.formats.rows import fill_boxes, losses, named, text
from cairn.formats.text import head_of, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "DeepLabCut's own project, sleap-io, pandas"

_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv")
_SCORER = "cairn"
_FRAME = re.compile(r"\d{1,9}(\.0)?", re.ASCII)


def matches(path: Path, head: bytes) -> bool:
    """Whether a file begins with ``scorer`` or is such HDF5, or a folder holds ``CollectedData`` files."""
    if path.is_dir():
        return bool(_files(path))
    return is_frame(path, head) or re.match(rb"\s*\"?scorer\"?[,;\t]", head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One table, or all labelled videos of a project.

    Parameters
    ----------
    path : the file or the project's folder
    pictures : a folder in which pictures are looked for too

    Raises
    ------
    InputError : not such a table, tables with different points, a missing picture, the same picture twice
    """
    path = Path(path)
    if not path.is_dir():
        return _dataset([_table(path)], pictures)
    files = _files(path)
    if not files:
        raise InputError(f"{path}: no CollectedData file in this folder")
    return _dataset([_table(f) for f in files], pictures)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one table, HDF5 where `path` ends with ``.h5``; with a line ``individuals`` for several animals.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, names = dataset.landmarks, dataset.skeleton.names
    project = path.parent.parent.parent if path.parent.parent.name == "labeled-data" else path.parent
    pictures, notes = picture_names(dataset.images, project)
    pictures = _numbered(dataset, path) or pictures
    coords = ["x", "y"] + ["likelihood"] * (marks.confidence is not None)
    animals, place = _animals(dataset)
    several = animals != [""]
    heads = [(_SCORER, *([a] if several else []), n, c) for a in animals for n in names for c in coords]
    values = np.full((len(pictures), len(animals), len(names), len(coords)), np.nan)
    rows = marks.image_index, np.array(place, np.int64)
    values[..., :2][rows] = marks.points[..., :2]
    if marks.confidence is not None:
        values[..., 2][rows] = marks.confidence
    flat = values.reshape(len(pictures), -1)
    if path.suffix.lower() in (".h5", ".hdf5"):
        write_h5(path, heads, pictures, flat)
    else:
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        lines = HEADS if several else [h for h in HEADS if h != "individuals"]
        table.writerows([line, *(h[i] for h in heads)] for i, line in enumerate(lines))
        table.writerows([p, *map(text, v)] for p, v in zip(pictures, flat, strict=True))
        write_whole(path, out.getvalue())
    unlabelled = int((~marks.labelled.any(axis=1)).sum())
    if unlabelled:
        notes.append(f"{unlabelled} objects without any point are written as pictures without an object")
    carries = {"names", "empty", "confidence"} | ({"individual"} if several else set())
    ids = _track_ids(animals)
    if marks.track_id is not None and several:
        carries |= {"track_id"} if [ids[animals[p]] for p in place] == list(marks.track_id) else set()
    if _frames(dataset.images.sources) is not None:
        carries |= {"frame", "video"}
    return losses(dataset, carries, "DeepLabCut's table") + notes


def _numbered(dataset: Dataset, path: Path) -> list[str]:
    """Numbers of frames, where the table lies beside the one video and is called after it."""
    sources = [s if isinstance(s, Source) else Source("") for s in dataset.images.sources]
    films = {Path(s.path) for s in sources}
    if len(films) != 1 or any(s.frame is None for s in sources):
        return []
    (film,) = films
    beside = film.absolute().parent == path.absolute().parent and path.stem.startswith(film.stem)
    return [str(s.frame) for s in sources] if beside and film.suffix.lower() in _VIDEOS else []


def _animals(dataset: Dataset) -> tuple[list[str], list[int]]:
    """Names of the animals, and which each row is: by the column ``individual``, by ``track_id``, else by order."""
    index = dataset.landmarks.image_index
    for given in (dataset.columns.get("individual"), dataset.landmarks.track_id):
        if given is None or not len(given):
            continue
        called = [str(v) for v in given] if given.dtype.kind in "US" else [f"individual{v + 1}" for v in given]
        numbers = list(dict.fromkeys(np.sort(given) if given.dtype.kind in "iu" else given))
        animals = [str(v) for v in numbers] if given.dtype.kind in "US" else [f"individual{v + 1}" for v in numbers]
        if all(animals) and len({*zip(index.tolist(), called, strict=True)}) == len(called):
            return animals, [animals.index(c) for c in called]
    seen: dict[int, int] = {}
    place = []
    for i in index:
        place.append(seen.get(int(i), 0))
        seen[int(i)] = place[-1] + 1
    most = max(place, default=0) + 1
    return [""] if most == 1 else [f"individual{i + 1}" for i in range(most)], place


def _files(folder: Path) -> list[Path]:
    """CSV files, and of folders that have none the HDF5 files."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        ours = [Path(where) / f for f in sorted(files) if f.startswith("CollectedData")]
        found += [p for p in ours if p.suffix.lower() == ".csv"] or [p for p in ours if p.suffix.lower() == ".h5"]
    return found


def _table(path: Path) -> Table:
    return read_h5(path) if head_of(path).startswith(b"\x89HDF") else read_csv(path)


def _dataset(tables: list[Table], pictures: str | Path | None) -> Dataset:
    names = tables[0].names
    sources: dict[Source, str] = {}
    points, confidence, index, individual = [], [], [], []
    split: list[str] = []
    for table in tables:
        if table.names != names:
            raise InputError(f"{table.path}: its points are not those of {tables[0].path}; read the files one by one")
        folder = table.path.parent.absolute()
        find = PictureFinder(table.path, [table.path.parent, *(Path(p) for p in list(folder.parents)[:3])], pictures)
        film = _video_of(table, pictures) if all(_FRAME.fullmatch(name) for name in table.pictures) else None
        of_table = []
        for name, line in zip(table.pictures, table.lines, strict=True):
            source = find(name, line) if film is None else Source(str(film), frame=int(float(name)))
            if source in sources:
                raise InputError(f"{table.path}, line {line}: the picture {shown(name)} stands {sources[source]} too")
            sources[source] = f"on line {line}" if len(tables) == 1 else f"in {table.path.name}, line {line},"
            of_table.append(len(sources) - 1)
        split += table.split or [""] * len(of_table)
        rows, animals = np.nonzero(np.isfinite(table.points[..., 0]).any(axis=2))
        points.append(table.points[rows, animals])
        confidence.append(table.likelihood[rows, animals])
        index.append(np.array(of_table)[rows])
        individual += [table.animals[a] for a in animals]
    array, likely = np.concatenate(points), np.concatenate(confidence)
    image_index = np.concatenate(index).astype(np.int64)
    every = list(sources)
    columns = {}
    folders = [PurePosixPath(s.path.replace("\\", "/")).parent.name for s in every]
    if len(set(folders)) > 1:
        columns["video"] = np.array([folders[i] for i in image_index], np.str_)
    named_animals = any(t.animals != ("",) for t in tables)
    if named_animals:
        columns["individual"] = np.array(individual, np.str_)
    track = np.array([_track_ids(list(dict.fromkeys(a for t in tables for a in t.animals))).get(a) for a in individual])
    return Dataset(
        ImageList(every),
        Landmarks(
            named(names, str(tables[0].path)),
            array,
            fill_boxes(array),
            image_index,
            confidence=None if np.isnan(likely).all() else likely,
            track_id=track.astype(np.int64) if named_animals else None,
        ),
        split=np.array(split) if any(split) else None,
        split_by=tables[0].path.name if any(split) else "",
        frame=_frames(every),
        columns=columns,
    )


def _track_ids(animals: Sequence[str]) -> dict[str, int]:
    """A number for each animal: its own where all are called ``individual1`` and so on, otherwise its place."""
    own = [re.fullmatch(r"individual([1-9]\d{0,8})", a, re.ASCII) for a in animals]
    return {a: int(m[1]) - 1 if m and all(own) else i for i, (a, m) in enumerate(zip(animals, own, strict=True))}


def _video_of(table: Table, pictures: str | Path | None) -> Path:
    """The video that a table of frame numbers speaks of: DeepLabCut puts its own name behind the video's."""
    folder = table.path.parent
    places = [folder, folder.absolute().parent / "videos"]
    places = [Path(pictures), *places] if pictures is not None else places
    for place in places:
        found = [p for p in place.iterdir() if p.suffix.lower() in _VIDEOS] if place.is_dir() else []
        videos = [p for p in found if table.path.stem.startswith(p.stem)]
        if videos:
            return max(videos, key=lambda p: len(p.stem))
    raise InputError(
        f"{table.path}: numbers frames of a video, and there is none in {', '.join(map(str, places))} whose name it "
        "begins with"
    )


def _frames(sources: Sequence[object]) -> np.ndarray | None:
    """(M,) place in time: the frame, or the last number in the picture's name; None where one has neither."""
    frames = []
    for source in sources:
        if not isinstance(source, Source):
            return None
        digits = re.findall(r"\d+", Path(source.path).stem)
        if source.frame is None and not (digits and len(digits[-1]) < 18):
            return None
        frames.append(int(digits[-1]) if source.frame is None else source.frame)
    return np.array(frames, np.int64)
