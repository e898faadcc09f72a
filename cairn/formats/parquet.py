"""Parquet: the tables of ``csv`` (wide) and ``csv_long``, in columns (https://parquet.apache.org/docs/file-format).

Read and written through pyarrow: ``pip install 'cairn-landmarks[parquet]'``. Titles, and what they mean, are those of
``csv`` and ``csv_long``; a table is long if it has columns called image, point, x and y. Written is the wide one.
Columns are numbers, true and false, dates or text; a list in a cell is refused. Of dates the text is taken.

Origin: 0 at the centre of the first pixel; the numbers are taken as they stand.

Cannot carry: edges, mirror pairs, parts and normalisers of a skeleton that is no known scheme; the licence; observers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import made_whole
from cairn.formats import csv_long, csv_wide
from cairn.formats.rows import text, typed
from cairn.formats.text import MAX_BYTES, shown

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "pandas and pyarrow"

_MOST = 100_000_000  # cells


def matches(path: Path, head: bytes) -> bool:
    """Whether a file begins as Parquet does; a folder is never taken for it."""
    return not path.is_dir() and head.startswith(b"PAR1")


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One table.

    Parameters
    ----------
    path : the file
    pictures : a folder in which pictures are looked for too; else they are beside the file, or in ``images`` there

    Raises
    ------
    InputError : pyarrow is not installed, not such a file, a column of lists, and as `cairn.formats.csv_wide.read`
    """
    path = Path(path)
    parquet = _parquet(path)
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: is larger than the limit of {MAX_BYTES // 2**20} MB; split it")
    try:
        with parquet.ParquetFile(path) as file:
            about = file.metadata
            unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            if about.num_rows * about.num_columns > _MOST or unpacked > 4 * MAX_BYTES:
                raise InputError(f"{path}: has {about.num_rows:,} rows of {about.num_columns:,} columns; split it")
            schema = file.schema_arrow
            for column in schema:
                if column.type.num_fields or "binary" in str(column.type):
                    raise InputError(
                        f"{path}: the column {shown(column.name)} holds {column.type}; expected numbers or text"
                    )
            columns = [c.to_pylist() for c in file.read().columns]
    except InputError:
        raise
    except Exception as error:  # pyarrow raises its own, OSError and others on damaged bytes
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"{path}: not a Parquet file that can be read ({reason}); copy it again") from error
    if not columns or not columns[0]:
        raise InputError(f"{path}: is an empty table; expected labelled points")
    cells = [["" if v is None else text(v).strip() for v in column] for column in columns]
    rows = [(0, [n.strip() for n in schema.names]), *enumerate((list(r) for r in zip(*cells, strict=True)), 1)]
    return (csv_long if csv_long.is_long(schema.names) else csv_wide).from_rows(path, rows, pictures)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write one wide table.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    parquet = _parquet(path)
    import pyarrow

    rows, notes = csv_wide.to_rows(dataset, path.parent, "Parquet")
    columns = zip(*rows, strict=True)
    table = pyarrow.table({title: typed(cells) for title, *cells in columns})
    with made_whole(path) as file:
        parquet.write_table(table, file)
    return notes


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            f"{path}: Parquet needs pyarrow; install it with: pip install 'cairn-landmarks[parquet]'"
        ) from None
    return parquet
