"""TPS: the text files of tpsDig and tpsUtil (F. J. Rohlf), common in morphometrics.

::

    LM=12
    290. 108.
    ...
    IMAGE=63001.jpg
    ID=0
    SCALE=0.01

Origin: x counts from the left, y from the **bottom**, and the bottom row is 0: ``y_ours = height - 1 - y``, x as it
stands. The format's description does not say which half of a pixel is meant. On the 40 wings of wings12, where the
labels are whole numbers, the four crossings of thin veins lie 0.5 px (standard error 0.7) from the points so read:
neither ``height - y`` nor ``height - 1 - y`` can be refuted, and only the latter keeps whole pixels inside the picture.

A record without ``IMAGE`` takes its ``ID`` for the picture's name. ``LM=0`` is a picture without an object. ``-1 -1``
(and NA, NaN) is a missing point. ``ID`` and ``SCALE`` (whatever its unit) become the columns ``id`` and ``scale``,
``COMMENT`` and other keys columns of their names. ``LM3`` has z. ``CURVES`` and ``OUTLINES`` are passed over.

Cannot carry: names, edges, visibility, boxes, splits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import check_count, coordinates, fill_boxes, losses, named, text, typed, whole_points
from cairn.formats.text import head_of, numbers, read_text, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks

__all__ = ["matches", "read", "write"]

_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_ ]*?)\s*=\s*(.*)")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def matches(path: Path, head: bytes) -> bool:
    """Whether a file begins with ``LM=``, or a folder holds ``.tps`` files."""
    if path.is_dir():
        return bool(_files(path))
    head = head.removeprefix(b"\xef\xbb\xbf")[:4096]
    first = next(
        (s for s in (x.strip() for x in head.splitlines()) if s and not s.startswith((b"#", b'"', b"//"))), b""
    )
    return re.match(rb"LM3?\s*=\s*\d", first, re.IGNORECASE) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with one.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a file, records with different numbers of points, a missing picture
    """
    path = Path(path)
    if path.is_dir():
        files = _files(path)
        if len(files) != 1:
            raise InputError(f"{path}: has {len(files)} .tps files; name one of them")
        path = files[0]
    records = _records(path)
    find = PictureFinder(path, [path.parent], pictures)
    sources: dict[Source, int] = {}
    heights: dict[Source, int] = {}
    owners: dict[tuple[Source, str], int] = {}
    labelled: list[tuple[int, _Record]] = []
    points = []
    for record in records:
        source = find(record.picture(path), record.line)
        own = owners.setdefault((source, record.values.get("ID", "")), record.line)
        if own != record.line:
            raise InputError(
                f"{path}, line {record.line}: the picture {shown(record.picture(path))} stands on line {own} too; "
                "several specimens in one picture need different IDs"
            )
        index = sources.setdefault(source, len(sources))
        if not record.points:
            continue
        if source not in heights:
            heights[source] = picture_size(source)[1]
        p = np.array(record.points)
        p[(p[:, :2] == -1).all(axis=1)] = np.nan
        p[:, 1] = heights[source] - 1 - p[:, 1]
        points.append(p)
        labelled.append((index, record))
    if not points:
        raise InputError(f"{path}: all records have LM=0; expected labelled points")
    _check_same(path, labelled)
    array = whole_points(np.array(points))
    skeleton = named([f"p{i}" for i in range(array.shape[1])], str(path))
    keys = dict.fromkeys(k for _, r in labelled for k in r.values if k not in ("IMAGE",))
    columns = {k.lower(): typed([r.values.get(k, "") for _, r in labelled]) for k in keys}
    return Dataset(
        ImageList(sources),
        Landmarks(skeleton, array, fill_boxes(array), np.array([i for i, _ in labelled])),
        columns=columns,
    )


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one file; the heights of the pictures are read.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks = dataset.landmarks
    names, notes = picture_names(dataset.images, path.parent)
    deep = marks.points.shape[2] == 3
    own_ids = dataset.columns.get("id")
    if own_ids is not None and len(set(map(str, own_ids))) != len(own_ids):
        own_ids = None
        notes.append("the column 'id' has repeats; records are numbered instead")
    columns = {c: v for c, v in dataset.columns.items() if c != "id" and re.fullmatch(r"[a-z][a-z0-9_]*", c)}
    columns = {c: v for c, v in columns.items() if c not in ("image", "lm", "lm3", "curves", "outlines", "points")}
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    lines: list[str] = []
    for i, rows in rows_of.items():
        if not rows:
            lines += ["LM=0", f"IMAGE={names[i]}"]
            continue
        height = picture_size(dataset.images.sources[i])[1]
        for row in rows:
            lines.append(f"LM{'3' * deep}={len(dataset.skeleton)}")
            p = marks.points[row].copy()
            p[:, 1] = height - 1 - p[:, 1]
            for point in p:
                lines.append(" ".join(coordinates(point)) if np.isfinite(point).all() else "-1 -1" + " -1" * deep)
            lines.append(f"IMAGE={names[i]}")
            lines.append(f"ID={row if own_ids is None else text(own_ids[row])}")
            for name, values in columns.items():
                cell = text(values[row]).replace("\r", " ").replace("\n", " ")
                lines += [f"{name.upper()}={cell}"] if cell else []
    write_whole(path, "\n".join(lines) + "\n")
    return losses(dataset, {"z", "empty", *columns, "id"}, "TPS") + notes


@dataclass
class _Record:
    """One ``LM=`` and what follows it."""

    line: int
    count: int
    dimensions: int
    points: list[list[float]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def picture(self, path: Path) -> str:
        name = self.values.get("IMAGE") or self.values.get("ID")
        if not name:
            raise InputError(
                f"{path}, line {self.line}: no IMAGE= in this record; y counts from the bottom, so it needs a picture"
            )
        return name


def _files(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".tps" and p.is_file() and p.stat().st_size)
    return [p for p in files if matches(p, head_of(p))]


def _records(path: Path) -> list[_Record]:
    records: list[_Record] = []
    skip = 0  # points of a curve or outline that are still to come
    for number, raw in enumerate(read_text(path).splitlines(), 1):
        line, where = raw.strip(), f"{path}, line {number}"
        if not line or line.startswith(("#", '"', "//")):
            continue
        record = records[-1] if records else None
        key = _KEY.fullmatch(line)
        if key is None:
            if record is None:
                raise InputError(f"{where}: {shown(line)} stands before any LM=; expected a TPS file")
            values = numbers(_tokens(line), where)
            if skip:
                skip -= 1
            elif len(record.points) == record.count:
                raise InputError(f"{where}: expected {record.count} points, found one more; LM= on line {record.line}")
            elif len(values) != record.dimensions:
                raise InputError(f"{where}: {len(values)} numbers; expected {record.dimensions}")
            else:
                record.points.append(values)
            continue
        if record is not None and len(record.points) < record.count:
            raise InputError(
                f"{where}: expected {record.count} points, found {len(record.points)}; LM= on line {record.line}"
            )
        if skip:
            raise InputError(f"{where}: {skip} points of a curve are missing before this line")
        name, value = key[1].strip().upper(), key[2].strip()
        if name in ("LM", "LM3"):
            count = _count(value, where)
            if count:
                check_count(count, where)
            records.append(_Record(number, count, 3 if name == "LM3" else 2))
        elif record is None:
            raise InputError(f"{where}: {shown(line)} stands before any LM=; expected a TPS file")
        elif name == "POINTS":
            skip = _count(value, where)
        elif name not in ("CURVES", "OUTLINES"):
            record.values.setdefault(name, value)
    if not records:
        raise InputError(f"{path}: no LM= in it; expected a TPS file")
    last = records[-1]
    if len(last.points) < last.count:
        raise InputError(
            f"{path}: ends after {len(last.points)} of {last.count} points; LM= on line {last.line}; copy it again"
        )
    if skip:
        raise InputError(f"{path}: ends inside a curve, {skip} points before its end; copy it again")
    return records


def _tokens(line: str) -> list[str]:
    tokens = line.split()
    if len(tokens) > 1 and any(_DECIMAL_COMMA.fullmatch(t) for t in tokens):
        return [t.replace(",", ".") for t in tokens]
    return tokens


def _count(value: str, where: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise InputError(f"{where}: {shown(value)} is not a number of points")
    return int(value)


def _check_same(path: Path, labelled: list[tuple[int, _Record]]) -> None:
    _, first = labelled[0]
    for _, record in labelled:
        if record.count != first.count:
            raise InputError(
                f"{path}, line {record.line}: {record.count} points, but {first.count} on line {first.line}; "
                "one data set has one number of points"
            )
        if record.dimensions != first.dimensions:
            raise InputError(f"{path}, line {record.line}: LM and LM3 cannot stand in one data set; split the file")
