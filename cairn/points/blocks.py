"""Rows that come in blocks: from arrays, from files larger than memory, from Dask arrays.

What holds the rows is divided into *pieces*, each of which another process can read by itself, and a piece is read in
*blocks* that fit in memory. Where a piece ends does not depend on who reads it.

- an array, a memory map or a CSR matrix, and a list of them
- the path of a ``.npy`` file: it is mapped, a piece is a range of its rows
- the path of a ``.parquet`` file, or of a folder of them: a piece is a row group, a block a batch of its rows; needs
  pyarrow
- a Dask array: a piece is a block of its rows

float32 is kept; whole numbers and whatever else is a number become float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["BLOCK_NUMBERS", "BLOCK_ROWS", "Piece", "RowBlocks", "arrow_rows", "write_blocks"]

BLOCK_NUMBERS = 1 << 22
"""Numbers in a block: 32 MiB of float64."""
BLOCK_ROWS = 1 << 17


@dataclass(frozen=True)
class Piece:
    """Some of the rows, unread.

    Attributes
    ----------
    source : the array, or the path of the file
    start, stop : its rows; of Parquet the number of the row group, and that plus one
    first : the place of its first row among all rows
    rows : how many
    columns : names, of Parquet
    """

    source: Any
    start: int
    stop: int
    first: int
    rows: int
    columns: tuple[str, ...] | None = None

    def blocks(self, most: int) -> Iterator[Any]:
        """Its rows, at most so many at a time: (n, d) float32 or float64, or CSR."""
        if self.columns is not None:
            file = _parquet(self.source)
            for batch in file.iter_batches(batch_size=most, row_groups=[self.start], columns=list(self.columns)):
                yield arrow_rows(batch, self.source)
            return
        array = np.load(self.source, mmap_mode="r") if isinstance(self.source, str) else self.source
        if hasattr(array, "__dask_graph__"):
            array = array.blocks[self.start].compute()
            start, stop = 0, len(array)
        else:
            start, stop = self.start, self.stop
        for at in range(start, stop, most):
            yield _numbers(array[at : min(at + most, stop)])


class RowBlocks:
    """All rows of `data` in blocks; they can be gone through as often as wanted.

    Parameters
    ----------
    data : see the module
    rows : int or None, most rows in a block; None is what makes `BLOCK_NUMBERS`, at most `BLOCK_ROWS`
    columns : of Parquet, the columns to take; None takes all

    Attributes
    ----------
    pieces : list of Piece, in order
    n_rows, n_columns : int

    Raises
    ------
    ValueError : no rows, columns that differ or are no numbers, a generator (which can be gone through only once)
    ImportError : Parquet without pyarrow
    """

    def __init__(self, data: Any, *, rows: int | None = None, columns: Sequence[str] | None = None) -> None:
        if isinstance(data, RowBlocks):
            data = data.data
        if rows is not None and rows < 1:
            raise ValueError(f"rows={rows!r}: expected at least one row in a block.")
        self.data: Any = data
        found, self.n_columns = _describe(data, columns)
        self.n_rows = sum(rows_in for *_, rows_in, _ in found)
        if self.n_rows == 0:
            raise ValueError(f"{_name(data)} has no rows.")
        self.rows = rows or max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // max(1, self.n_columns)))
        self.pieces: list[Piece] = []
        first = 0
        for source, start, stop, count, names in found:
            whole = names is not None or hasattr(source, "__dask_graph__")
            steps = [(start, stop)] if whole else _steps(start, stop, self.rows)
            for a, b in steps:
                size = count if whole else b - a
                if size:
                    self.pieces.append(Piece(source, a, b, first, size, names))
                first += size

    def __iter__(self) -> Iterator[Any]:
        for piece in self.pieces:
            yield from piece.blocks(self.rows)

    def __len__(self) -> int:
        return self.n_rows


def write_blocks(blocks: Iterator[np.ndarray], path: str | Path, rows: int) -> None:
    """Put blocks one after the other into a ``.npy`` file, which is there when all of them are in it.

    Parameters
    ----------
    blocks : arrays (n, ...) that differ in n alone
    path : where to
    rows : of all blocks together
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    out, at = None, 0
    try:
        for block in blocks:
            if out is None:
                out = np.lib.format.open_memmap(partial, "w+", block.dtype, (rows, *block.shape[1:]))
            if at + len(block) > rows:
                raise ValueError(f"{path}: the blocks hold more than the {rows} rows that were said.")
            out[at : at + len(block)] = block
            at += len(block)
        if out is None or at != rows:
            raise ValueError(f"{path}: the blocks hold {at} rows, {rows} were said.")
        out.flush()
        del out
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _steps(start: int, stop: int, step: int) -> Iterator[tuple[int, int]]:
    for at in range(start, stop, step):
        yield at, min(at + step, stop)


def _describe(data: Any, columns: Sequence[str] | None) -> tuple[list[tuple], int]:
    """(source, start, stop, rows, names of columns) of each part of the data, and the number of columns."""
    if isinstance(data, (str, Path)):
        path = Path(data)
        if path.is_dir() or path.suffix.lower() in (".parquet", ".pq"):
            return _describe_parquet(path, columns)
        if path.suffix.lower() == ".npy":
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            _two_dimensions(mapped, path)
            return [(str(path), 0, len(mapped), len(mapped), None)], mapped.shape[1]
        raise ValueError(f"{path}: rows in blocks are read from .npy and .parquet files, or folders of .parquet.")
    if hasattr(data, "__dask_graph__"):
        if getattr(data, "ndim", 0) != 2 or not hasattr(data, "chunks"):
            raise ValueError(f"{_name(data)}: expected a Dask array of two dimensions.")
        if any(np.isnan(n) for axis in data.chunks for n in axis):
            raise ValueError("The Dask array does not know how many rows it has: call compute_chunk_sizes() first.")
        return [(data, i, i + 1, int(n), None) for i, n in enumerate(data.chunks[0])], data.shape[1]
    if isinstance(data, (list, tuple)) and data and all(getattr(part, "ndim", 0) == 2 for part in data):
        parts = [_array(part) for part in data]
        widths = {part.shape[1] for part in parts}
        if len(widths) > 1:
            raise ValueError(f"The blocks have different numbers of columns: {', '.join(map(str, sorted(widths)))}.")
        return [(part, 0, part.shape[0], part.shape[0], None) for part in parts], widths.pop()
    if hasattr(data, "__next__"):
        raise ValueError(
            "Rows are gone through more than once, which a generator does not allow: give a list of blocks."
        )
    array = _array(data)
    return [(array, 0, array.shape[0], array.shape[0], None)], array.shape[1]


def _array(data: Any) -> Any:
    if sparse.issparse(data):
        return data.tocsr()
    array = data if isinstance(data, np.ndarray) else np.asarray(data)
    _two_dimensions(array, "data")
    return array


def _two_dimensions(array: np.ndarray, name: Any) -> None:
    if array.ndim != 2 or array.dtype.kind not in "buif":
        raise ValueError(f"{name}: expected numbers in two dimensions, found {array.dtype} of shape {array.shape}.")


def _numbers(block: Any) -> Any:
    if sparse.issparse(block):
        return block.astype(np.float64) if block.dtype not in (np.float32, np.float64) else block
    dtype = block.dtype if block.dtype in (np.float32, np.float64) else np.float64
    return np.asarray(block, dtype)


def _name(data: Any) -> str:
    return str(data) if isinstance(data, (str, Path)) else type(data).__name__


# --- Parquet ---


def _parquet(path: str | Path) -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise ImportError(
            f"{path}: reading Parquet needs pyarrow, which is not installed: pip install 'cairn-landmarks[parquet]'"
        ) from None
    return parquet.ParquetFile(path)


def _describe_parquet(path: Path, columns: Sequence[str] | None) -> tuple[list[tuple], int]:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"{path}: the folder holds no .parquet files.")
    found: list[tuple] = []
    names: tuple[str, ...] = ()
    width = 0
    for file in files:
        opened = _parquet(file)
        schema = opened.schema_arrow
        here = tuple(columns) if columns is not None else tuple(schema.names)
        if missing := [name for name in here if name not in schema.names]:
            raise ValueError(f"{file}: has no column {missing[0]!r}; it has {', '.join(schema.names)}.")
        if not found:
            names, width = here, sum(_width(schema.field(name), file) for name in here)
        elif here != names:
            raise ValueError(f"{file}: has other columns than {files[0].name}: {', '.join(here)}.")
        for group in range(opened.num_row_groups):
            found.append((str(file), group, group + 1, opened.metadata.row_group(group).num_rows, names))
    return found, width


def _width(field: Any, file: Path) -> int:
    import pyarrow.types as types

    if types.is_fixed_size_list(field.type) and _is_number(field.type.value_type):
        return field.type.list_size
    if not _is_number(field.type):
        raise ValueError(
            f"{file}: column {field.name!r} holds {field.type}, not numbers: name the columns to take (columns=[...])."
        )
    return 1


def _is_number(kind: Any) -> bool:
    import pyarrow.types as types

    return types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)


def arrow_rows(batch: Any, source: str = "the table") -> np.ndarray:
    """(n, d) of an Arrow batch or table of columns of numbers, or of lists of as many numbers; what is null is NaN."""
    columns = []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if hasattr(field.type, "list_size"):
            if column.null_count:
                raise ValueError(f"{source}: column {field.name!r} has rows without numbers.")
            column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
            columns.append(column.flatten().to_numpy(zero_copy_only=False).reshape(-1, field.type.list_size))
        elif _is_number(field.type):
            values = column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
            columns.append(np.asarray(values, None if values.dtype.kind in "fiub" else np.float64)[:, None])
        else:
            raise ValueError(
                f"{source}: column {field.name!r} holds {field.type}, not numbers: name the columns to take."
            )
    single = all(column.dtype == np.float32 for column in columns)
    return np.concatenate(columns, axis=1, dtype=np.float32 if single else np.float64, casting="unsafe")
