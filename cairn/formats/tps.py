"""TPS: the text files of tpsDig and tpsUtil (F. J. Rohlf), common in morphometrics.

::

    LM=12
    290. 108.
    ...
    CURVES=1
    POINTS=20
    301. 95.5
    ...
    IMAGE=63001.jpg
    ID=0
    SCALE=0.01

Origin: x counts from the left, y from the **bottom**, and the bottom row is 0: ``y_ours = height - 1 - y``, x as it
stands. The format's description does not say which half of a pixel is meant. On the 40 wings of wings12, where the
labels are whole numbers, the four crossings of thin veins lie 0.5 px (standard error 0.7) from the points so read:
neither ``height - y`` nor ``height - 1 - y`` can be refuted, and only the latter keeps whole pixels inside the picture.

A record without ``IMAGE`` takes its ``ID`` for the picture's name. ``LM=0`` is a picture without an object. ``-1 -1``
(and NA, NaN) is a missing point. ``LM3`` has z.

The points of ``CURVES`` (semilandmarks) stand behind the landmarks, called ``c1_p1``, ``c1_p2``, ... with edges along
the curve; points of such names are written as curves again. Where specimens have curves of different lengths, their
points correspond to nothing, and the curves become a column of text, as ``OUTLINES`` and ``RADII`` always do: in the
file's own numbers, points separated by commas and curves by semicolons.

``ID``, ``VARIABLES``, ``COMMENT`` and other keys become columns of their names in small letters, and so does ``SCALE``:
it is a length for each pixel, but the file does not say of what unit, so no mm are made of it. mm per pixel are written
as ``SCALE``.

Cannot carry: other names, other edges, visibility, boxes, splits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import files_like, only_file
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import check_count, coordinates, fill_boxes, losses, named, text, typed, whole_points
from cairn.formats.text import numbers, read_text, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "a published TPS file"

_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_ ]*?)\s*=\s*(.*)")
_CURVE_POINT = re.compile(r"c([1-9]\d*)_p([1-9]\d*)", re.ASCII)
_LISTS = ("CURVES", "OUTLINES", "RADII")  # that lines follow
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def matches(path: Path, head: bytes) -> bool:
    """Whether a file begins with ``LM=``, or a folder holds ``.tps`` files."""
    if path.is_dir():
        return bool(files_like(path, ".tps", matches))
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
    path = only_file(path, ".tps", matches, ".tps files")
    records = _records(path)
    find = PictureFinder(path, [path.parent], pictures)
    sources: dict[Source, int] = {}
    heights: dict[Source, int] = {}
    owners: dict[tuple[Source, str], int] = {}
    labelled: list[tuple[int, _Record]] = []
    bottoms: list[int] = []
    for record in records:
        source = find(record.picture(path), record.line)
        own = owners.setdefault((source, record.values.get("ID", "")), record.line)
        if own != record.line:
            raise InputError(
                f"{path}, line {record.line}: the picture {shown(record.picture(path))} stands on line {own} too; "
                "several specimens in one picture need different IDs"
            )
        index = sources.setdefault(source, len(sources))
        if not record.points and not record.lists["CURVES"]:
            continue
        if source not in heights:
            heights[source] = picture_size(source)[1]
        labelled.append((index, record))
        bottoms.append(heights[source] - 1)
    if not labelled:
        raise InputError(f"{path}: all records have LM=0; expected labelled points")
    lengths = _check_same(path, labelled)
    curved = lengths is not None
    points = np.array([record.all_points(lengths or []) for _, record in labelled])
    points[(points[..., :2] == -1).all(axis=2)] = np.nan
    points[..., 1] = np.array(bottoms)[:, None] - points[..., 1]
    array = whole_points(points)
    names, edges = _names(labelled[0][1].count, lengths or [])
    skeleton = named(names, str(path), edges)
    keys = dict.fromkeys(k for _, r in labelled for k in r.values if k not in ("IMAGE",))
    columns = {k.lower(): typed([r.values.get(k, "") for _, r in labelled]) for k in keys}
    for key in _LISTS[1:] if curved else _LISTS:
        written = [_written(r.lists[key]) for _, r in labelled]
        if any(written):
            columns[key.lower()] = np.array(written)
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
    columns = {c: v for c, v in columns.items() if c not in ("image", "lm", "lm3", "points")}
    texts = {c: [str(v) for v in columns.pop(c)] for c in ("curves", "outlines", "radii") if c in columns}
    lists = {c: [_unwritten(v) for v in values] for c, values in texts.items()}
    lists = {c: v for c, v in lists.items() if [bool(one) for one in v] == [bool(one) for one in texts[c]]}
    scale = None
    if dataset.spacing is not None and "scale" not in columns:
        scale = dataset.spacing[0] if len(set(dataset.spacing)) == 1 else None
    curves = _curves(dataset.skeleton.names)
    count = len(dataset.skeleton) - sum(curves)
    if curves:
        lists.pop("curves", None)
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
            lines.append(f"LM{'3' * deep}={count}")
            p = marks.points[row].copy()
            p[:, 1] = height - 1 - p[:, 1]
            cells = [
                " ".join(coordinates(point)) if np.isfinite(point).all() else "-1 -1" + " -1" * deep for point in p
            ]
            lines += cells[:count]
            if curves:
                ends = np.cumsum([count, *curves])
                lines.append(f"CURVES={len(curves)}")
                for start, end in pairwise(ends):
                    lines += [f"POINTS={end - start}", *cells[start:end]]
            for key, curves_of in lists.items():
                if curves_of[row]:
                    lines += _listed(key, curves_of[row])
            lines.append(f"IMAGE={names[i]}")
            lines.append(f"ID={row if own_ids is None else text(own_ids[row])}")
            for name, values in columns.items():
                cell = text(values[row]).replace("\r", " ").replace("\n", " ")
                lines += [f"{name.upper()}={cell}"] if cell else []
            if scale is not None:
                lines.append(f"SCALE={scale!r}")
    write_whole(path, "\n".join(lines) + "\n")
    carries = {"z", "empty", "id", *columns, *lists}
    expected, edges = _names(count, curves)
    if curves and list(dataset.skeleton.names) == expected:
        carries.add("names")
        back, own = complete(Skeleton(tuple(expected), tuple(edges))), dataset.skeleton
        if all(getattr(back, f) == getattr(own, f) for f in ("edges", "flip", "parts", "normalisers", "sigmas")):
            carries.add("schema")
    if scale is not None:
        carries.add("spacing")
        notes.append("mm per pixel are written as SCALE, whose unit a TPS file does not say")
    return losses(dataset, carries, "TPS") + notes


@dataclass
class _Record:
    """One ``LM=`` and what follows it."""

    line: int
    count: int
    dimensions: int
    points: list[list[float]] = field(default_factory=list)
    lists: dict[str, list[list[list[float]]]] = field(default_factory=lambda: {k: [] for k in _LISTS})
    values: dict[str, str] = field(default_factory=dict)

    def all_points(self, lengths: Sequence[int]) -> list[list[float]]:
        """The landmarks, then the curves of those lengths, missing where the record has none."""
        missing = [[np.nan] * self.dimensions]
        curves = self.lists["CURVES"] or [missing * n for n in lengths]
        return (self.points or missing * self.count) + [p for c in curves for p in c if lengths]

    def picture(self, path: Path) -> str:
        name = self.values.get("IMAGE") or self.values.get("ID")
        if not name:
            raise InputError(
                f"{path}, line {self.line}: no IMAGE= in this record; y counts from the bottom, so it needs a picture"
            )
        return name


def _records(path: Path) -> list[_Record]:
    records: list[_Record] = []
    place: list[list[float]] = []  # where the points of a curve go, and how many are still to come
    left = width = total = 0
    kind = "CURVES"
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
            if left:
                if len(values) != width:
                    raise InputError(f"{where}: {len(values)} numbers; expected {width}")
                place.append(values)
                left -= 1
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
        if left:
            raise InputError(f"{where}: {left} points of a curve are missing before this line")
        name, value = key[1].strip().upper(), key[2].strip()
        if name in ("LM", "LM3"):
            count = _count(value, where)
            if count:
                check_count(count, where)
            records.append(_Record(number, count, 3 if name == "LM3" else 2))
            kind = "CURVES"
        elif record is None:
            raise InputError(f"{where}: {shown(line)} stands before any LM=; expected a TPS file")
        elif name in ("POINTS", "RADII"):
            left = _count(value, where)
            total = sum(map(len, record.lists["CURVES"])) + left
            if kind == "CURVES" and name == "POINTS" and total + record.count:
                check_count(total + record.count, where)
            kind = "RADII" if name == "RADII" else kind
            place, width = [], 1 if kind == "RADII" else record.dimensions
            record.lists[kind].append(place)
        elif name in _LISTS:
            _count(value, where)
            kind = name
        else:
            record.values.setdefault(name, value)
    if not records:
        raise InputError(f"{path}: no LM= in it; expected a TPS file")
    last = records[-1]
    if len(last.points) < last.count:
        raise InputError(
            f"{path}: ends after {len(last.points)} of {last.count} points; LM= on line {last.line}; copy it again"
        )
    if left:
        raise InputError(f"{path}: ends inside a curve, {left} points before its end; copy it again")
    return records


def _names(count: int, curves: Sequence[int]) -> tuple[list[str], list[tuple[int, int]]]:
    """Names of the landmarks and of the points of curves, and the edges along these."""
    names, edges = [f"p{i}" for i in range(count)], []
    for c, length in enumerate(curves, 1):
        edges += [(len(names) + i, len(names) + i + 1) for i in range(length - 1)]
        names += [f"c{c}_p{i + 1}" for i in range(length)]
    return names, edges


def _curves(names: Sequence[str]) -> list[int]:
    """Lengths of the curves that the last names speak of, ``c1_p1`` and on; none if a number is out of turn."""
    lengths: list[int] = []
    for name in names:
        match = _CURVE_POINT.fullmatch(name)
        if match is None:
            if lengths:
                return []
            continue
        if len(match[1]) > 6 or len(match[2]) > 6:
            return []
        c, i = int(match[1]), int(match[2])
        if c == len(lengths) + 1 and i == 1:
            lengths.append(1)
        elif lengths and c == len(lengths) and i == lengths[-1] + 1:
            lengths[-1] += 1
        else:
            return []
    return lengths


def _written(curves: Sequence[Sequence[Sequence[float]]]) -> str:
    """Curves as the text of a column."""
    return ";".join(",".join(" ".join(text(v) or "NaN" for v in point) for point in curve) for curve in curves)


def _unwritten(cell: str) -> list[list[str]]:
    """For each curve the lines of its points; none where a cell says something else."""
    curves = [[point.strip() for point in curve.split(",")] for curve in cell.split(";")] if cell else []
    try:
        sound = all(np.isfinite([float(v) for v in p.split()]).size in (1, 2, 3) for c in curves for p in c)
    except ValueError:
        return []
    return curves if sound else []


def _listed(key: str, curves: Sequence[Sequence[str]]) -> list[str]:
    """The lines of curves, outlines or radii."""
    if key == "radii":
        return [f"RADII={len(curves[0])}", *curves[0]]
    lines = [f"{key.upper()}={len(curves)}"]
    for curve in curves:
        lines += [f"POINTS={len(curve)}", *curve]
    return lines


def _tokens(line: str) -> list[str]:
    tokens = line.split()
    if len(tokens) > 1 and any(_DECIMAL_COMMA.fullmatch(t) for t in tokens):
        return [t.replace(",", ".") for t in tokens]
    return tokens


def _count(value: str, where: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise InputError(f"{where}: {shown(value)} is not a number of points")
    return int(value)


def _check_same(path: Path, labelled: list[tuple[int, _Record]]) -> list[int] | None:
    """Lengths of the curves, where all records with curves have the same; None where they differ."""
    _, first = labelled[0]
    for _, record in labelled:
        if record.count != first.count:
            raise InputError(
                f"{path}, line {record.line}: {record.count} points, but {first.count} on line {first.line}; "
                "one data set has one number of points"
            )
        if record.dimensions != first.dimensions:
            raise InputError(f"{path}, line {record.line}: LM and LM3 cannot stand in one data set; split the file")
    lengths = {tuple(map(len, r.lists["CURVES"])) for _, r in labelled if r.lists["CURVES"]}
    if len(lengths) < 2:
        return [n for one in lengths for n in one]
    if not first.count:
        raise InputError(f"{path}: has no landmarks, and curves of different lengths; resample them in tpsDig")
    return None
