"""DeepLabCut's tables: ``CollectedData_<scorer>.csv`` of a project, and what it writes about a video.

::

    scorer,Pranav,Pranav,...
    bodyparts,snout,snout,...           (with several animals a line ``individuals`` stands before this one)
    coords,x,y,...                      (x,y,likelihood in results)
    labeled-data/m4s1/img0000.png,21.521,265.428,...

Origin: 0 at the centre of the first pixel, as the clicks of its labelling tool (matplotlib) have it; taken as they
stand. Empty cells are points without label; a line without any is a picture without an object. ``likelihood`` becomes
``confidence``. The path may stand in one column or, in newer files, in three.

Paths are relative to the project: the file's folder and the three above it are tried. Numbers instead of paths are
frames of the video in the same folder whose name the file's begins with. The number in ``img0000.png`` becomes
``Dataset.frame``, the folder of the pictures the column ``video`` and the animal the column ``individual``. A folder is
searched for ``CollectedData_*.csv`` with all its folders.

Cannot carry: edges, visibility, boxes, subjects, splits.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.pictures import PictureFinder, picture_names
from cairn.formats.rows import check_count, fill_boxes, losses, named, text
from cairn.formats.text import number, read_table, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks

__all__ = ["matches", "read", "write"]

_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv")
_SCORER = "cairn"


def matches(path: Path, head: bytes) -> bool:
    """Whether a file begins with ``scorer``, or a folder holds ``CollectedData`` files."""
    if path.is_dir():
        return bool(_files(path))
    return re.match(rb"\s*\"?scorer\"?[,;\t]", head.removeprefix(b"\xef\xbb\xbf")) is not None


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
        return _dataset([_Table.of(path)], pictures)
    files = _files(path)
    if not files:
        raise InputError(f"{path}: no CollectedData_*.csv in this folder")
    return _dataset([_Table.of(f) for f in files], pictures)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one table: with a line ``individuals`` where a picture has several objects.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, names = dataset.landmarks, dataset.skeleton.names
    project = path.parent.parent.parent if path.parent.parent.name == "labeled-data" else path.parent
    pictures, notes = picture_names(dataset.images, project)
    coords = ["x", "y"] + ["likelihood"] * (marks.confidence is not None)
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(pictures))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    animals, place = _animals(dataset, rows_of)
    several = len(animals) > 1 or "individual" in dataset.columns
    columns = [(a, n, c) for a in animals for n in names for c in coords]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["scorer", *(_SCORER for _ in columns)])
    if several:
        table.writerow(["individuals", *(a for a, _, _ in columns)])
    table.writerow(["bodyparts", *(n for _, n, _ in columns)])
    table.writerow(["coords", *(c for _, _, c in columns)])
    for i, rows in rows_of.items():
        cells = [[""] * (len(names) * len(coords)) for _ in animals]
        for row in rows:
            values = marks.points[row, :, :2]
            if marks.confidence is not None:
                values = np.column_stack([values, marks.confidence[row]])
            cells[place[row]] = [text(v) for v in values.ravel()]
        table.writerow([pictures[i], *(c for animal in cells for c in animal)])
    write_whole(path, out.getvalue())
    unlabelled = int((~marks.labelled.any(axis=1)).sum())
    if unlabelled:
        notes.append(f"{unlabelled} objects without any point are written as pictures without an object")
    carries = {"names", "empty", "confidence"} | ({"individual"} if several else set())
    if _frames(dataset.images.sources) is not None:
        carries |= {"frame", "video"}
    return losses(dataset, carries, "DeepLabCut's table") + notes


def _animals(dataset: Dataset, rows_of: dict[int, list[int]]) -> tuple[list[str], dict[int, int]]:
    """Names of the animals, and which of them each row is: by the column ``individual``, otherwise by order."""
    given = dataset.columns.get("individual")
    if given is not None:
        animals = list(dict.fromkeys(str(v) for v in given))
        place = {row: animals.index(str(v)) for row, v in enumerate(given)}
        if all(len({place[r] for r in rows}) == len(rows) for rows in rows_of.values()):
            return animals, place
    most = max((len(rows) for rows in rows_of.values()), default=1)
    place = {row: at for rows in rows_of.values() for at, row in enumerate(rows)}
    return [f"individual{i + 1}" for i in range(max(most, 1))], place


def _files(folder: Path) -> list[Path]:
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        found += [
            Path(where) / f for f in sorted(files) if f.startswith("CollectedData") and f.lower().endswith(".csv")
        ]
    return found


@dataclass(frozen=True)
class _Table:
    """One file, sorted by animal."""

    path: Path
    names: tuple[str, ...]  # of points, over all animals
    animals: tuple[str, ...]  # "" where the file has no such line
    columns: dict[tuple[str, str, str], int]  # animal, point, coordinate: column
    rows: list[tuple[int, str, list[str]]]  # line, picture or frame, cells

    @classmethod
    def of(cls, path: Path) -> _Table:
        lines = read_table(path)
        heads: dict[str, list[str]] = {}
        while lines and lines[0][1][0].lower() in ("scorer", "individuals", "bodyparts", "coords"):
            _, cells = lines.pop(0)
            heads[cells[0].lower()] = cells
        missing = [h for h in ("scorer", "bodyparts", "coords") if h not in heads]
        if missing:
            raise InputError(f"{path}: no line {missing[0]!r} at its head; expected DeepLabCut's table")
        coords = [c.lower() for c in heads["coords"]]
        width = len(coords)
        if any(len(h) != width for h in heads.values()):
            raise InputError(f"{path}: the lines at its head differ in length")
        first = next((i for i in range(1, width) if coords[i]), width)
        columns: dict[tuple[str, str, str], int] = {}
        for i in range(first, width):
            animal = heads["individuals"][i] if "individuals" in heads else ""
            key = (animal, heads["bodyparts"][i], coords[i])
            if coords[i] not in ("x", "y", "likelihood") or not key[1]:
                raise InputError(f"{path}: column {i + 1} is {shown(coords[i])} of {shown(key[1])}; expected x or y")
            if key in columns:
                raise InputError(f"{path}: column {i + 1}, {key[2]} of {shown(key[1])}, stands twice")
            columns[key] = i
        names = tuple(dict.fromkeys(n for _, n, _ in columns))
        for animal, name, _ in columns:
            if (animal, name, "x") not in columns or (animal, name, "y") not in columns:
                raise InputError(f"{path}: {shown(name)} has no x or no y")
        check_count(len(names), str(path))
        rows = []
        for line, cells in lines:
            if len(cells) != width:
                raise InputError(f"{path}, line {line}: {len(cells)} cells; expected {width}")
            rows.append((line, "/".join(c for c in cells[:first] if c), cells))
        if not rows:
            raise InputError(f"{path}: has a head and no rows; expected labelled points")
        return cls(path, names, tuple(dict.fromkeys(a for a, _, _ in columns)), columns, rows)

    def values(self, animal: str, coordinate: str, cells: Sequence[str], line: int) -> list[float]:
        where = f"{self.path}, line {line}"
        places = [self.columns.get((animal, n, coordinate)) for n in self.names]
        return [np.nan if p is None else number(cells[p], where) for p in places]


def _dataset(tables: list[_Table], pictures: str | Path | None) -> Dataset:
    names = tables[0].names
    sources: dict[Source, str] = {}
    points, confidence, index, individual = [], [], [], []
    for table in tables:
        if table.names != names:
            raise InputError(f"{table.path}: its points are not those of {tables[0].path}; read the files one by one")
        folder = table.path.parent.absolute()
        find = PictureFinder(table.path, [table.path.parent, *(Path(p) for p in list(folder.parents)[:3])], pictures)
        frames_of = _video_of(table) if all(name.isdigit() for _, name, _ in table.rows) else None
        for line, name, cells in table.rows:
            source = find(name, line) if frames_of is None else Source(str(frames_of), frame=int(name))
            if source in sources:
                raise InputError(f"{table.path}, line {line}: the picture {shown(name)} stands {sources[source]} too")
            sources[source] = f"on line {line}" if len(tables) == 1 else f"in {table.path.name}, line {line},"
            for animal in table.animals:
                p = np.array([table.values(animal, c, cells, line) for c in "xy"]).T
                p[~np.isfinite(p).all(axis=1)] = np.nan
                if np.isnan(p).all():
                    continue
                points.append(p)
                confidence.append(table.values(animal, "likelihood", cells, line))
                index.append(len(sources) - 1)
                individual.append(animal)
    array = np.array(points).reshape(-1, len(names), 2)
    likely = np.array(confidence).reshape(-1, len(names))
    if ((likely < 0) | (likely > 1)).any():
        raise InputError(f"{tables[0].path}: a likelihood lies outside 0 to 1")
    every = list(sources)
    columns = {}
    folders = [PurePosixPath(s.path.replace("\\", "/")).parent.name for s in every]
    if len(set(folders)) > 1:
        columns["video"] = np.array([folders[i] for i in index])
    if any(individual):
        columns["individual"] = np.array(individual)
    return Dataset(
        ImageList(every),
        Landmarks(
            named(names, str(tables[0].path)),
            array,
            fill_boxes(array),
            np.array(index, np.int64),
            confidence=None if np.isnan(likely).all() else likely,
        ),
        frame=_frames(every),
        columns=columns,
    )


def _video_of(table: _Table) -> Path:
    """The video that a table of frame numbers speaks of: DeepLabCut puts its own name behind the video's."""
    folder = table.path.parent
    videos = [p for p in folder.iterdir() if p.suffix.lower() in _VIDEOS and table.path.stem.startswith(p.stem)]
    if not videos:
        raise InputError(
            f"{table.path}: numbers frames of a video, and there is none in {folder} whose name it begins with"
        )
    return max(videos, key=lambda p: len(p.stem))


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
