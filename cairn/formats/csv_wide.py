"""Plain tables: one row for each object, two columns for each point (``csv``).

::

    image,1_x,1_y,2_x,2_y             or  nose_x,nose_y  or  nose.x, nose x, x1,y1, x_1,y_1; z where there is one

Origin: 0 at the centre of the first pixel; the numbers are taken as they stand. Delimiter: comma, semicolon or tab;
where it is no comma, decimal commas are read too, as Excel writes them in half of Europe, and so are its ``sep=;`` and
its Unicode text. An empty cell or NaN is a point without label. The picture is in the column ``image`` (or ``file``,
``filename``, ``path``, ...), otherwise in the first column. Understood too, and written where there are any: ``split``,
``subject``, ``frame``, ``score``, ``track_id``, ``box_x0, box_y0, box_x1, box_y1``, ``instance`` (the number of the
object in its picture; empty for a picture without one), ``spacing_x``... (mm per pixel), ``plausible``; for each point
``nose_confidence``, ``nose_visibility``, ``nose_presence``, ``nose_cov_xx``, ``nose_plausible``, ``nose_altered``.
Other columns become ``Dataset.columns``. Numbers are written with all digits, so that reading gives the same back.

A folder with one file for each observer (``train_senior.csv``, ``train_junior.csv``, ``test1_senior.csv``: split, then
observer) becomes one data set with all observers; its points are their mean, and a file that is an exact copy of
another counts once in it. Nineteen numbered points by ISBI 2015's observers are known to be its cephalometric points.

Cannot carry: edges, mirror pairs, parts and normalisers of a skeleton that is no known scheme; the licence.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.csv_columns import AXES, BOX, PER_IMAGE, POINT_ARRAYS, SPACING, Header
from cairn.formats.pictures import PictureFinder, picture_names, picture_size
from cairn.formats.rows import (
    check_count,
    check_share,
    fill_boxes,
    losses,
    mean_of_distinct,
    named,
    text,
    typed,
    whole_points,
)
from cairn.formats.text import MAX_COORDINATE, head_of, is_missing, number, read_table, shown, title_cells
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import scheme

__all__ = ["VERIFIED", "from_rows", "matches", "read", "to_rows", "write"]

VERIFIED = "published tables of ISBI 2015"

_MOST = 2.0**53  # of numbers that are no coordinates; whole numbers are exact up to it
_SPLITS = r"train|training|test\d*|val|valid|validation|dev"
_OBSERVER_FILE = re.compile(rf"({_SPLITS})(?:[_ -](.+))?", re.IGNORECASE)
_ISBI_FILE = re.compile(r"(?:(?:train|test[12])_)?(?:senior|junior|challenge)")


def matches(path: Path, head: bytes) -> bool:
    """Whether the first line of a file names at least one point's x and y, or a folder holds such a file."""
    if path.is_dir():
        return bool(_files(path))
    cells = title_cells(head)
    return len(cells) > 2 and bool(Header.of(cells).names)


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One table, or a folder with the tables of several observers.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : not such a table, a cell that is no number, a missing picture, the same picture twice (without a column
        ``instance`` or boxes), observers with different points
    """
    path = Path(path)
    if not path.is_dir():
        return _read_file(path, pictures)
    files = _files(path)
    if not files:
        raise InputError(f"{path}: no table with points in this folder")
    if len(files) == 1:
        return _read_file(files[0], pictures)
    return _merged(path, files, [_read_file(f, pictures) for f in files])


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one table; or, where `path` is a folder, one for each observer and split.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    if path.is_dir() or not path.suffix:
        return _write_folder(dataset, path)
    return _write_file(dataset, path)


# --- reading one table ---


@dataclass
class _Rows:
    """What the lines of one table say, image by image and row by row."""

    sources: list[Source] = field(default_factory=list)
    image_cells: list[list[str]] = field(default_factory=list)  # the first line of each image
    image_lines: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)  # of each object
    lines: list[int] = field(default_factory=list)
    image_index: list[int] = field(default_factory=list)


def _read_file(path: Path, pictures: str | Path | None) -> Dataset:
    return from_rows(path, read_table(path), pictures)


def from_rows(path: Path, rows_of_file: list[tuple[int, list[str]]], pictures: str | Path | None) -> Dataset:
    """The data set of a table: for each row its line and its cells, the first row being the titles."""
    (line, title), *lines = rows_of_file
    header = Header.of(title)
    if not header.names:
        raise InputError(f"{path}, line {line}: no columns with points; expected such as image,nose_x,nose_y")
    if header.image is None:
        raise InputError(f"{path}, line {line}: no column with the pictures' names; call it 'image'")
    if len({c for c in title if c}) != len([c for c in title if c]):
        twice = next(c for c in title if c and title.count(c) > 1)
        raise InputError(f"{path}, line {line}: the column {shown(twice)} stands twice; names must be unique")
    check_count(len(header.names), f"{path}, line {line}")
    if not lines:
        raise InputError(f"{path}: has a first line and no more; expected labelled points")
    find = PictureFinder(path, [path.parent], pictures)
    rows = _collect(path, title, header, lines, find)
    n = len(rows.cells)
    points = whole_points(_figures(path, rows, header.columns))
    boxes = None if header.box is None else _figures(path, rows, np.array(header.box))
    if boxes is not None:
        _check_boxes(path, rows, boxes)
    optional: dict[str, Any] = {f: _figures(path, rows, c, _MOST) for f, c in header.arrays.items()}
    for name in ("score", "track_id", "plausible"):
        if name in header.known:
            optional[name] = _figures(path, rows, np.array([header.known[name]]), _MOST)[:, 0]
    for name, values in optional.items():
        if name in ("visibility", "track_id", "plausible", "plausible_points", "altered"):
            optional[name] = _whole(path, rows, name, values)
        elif name in ("confidence", "presence"):
            check_share(values, f"{path}: a {name}")
    text_of = {c: np.array([row[i] for row in rows.cells], dtype=np.str_) for c, i in header.known.items()}
    split = np.array([row[header.known["split"]] for row in rows.image_cells]) if "split" in header.known else None
    frame = typed([row[header.known["frame"]] for row in rows.image_cells]) if "frame" in header.known else None
    columns = {c: typed([row[i] for row in rows.cells]) for c, i in header.other.items()}
    if frame is not None and frame.dtype.kind != "i":
        columns["frame"], frame = typed([row[header.known["frame"]] for row in rows.cells]), None
    skeleton, spacing = named(header.names, str(path)), _spacing(path, rows, header)
    if len(skeleton) == 19 and _ISBI_FILE.fullmatch(path.stem) and all(n.isdigit() for n in header.names):
        skeleton = scheme("cephalo19")
        spacing = spacing or _film_spacing(rows.sources[0])
    tight = fill_boxes(points)
    landmarks = Landmarks(
        skeleton,
        points,
        tight if boxes is None else np.where(np.isfinite(boxes).all(axis=1, keepdims=True), boxes, tight),
        np.array(rows.image_index, np.int64).reshape(n),
        **optional,
    )
    return Dataset(
        ImageList(rows.sources),
        landmarks,
        subject=text_of.get("subject"),
        split=split,
        split_by="" if split is None else path.name,
        frame=frame,
        spacing=spacing,
        columns=columns,
    )


def _collect(
    path: Path, title: Sequence[str], header: Header, lines: list[tuple[int, list[str]]], find: PictureFinder
) -> _Rows:
    """Sort lines into images and objects."""
    rows = _Rows()
    seen: dict[Source, int] = {}
    instance = header.known.get("instance")
    several = instance is not None or header.box is not None
    assert header.image is not None
    for line, cells in lines:
        if len(cells) != len(title):
            raise InputError(f"{path}, line {line}: {len(cells)} cells; expected {len(title)} as in the first line")
        source = find(cells[header.image], line)
        index = seen.setdefault(source, len(rows.sources))
        if index == len(rows.sources):
            rows.sources.append(source)
            rows.image_cells.append(cells)
            rows.image_lines.append(line)
        elif not several:
            raise InputError(
                f"{path}, line {line}: the picture {shown(cells[header.image])} stands on line "
                f"{rows.image_lines[index]} too; several objects in one picture need a column 'instance'"
            )
        else:
            for name in PER_IMAGE:
                at = header.known.get(name)
                if at is not None and cells[at] != rows.image_cells[index][at]:
                    raise InputError(
                        f"{path}, line {line}: the picture has another {name} on line {rows.image_lines[index]}"
                    )
        empty = instance is not None and not cells[instance]
        if empty and all(is_missing(cells[i]) for i in header.columns.ravel()):
            continue  # a picture without an object
        rows.cells.append(cells)
        rows.lines.append(line)
        rows.image_index.append(index)
    return rows


def _figures(path: Path, rows: _Rows, columns: np.ndarray, most: float = MAX_COORDINATE) -> np.ndarray:
    """(N, *columns.shape) float64 of those columns."""
    flat = [int(c) for c in columns.ravel()]
    out = np.empty((len(rows.cells), len(flat)))
    for i, (line, cells) in enumerate(zip(rows.lines, rows.cells, strict=True)):
        where = f"{path}, line {line}"
        out[i] = [number(cells[c], where, most) for c in flat]
    return out.reshape(len(rows.cells), *columns.shape)


def _check_boxes(path: Path, rows: _Rows, boxes: np.ndarray) -> None:
    wrong = np.flatnonzero((boxes[:, 2:] < boxes[:, :2]).any(axis=1))
    if len(wrong):
        corners = ", ".join(f"{v:g}" for v in boxes[wrong[0]])
        raise InputError(
            f"{path}, line {rows.lines[wrong[0]]}: the box {corners} is upside down; expected the lower corner, "
            "x0, y0, and then the upper, x1, y1"
        )


def _whole(path: Path, rows: _Rows, name: str, values: np.ndarray) -> np.ndarray:
    """Whole numbers in the range of `name`; an empty cell is 0, and of a track -1."""
    values = np.nan_to_num(values, nan=-1 if name == "track_id" else 0)
    least, most = {"visibility": (0, 3), "track_id": (-_MOST, _MOST)}.get(name, (0, 1))
    wrong = (values != np.rint(values)) | (values < least) | (values > most)
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        raise InputError(
            f"{path}, line {rows.lines[row]}: {name} must be a whole number from {least:.0f} to {most:.0f}"
        )
    return values.astype(np.int64)


def _spacing(path: Path, rows: _Rows, header: Header) -> tuple[float, ...] | None:
    if not header.spacing or not rows.cells:
        return None
    spacing = _figures(path, rows, np.array(header.spacing))
    if not (spacing == spacing[0]).all() or not (spacing[0] > 0).all():
        raise InputError(f"{path}: spacing must be the same positive mm per pixel in every row")
    return tuple(float(v) for v in spacing[0])


def _film_spacing(film: Source) -> tuple[float, float] | None:
    """mm per pixel of ISBI 2015's films, 1935 x 2400 px at 0.1 mm, and of whole films at another size."""
    width, height = picture_size(film)
    mm = 0.1 * 2400 / height
    return (mm, mm) if abs(width * mm - 193.5) < mm else None


# --- several observers ---


def _files(folder: Path) -> list[Path]:
    """Tables with points directly in `folder`; others, such as a list of duplicates, are passed over."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".csv", ".tsv") and p.is_file())
    return [p for p in files if p.stat().st_size and matches(p, head_of(p))]


def _merged(folder: Path, files: list[Path], parts: list[Dataset]) -> Dataset:
    for file, part in zip(files, parts, strict=True):
        if (
            not part.skeleton.equals(parts[0].skeleton)
            or part.landmarks.points.shape[2] != parts[0].landmarks.points.shape[2]
        ):
            raise InputError(f"{file}: its points are not those of {files[0].name}; read the files one by one")
        if len(np.unique(part.landmarks.image_index)) != len(part):
            raise InputError(f"{file}: has pictures with several objects, which cannot be matched between files")
    placed = [_OBSERVER_FILE.fullmatch(f.stem) for f in files]
    splits = [m[1].lower() if m else "" for m in placed]
    people = [(m[2] or "") if m else f.stem for m, f in zip(placed, files, strict=True)]
    sources: dict[Source, int] = {}
    split: list[str] = []
    observers = sorted(set(people), key=people.index)
    values: dict[tuple[int, int], tuple[Dataset, int]] = {}  # image, observer: part and row
    for file, part, where, person in zip(files, parts, splits, people, strict=True):
        for i, source in enumerate(part.images.sources):
            assert isinstance(source, Source)
            own = str(part.split[i]) if part.split is not None else where
            at = sources.setdefault(source, len(sources))
            if at == len(split):
                split.append(own)
            elif split[at] != own:
                raise InputError(f"{file}: the picture {source} is in the split {split[at]!r} in another file")
        for row, i in enumerate(part.landmarks.image_index):
            source = part.images.sources[int(i)]
            assert isinstance(source, Source)
            key = (sources[source], observers.index(person))
            if key in values:
                raise InputError(f"{file}: the picture {source} is in another file of the same observer too")
            values[key] = (part, row)
    return _with_observers(folder, parts, sources, split, observers, values)


def _with_observers(
    folder: Path,
    parts: list[Dataset],
    sources: dict[Source, int],
    split: list[str],
    observers: list[str],
    values: dict[tuple[int, int], tuple[Dataset, int]],
) -> Dataset:
    labelled = sorted({image for image, _ in values})
    row_of = {image: n for n, image in enumerate(labelled)}
    shape = parts[0].landmarks.points.shape[1:]
    points = np.full((len(observers), len(labelled), *shape), np.nan)
    for (image, person), (part, row) in values.items():
        points[person, row_of[image]] = part.landmarks.points[row]
    mean = mean_of_distinct(points)
    landmarks = Landmarks(parts[0].skeleton, mean, fill_boxes(mean), np.array(labelled))
    several = any(np.isfinite(points).all(axis=(-1, -2)).sum(axis=0) > 1)
    spacings = {p.spacing for p in parts}
    first = {image: values[image, person] for image, person in sorted(values, reverse=True)}
    from_first = [first[image] for image in labelled]
    subject = [("" if part.subject is None else str(part.subject[row])) for part, row in from_first]
    shared = [c for c in parts[0].columns if all(c in p.columns for p in parts)]
    return Dataset(
        ImageList(sources),
        landmarks,
        observers=points if several else None,
        observer_names=tuple(observers) if several else (),
        subject=np.array(subject) if any(subject) else None,
        columns={c: np.array([part.columns[c][row] for part, row in from_first]) for c in shared},
        split=np.array(split) if any(split) else None,
        split_by="file names" if any(split) else "",
        spacing=spacings.pop() if len(spacings) == 1 else None,
    )


# --- writing ---


def _write_folder(dataset: Dataset, folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    if dataset.observers is None:
        return _write_file(dataset, folder / "points.csv")
    notes: dict[str, None] = {}
    names = dataset.observer_names or tuple(f"observer{o + 1}" for o in range(len(dataset.observers)))
    splits = [""] if dataset.split is None else sorted({str(s) for s in dataset.split})
    marks = dataset.landmarks
    if not np.allclose(mean_of_distinct(dataset.observers), marks.points, atol=1e-6, equal_nan=True):
        notes["the points themselves are not the mean of the observers, and only the observers are written"] = None
    for person, points in zip(names, dataset.observers, strict=True):
        own = replace(marks, points=points, boxes=fill_boxes(points))
        for part in splits:
            there = np.isfinite(points).any(axis=(1, 2))
            if dataset.split is not None:
                there &= dataset.split[marks.image_index] == part
            if not there.any():
                continue
            one = replace(dataset, landmarks=own, observers=None, observer_names=(), split=None).take(there)
            stem = "_".join(p for p in (part, person) if p)
            notes |= dict.fromkeys(_write_file(one, folder / f"{stem}.csv"))
    return list(notes)


def _write_file(dataset: Dataset, path: Path) -> list[str]:
    rows, notes = to_rows(dataset, path.parent, "CSV")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    write_whole(path, out.getvalue())
    return notes


def to_rows(dataset: Dataset, folder: Path, format_name: str) -> tuple[list[list[str]], list[str]]:
    """The rows of a table in `folder`, the first being the titles, and what it cannot carry."""
    names, notes = picture_names(dataset.images, folder)
    table = _Table(dataset)
    lines = [["image", *table.title]]
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(names))}
    for row, i in enumerate(dataset.landmarks.image_index):
        rows_of[int(i)].append(row)
    for i, rows in rows_of.items():
        for number_in_picture, row in enumerate(rows):
            lines.append([names[i], *table.cells(row, str(number_in_picture + 1))])
        if not rows:
            lines.append([names[i], *table.empty(i)])
    carries = {"names", "boxes", "hidden", "absent", "z", "empty", "subject", "split", "frame", "spacing"}
    carries |= {"confidence", "covariance", "presence", "plausible", "plausible_points", "altered", "score", "track_id"}
    carries |= {c for c in dataset.columns if c in table.columns}
    return lines, losses(dataset, carries, format_name) + table.notes + notes


class _Table:
    """Titles and cells, without the picture's name."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        marks = dataset.landmarks
        self.notes: list[str] = []
        counts = np.bincount(marks.image_index, minlength=len(dataset.images))
        self.instance = bool((counts != 1).any())
        tight = fill_boxes(marks.points)
        flat = marks.boxes.shape[1] == 4
        self.box = flat and (marks.score is not None or not np.array_equal(marks.boxes, tight, equal_nan=True))
        self.names = self._safe_names()
        self.point_arrays = [
            (s, f) for s, f in POINT_ARRAYS.items() if s != "likelihood" and getattr(marks, f) is not None
        ]
        d = marks.points.shape[2]
        self.pairs = [] if marks.covariance is None else [(i, j) for i in range(d) for j in range(i, d)]
        self.per_row = [n for n in ("score", "track_id", "plausible") if getattr(marks, n) is not None]
        self.columns: dict[str, np.ndarray] = {}
        for column, values in dataset.columns.items():  # those whose titles will be read as columns again
            header = Header.of(["image", *self.title, column])
            free = column.strip() == column and column not in self.title and header.names == tuple(self.names)
            if free and {*self.columns, column} == set(header.other):
                self.columns[column] = values

    @property
    def title(self) -> list[str]:
        data = self.dataset
        title = ["instance"] * self.instance
        title += [n for n in ("split", "frame", "subject") if getattr(data, n) is not None]
        title += [] if data.spacing is None else SPACING[: len(data.spacing)]
        title += list(BOX) * self.box + self.per_row
        for name in self.names:
            title += [f"{name}_{a}" for a in AXES[: data.landmarks.points.shape[2]]]
            title += [f"{name}_{suffix}" for suffix, _ in self.point_arrays]
            title += [f"{name}_cov_{AXES[i]}{AXES[j]}" for i, j in self.pairs]
        return [*title, *self.columns]

    def cells(self, row: int, instance: str) -> list[str]:
        data, marks = self.dataset, self.dataset.landmarks
        cells = [instance] * self.instance + self._of_image(int(marks.image_index[row]))
        cells += [] if data.subject is None else [str(data.subject[row])]
        cells += self._spacing()
        cells += [text(v) for v in marks.boxes[row]] * self.box
        cells += [text(getattr(marks, n)[row]) for n in self.per_row]
        for k in range(len(self.names)):
            cells += [text(v) for v in marks.points[row, k]]
            cells += [text(getattr(marks, f)[row, k]) for _, f in self.point_arrays]
            cells += [text(marks.covariance[row, k, i, j]) for i, j in self.pairs]  # type: ignore[index]
        return cells + [text(v[row]) for v in self.columns.values()]

    def empty(self, image: int) -> list[str]:
        """The cells of a picture without an object."""
        cells = [""] * self.instance + self._of_image(image)
        cells += [] if self.dataset.subject is None else [""]
        cells += self._spacing()
        return cells + [""] * (len(self.title) - len(cells))

    def _of_image(self, image: int) -> list[str]:
        values = [v for v in (self.dataset.split, self.dataset.frame) if v is not None]
        return [str(v[image]) for v in values]

    def _spacing(self) -> list[str]:
        return [] if self.dataset.spacing is None else [repr(float(s)) for s in self.dataset.spacing]

    def _safe_names(self) -> list[str]:
        """The points' names, or numbers where a title made of a name would be read as something else."""
        names = list(self.dataset.skeleton.names)
        axes = AXES[: self.dataset.landmarks.points.shape[2]]
        read_back = Header.of(["image", *(f"{n}_{a}" for n in names for a in axes)])
        if list(read_back.names) == names and all(n.strip() == n and n.isprintable() for n in names):
            return names
        self.notes.append("the names of the points cannot be titles of columns, so they are numbered from 1")
        return [str(i + 1) for i in range(len(names))]
