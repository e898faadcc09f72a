"""DeepLabCut's HDF5 files: pandas' data frames, read without pandas and without its pickles.

pandas and PyTables hand parts of such a file to ``pickle``, which runs whatever a file tells it to. What is needed here
are arrays of numbers and lists of names, and these are read from the arrays and, in files that pandas calls tables,
from the text of the pickle itself, of which only the steps that build lists of names are known here. Layout:
https://pandas.pydata.org/docs/user_guide/io.html#hdf5-pytables (fixed and table). Writing goes through pandas.
"""

from __future__ import annotations

import pickletools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cairn.errors import InputError
from cairn.files import made_whole
from cairn.formats.deeplabcut_table import HEADS, Table
from cairn.formats.text import MAX_COORDINATE, shown
from cairn.hdf5 import opened, own_dataset

__all__ = ["is_frame", "read_h5", "write_h5"]

_KEY = "df_with_missing"  # DeepLabCut's name for the one frame of a file
_MAGIC = b"\x89HDF\r\n\x1a\n"
_MOST = 200_000_000  # numbers in a frame: 1.6 GB


def is_frame(path: Path, head: bytes) -> bool:
    """Whether a file is HDF5 with DeepLabCut's frame in it."""
    if not head.startswith(_MAGIC):
        return False
    try:
        with opened(path) as file:
            return _KEY in file
    except InputError:
        return path.suffix.lower() in (".h5", ".hdf5")  # its reader says what is wrong


def read_h5(path: Path) -> Table:
    """A file of DeepLabCut.

    Raises
    ------
    InputError : h5py is not installed, not such a file, or too large
    """
    with opened(path) as file:
        if _KEY not in file:
            raise InputError(f"{path}: has no frame {_KEY!r}; expected DeepLabCut's HDF5 file")
        frame = file[_KEY]
        if own_dataset(frame, "table") is not None:
            index, heads, values = _table(frame, path)
        else:
            index, heads, values = _fixed(frame, path)
    depth = {len(h) for h in heads}
    if len(depth) != 1 or not depth <= {3, 4}:
        raise InputError(f"{path}: its columns are not DeepLabCut's: scorer, (individuals,) bodyparts, coords")
    lines = HEADS if depth == {4} else tuple(h for h in HEADS if h != "individuals")
    if (np.abs(values) > MAX_COORDINATE).any():
        raise InputError(f"{path}: a number beyond {MAX_COORDINATE:g} is no coordinate in a picture")
    columns = {name: [str(h[i]) for h in heads] for i, name in enumerate(lines)}
    return Table.of(path, columns, values, index, list(range(1, len(index) + 1)), [])


def write_h5(path: Path, heads: Sequence[tuple[str, ...]], index: Sequence[str], values: np.ndarray) -> None:
    """One frame as DeepLabCut keeps its labels.

    Parameters
    ----------
    heads : for each of C columns its cells of the head, 3 or 4
    index : R paths, or numbers of frames
    values : (R, C)

    Raises
    ------
    InputError : pandas or PyTables is not installed
    """
    try:
        import pandas
        import tables  # noqa: F401 - pandas needs it
    except ImportError:
        raise InputError(
            f"{path}: writing HDF5 needs pandas and PyTables; install them with: pip install 'cairn-landmarks[h5]'"
        ) from None
    names = HEADS if len(heads[0]) == 4 else tuple(h for h in HEADS if h != "individuals")
    columns = pandas.MultiIndex.from_tuples(heads, names=names)
    parts = [i.split("/") for i in index]
    rows: Any = list(index)
    if all(len(p) == 3 for p in parts):
        rows = pandas.MultiIndex.from_tuples([tuple(p) for p in parts])
    elif all(i.isdigit() for i in index):
        rows = [int(i) for i in index]
    with made_whole(path) as file:
        pandas.DataFrame(values, columns=columns, index=rows).to_hdf(str(file), key=_KEY, mode="w")


def _fixed(frame: Any, path: Path) -> tuple[list[str], list[tuple[Any, ...]], np.ndarray]:
    """pandas' fixed format: arrays of labels beside arrays of numbers."""
    index = ["/".join(map(str, row)) for row in _axis(frame, "axis1", path)]
    heads: list[tuple[Any, ...]] = []
    blocks = []
    for i in range(min(int(frame.attrs.get("nblocks", 1)), 1000)):
        numbers = _array(frame, f"block{i}_values", path)
        if numbers.dtype.kind not in "fiu" or numbers.ndim != 2:
            raise InputError(f"{path}: holds more than numbers; export the table as CSV in DeepLabCut")
        block = numbers if frame[f"block{i}_values"].attrs.get("transposed", 0) else numbers.T
        labels = _axis(frame, f"block{i}_items", path)
        if block.shape != (len(index), len(labels)):
            raise InputError(f"{path}: its columns and its numbers differ in count; the file is damaged")
        heads += labels
        blocks.append(block.astype(np.float64))
    order = {label: i for i, label in enumerate(_axis(frame, "axis0", path))}
    places = np.argsort([order.get(h, len(order)) for h in heads], kind="stable")
    return index, [heads[i] for i in places], np.concatenate(blocks, axis=1)[:, places]


def _axis(frame: Any, name: str, path: Path) -> list[tuple[Any, ...]]:
    """The labels of rows or columns, each as a tuple of its levels."""
    if own_dataset(frame, name) is not None:
        return [(_text(v),) for v in _array(frame, name, path)]
    levels = []
    for i in range(8):
        if f"{name}_level{i}" not in frame:
            break
        values = [_text(v) for v in _array(frame, f"{name}_level{i}", path)]
        codes = _array(frame, f"{name}_label{i}", path)
        if codes.dtype.kind != "i" or (len(codes) and not -1 <= codes.min() <= codes.max() < len(values)):
            raise InputError(f"{path}: its labels do not fit together; the file is damaged")
        levels.append([values[c] if c >= 0 else "" for c in codes])
    if not levels:
        raise InputError(f"{path}: has no {name}; expected DeepLabCut's HDF5 file")
    return list(zip(*levels, strict=False))


def _table(frame: Any, path: Path) -> tuple[list[str], list[tuple[Any, ...]], np.ndarray]:
    """pandas' table format: one array of records, the names of the columns in its attributes."""
    table = own_dataset(frame, "table")
    fields = table.dtype.names or ()
    blocks = [f for f in fields if f.startswith("values_block_")]
    if "index" not in fields or not blocks:
        raise InputError(f"{path}: its table is not DeepLabCut's; export it as CSV there")
    if table.size * table.dtype.itemsize > 8 * _MOST:
        raise InputError(f"{path}: claims more numbers than can be read; split it")
    rows = table[:]
    heads: list[tuple[Any, ...]] = []
    values = []
    for block in blocks:
        labels = _names(table.attrs.get(f"{block}_kind"), path)
        numbers = rows[block].reshape(len(rows), -1)
        if numbers.dtype.kind not in "fiu" or numbers.shape[1] != len(labels):
            raise InputError(f"{path}: its columns and its numbers differ in count; the file is damaged")
        heads += labels
        values.append(numbers.astype(np.float64))
    return [str(_text(i)) for i in rows["index"]], heads, np.concatenate(values, axis=1)


def _array(frame: Any, name: str, path: Path) -> np.ndarray:
    found = own_dataset(frame, name)
    if found is None or found.dtype.kind not in "fiuS" or found.size * found.dtype.itemsize > 8 * _MOST:
        raise InputError(f"{path}: {shown(name)} is missing or cannot be read; export the table as CSV in DeepLabCut")
    return found[...]


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


_MARK = object()


def _names(pickle: Any, path: Path) -> list[tuple[Any, ...]]:
    """The list of tuples of names that a pickle describes; any step that does more than that is refused."""
    data = pickle.encode("utf-8", "surrogateescape") if isinstance(pickle, str) else bytes(pickle or b"")
    stack: list[Any] = []
    memo: dict[Any, Any] = {}
    try:
        for step, argument, _ in pickletools.genops(data):
            name = step.name
            if name == "STOP":
                break
            if name == "MARK":
                stack.append(_MARK)
            elif name in ("EMPTY_LIST", "EMPTY_TUPLE"):
                stack.append([] if name == "EMPTY_LIST" else ())
            elif name in ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "INT", "BININT", "BININT1", "BININT2"):
                stack.append(argument)
            elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
                memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
            elif name in ("GET", "BINGET", "LONG_BINGET"):
                stack.append(memo[argument])
            elif name == "APPEND":
                last = stack.pop()
                stack[-1].append(last)
            elif name in ("TUPLE", "LIST", "APPENDS"):
                at = max(i for i, v in enumerate(stack) if v is _MARK)
                items = stack[at + 1 :]
                del stack[at:]
                if name == "APPENDS":
                    stack[-1].extend(items)
                else:
                    stack.append(tuple(items) if name == "TUPLE" else items)
            elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
                count = int(name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            elif name not in ("PROTO", "FRAME"):
                raise ValueError(f"step {name}")
        (found,) = stack
        if isinstance(found, list) and all(isinstance(t, tuple) and all(isinstance(n, str) for n in t) for t in found):
            return found
        raise ValueError("no list of names")
    except (ValueError, IndexError, KeyError, AttributeError, TypeError):
        raise InputError(
            f"{path}: the names of its columns are not plain text; export the table as CSV in DeepLabCut"
        ) from None
