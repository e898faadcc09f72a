"""What is embedded or clustered: the numbers of a table, or the shapes or the looks of what a label file has.

A label file (any format that `cairn.read` knows) becomes shapes: its points, laid on each other by generalised
Procrustes analysis, so that place, size and turn are gone; or descriptors of the pictures at these points. Anything
else is a table: ``.csv`` and ``.tsv`` with a line of names, ``.npy``, ``.npz`` (the array ``X``, or the only one of two
dimensions), ``.parquet``.

A column of labels is taken where it is named, or called ``label``, ``class``, ``target``, ``species``, ``group`` or
``y`` (unless there is an ``x``: then both are coordinates); other columns of words are left out. A column ``image``
(``picture``, ``file``, ``path``) names pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cairn.errors import InputError
from cairn.explore.text_table import read_text_table

__all__ = ["KINDS", "Table", "read_rows"]

KINDS = ("shapes", "descriptors")

_LABELS = ("label", "labels", "class", "target", "species", "group", "y")
_PICTURES = ("image", "picture", "file", "filename", "path")
_MARGIN = 0.2  # of the box's longer side, around an object's picture


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers and what is known of each.

    Parameters
    ----------
    name : of the file, without its ending
    rows : (n, d) float32 or float64, no NaN
    columns : d names
    names : n names of rows, for the table of results; their numbers where they have none
    label : (n,) of str, or None
    label_name : of the column that they come from
    pictures : (source, box or None) of each row, or None
    kind : what a row is: "rows" of a table, "shapes" (aligned points), "descriptors" (looks at the points)
    remarks : sentences: what was left out
    """

    name: str
    rows: np.ndarray
    columns: tuple[str, ...]
    names: Sequence[object]
    label: np.ndarray | None = None
    label_name: str = ""
    pictures: Sequence[tuple[Any, np.ndarray | None]] | None = None
    kind: str = "rows"
    remarks: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def what(self) -> str:
        """What rows are called in a sentence."""
        return "described objects" if self.kind == "descriptors" else self.kind

    def thumbnail(self, row: int, side: int) -> np.ndarray | None:
        """(H, W, 3) uint8 RGB, at most `side` px; None where the row has no picture, or one that cannot be read."""
        if self.pictures is None:
            return None
        from cairn.images import Image, read_image

        source, box = self.pictures[row]
        try:
            image = source if isinstance(source, Image) else read_image(source)
        except InputError:
            return None
        pixels = image.rgb()
        if box is not None and np.isfinite(box).all():
            width, height = image.size
            margin = _MARGIN * max(box[2] - box[0], box[3] - box[1])
            x0, y0 = np.maximum(np.floor(box[:2] - margin), 0).astype(int)
            x1, y1 = np.minimum(np.ceil(box[2:4] + margin) + 1, [width, height]).astype(int)
            if x1 > x0 and y1 > y0:
                pixels = pixels[y0:y1, x0:x1]
        import cv2

        shrink = side / max(pixels.shape[:2])
        size = tuple(max(1, round(length * shrink)) for length in pixels.shape[1::-1])
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrink < 1 else cv2.INTER_LINEAR)


def read_rows(
    path: str | Path,
    *,
    label: str | None = None,
    columns: Sequence[str] | None = None,
    format: str | None = None,
    standardise: bool = False,
    kind: str = "shapes",
    quiet: bool = True,
) -> Table:
    """A table, or shapes, from a file.

    Parameters
    ----------
    path : see the module
    label : name of the column (of the array, in ``.npz``) that holds labels
    columns : of a table, names of columns to take; all that hold numbers, where None
    format : of a label file, where it cannot be told; "table" takes the file as a table whatever it looks like
    standardise : divide each column of a table by its standard deviation, its mean taken away
    kind : of a label file, one of `KINDS`
    quiet : no progress bar

    Raises
    ------
    InputError : missing, empty, no numbers in it, or numbers that are missing
    """
    if kind not in KINDS:
        raise InputError(f"kind {kind!r}: expected {' or '.join(KINDS)}")
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: there is no such file; check the path")
    if _is_label_file(path, format):
        try:
            table = _objects(path, label, format, kind, quiet)
        except InputError as error:
            if format is None and kind == "shapes" and path.suffix.lower() in (".csv", ".tsv", ".txt"):
                raise InputError(f"{error}; if these are no labels but a table, say --format table") from None
            raise
    elif kind != "shapes":
        raise InputError(f"{path}: is a table and has no {kind}; only labelled pictures have")
    else:
        suffix = path.suffix.lower()
        if path.is_dir() and not list(path.glob("*.parquet")):
            raise InputError(f"{path}: the folder holds neither labels nor .parquet files")
        if suffix == ".npy":
            table = _from_array(path, np.load(path, mmap_mode="r", allow_pickle=False))
        elif suffix == ".npz":
            table = _from_npz(path, label)
        elif path.is_dir() or suffix in (".parquet", ".pq"):
            table = _from_columns(path, _parquet_columns(path), label, columns)
        else:
            read, said = read_text_table(path)
            table = _from_columns(path, read, label, columns)
            table = replace(table, remarks=(*table.remarks, *said))
    if label is not None and table.label is None:
        raise InputError(f"{path}: has no labels called {label!r}")
    _refuse_holes(path, table)
    return _standardised(table) if standardise and table.kind == "rows" else table


def _is_label_file(path: Path, format: str | None) -> bool:
    if format is not None:
        return format != "table"
    if path.suffix.lower() in (".npy", ".npz", ".parquet", ".pq"):
        return False
    from cairn.formats import FORMATS
    from cairn.formats.text import head_of

    head = b"" if path.is_dir() else head_of(path)
    return any(module.matches(path, head) for module in FORMATS.values())


# --- labelled pictures ---


def _objects(path: Path, label: str | None, format: str | None, kind: str, quiet: bool) -> Table:
    from cairn.formats import read
    from cairn.geometry.procrustes import generalised

    data = read(path, format=format)
    points = data.landmarks.points
    whole = np.isfinite(points).all(axis=(1, 2))
    if whole.sum() < 3:
        raise InputError(f"{path}: {whole.sum()} of {len(points)} objects have all their points; at least 3 are needed")
    remarks: tuple[str, ...] = ()
    if not whole.all():
        remarks = (f"{(~whole).sum()} of {len(points)} objects lack points and are left out",)
    rows = np.flatnonzero(whole)
    found = generalised(points[rows])
    if not np.isfinite(found.aligned).all():
        raise InputError(f"{path}: some objects' points all lie in one place, so they have no shape")
    values, name = _dataset_labels(path, data, label)
    index = data.landmarks.image_index[rows]
    if kind == "shapes":
        numbers, parts = found.aligned.reshape(len(rows), -1), tuple("xyz"[: points.shape[2]])
    else:
        from cairn.explore.descriptors import LENGTH, describe

        numbers = describe(data.images, index, points[rows], found.maps, found.mean, quiet=quiet)
        parts = tuple(str(i) for i in range(LENGTH))
    names = [data.images.label(int(i)).replace("\\", "/").rsplit("/", 1)[-1] for i in index]
    return Table(
        name=path.stem,
        rows=numbers,
        columns=tuple(f"{point}_{part}" for point in data.skeleton.names for part in parts),
        names=names,
        label=None if values is None else values[rows],
        label_name=name,
        pictures=[(data.images.sources[int(i)], data.landmarks.boxes[r]) for i, r in zip(index, rows, strict=True)],
        kind=kind,
        remarks=remarks,
    )


def _dataset_labels(path: Path, data: Any, label: str | None) -> tuple[np.ndarray | None, str]:
    known = dict(data.columns)
    if data.subject is not None:
        known.setdefault("subject", data.subject)
    if data.split is not None:
        known.setdefault("split", data.split[data.landmarks.image_index])
    if label is not None:
        if label not in known:
            raise InputError(f"{path}: has no labels called {label!r}; it has {', '.join(known) or 'none'}")
        return np.asarray(known[label]).astype(str), label
    for name in known:
        if name.lower() in _LABELS:
            return np.asarray(known[name]).astype(str), name
    return None, ""


# --- tables ---


def _from_array(path: Path, rows: np.ndarray, label: np.ndarray | None = None, label_name: str = "") -> Table:
    if rows.ndim != 2 or rows.dtype.kind not in "buif" or not rows.size:
        raise InputError(f"{path}: expected numbers in rows and columns, found {rows.dtype} of shape {rows.shape}")
    if rows.dtype not in (np.float32, np.float64):
        rows = rows.astype(np.float64)
    columns = tuple(str(i) for i in range(rows.shape[1]))
    return Table(path.stem, rows, columns, range(len(rows)), label, label_name)


def _from_npz(path: Path, label: str | None) -> Table:
    with np.load(path, allow_pickle=False) as archive:
        try:
            arrays = {name: archive[name] for name in archive.files}
        except ValueError:
            raise InputError(f"{path}: holds Python objects, which are not read; save plain arrays") from None
    wide = [name for name, array in arrays.items() if array.ndim == 2]
    chosen = "X" if "X" in wide else wide[0] if len(wide) == 1 else None
    if chosen is None:
        raise InputError(f"{path}: expected an array X, or one of two dimensions; found {', '.join(arrays) or 'none'}")
    rows = arrays[chosen]
    fits = {name: a for name, a in arrays.items() if a.shape == (len(rows),)}
    name = label if label is not None else next((n for n in fits if n.lower() in _LABELS), "")
    if label is not None and label not in fits:
        raise InputError(f"{path}: has no array {label!r} of {len(rows)} labels; it has {', '.join(fits) or 'none'}")
    return _from_array(path, rows, fits[name].astype(str) if name else None, name)


def _from_columns(path: Path, read: dict[str, Any], label: str | None, wanted: Sequence[str] | None) -> Table:
    """Of columns, each an array of numbers (n,) or (n, several), or of words."""
    names = list(read)
    for name in [*(wanted or ()), *([] if label is None else [label])]:
        if name not in read:
            raise InputError(f"{path}: has no column {name!r}; it has {', '.join(names)}")
    by_lower = {name.lower(): name for name in reversed(names)}
    usual = [by_lower[key] for key in _LABELS if key in by_lower and not (key == "y" and "x" in by_lower)]
    label = label or next((name for name in usual if name not in (wanted or ())), None)
    picture = next((by_lower[key] for key in _PICTURES if key in by_lower and _words(read[by_lower[key]])), None)
    numbers = [name for name in (wanted or names) if not _words(read[name]) and name != label]
    if wanted is not None and len(numbers) < len(wanted):
        wrong = next(name for name in wanted if name not in numbers)
        raise InputError(f"{path}: column {wrong!r} holds words or the labels, not numbers")
    empty = [] if wanted is not None else [name for name in numbers if _is_empty(read[name])]
    numbers = [name for name in numbers if name not in empty]
    if not numbers:
        raise InputError(f"{path}: no column holds numbers alone; it has {', '.join(names[:8])}")
    blocks = [np.atleast_2d(read[name].T).T for name in numbers]
    dtype = np.float32 if all(block.dtype == np.float32 for block in blocks) else np.float64
    words = [name for name in names if _words(read[name]) and name not in (label, picture)]
    titles = [
        f"{name}_{i}" if block.shape[1] > 1 else name
        for name, block in zip(numbers, blocks, strict=True)
        for i in range(block.shape[1])
    ]
    rows = np.concatenate(blocks, axis=1, dtype=dtype)
    left_out = {"of words": words if wanted is None else [], "without a number": empty}
    remarks = tuple(f"columns {what} are left out: {', '.join(which)}" for what, which in left_out.items() if which)
    pictures = None
    naming = next((name for name in (picture, *words) if name is not None), None)
    if picture is not None:
        from cairn.images import Source

        folder = path.parent if path.is_file() else path
        pictures = [(Source(str(folder / str(name))), None) for name in read[picture]]
    return Table(
        name=path.stem,
        rows=rows,
        columns=tuple(titles),
        names=range(len(rows)) if naming is None else [str(v) for v in read[naming]],
        label=None if label is None else np.asarray([_plain(v) for v in read[label]]),
        label_name=label or "",
        pictures=pictures,
        remarks=remarks,
    )


def _plain(value: Any) -> str:
    """A label as people write it: 3, not 3.0; every digit that tells it from another."""
    number = isinstance(value, (float, np.floating))
    return str(int(value)) if number and float(value).is_integer() else str(value)


def _is_empty(column: np.ndarray) -> bool:
    return column.dtype.kind == "f" and bool(np.isnan(column[:1]).all() and np.isnan(column).all())


def _words(column: np.ndarray) -> bool:
    return column.dtype.kind not in "buif"


def _parquet_columns(path: Path) -> dict[str, np.ndarray]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow; install it with: pip install 'cairn-landmarks[parquet]'"
        ) from None
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if hasattr(column.type, "list_size") and not column.null_count:
            values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
            columns[name] = values.reshape(-1, column.type.list_size)
        elif not pyarrow.types.is_nested(column.type) and not pyarrow.types.is_binary(column.type):
            columns[name] = column.to_numpy()
    return columns


def _refuse_holes(path: Path, table: Table) -> None:
    from cairn.points.distances import blocks

    wrong, first = 0, ""
    for part in blocks(*table.rows.shape):
        holes = ~np.isfinite(table.rows[part])
        wrong += int(holes.any(axis=1).sum())
        if wrong and not first:
            row, column = np.argwhere(holes)[0]
            first = f"row {part.start + row + 1}, column {table.columns[column]!r}"
    if wrong:
        raise InputError(
            f"{path}: {wrong} of {len(table)} rows have numbers that are missing or not finite, the first in {first}: "
            "fill them in or leave these rows out"
        )
    if len(table) < 3:
        raise InputError(f"{path}: has {len(table)} rows; at least 3 are needed")


def _standardised(table: Table) -> Table:
    rows = np.asarray(table.rows, np.float64)
    spread = rows.std(axis=0)
    return replace(table, rows=(rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1))
