"""HDF5 files of others: how they are opened.

Links that lead out of the file are not followed. And the HDF5 library is C that may run in circles or crash on damaged
bytes, as `scripts/fuzz_formats.py` found; nothing inside this process can end that. So another process reads everything
first, and a file on which it survives is one on which this one survives:

    python -m cairn.hdf5 FILE
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from cairn.errors import InputError

__all__ = ["opened", "own_dataset"]

_SECONDS = 10.0  # to start and to read a small file
_BYTES_A_SECOND = 20 * 2**20
_MEMORY = 6 * 2**30  # bytes of address space: what the labels may claim (`MAX_CONTENT`), and libraries
_PARTS = 100_000
_PIECE = 16 * 2**20  # bytes read at once
_DENSEST = 2000  # times a file's size: no compression does that
_HARMLESS = (OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError, UnicodeError, OverflowError)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The HDF5 file at `path`, to read.

    Raises
    ------
    InputError : h5py is not installed, or it is no such file, or damaged
    """
    try:
        import h5py
    except ImportError:
        raise InputError(
            f"{path}: is an HDF5 file; install its reader with: pip install 'cairn-landmarks[h5]'"
        ) from None
    _refuse_deadly(path)
    try:
        file = h5py.File(path, "r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is no HDF5 file, or cut short ({_first_line(error)}); copy it again") from None
    with file:
        try:
            yield file
        except InputError:
            raise
        except Exception as error:  # HDF5 raises nearly anything on damaged bytes
            raise InputError(f"{path}: the file is damaged ({_first_line(error)}); copy it again") from error


def own_dataset(file: Any, name: str) -> Any:
    """The dataset of that name if its bytes stand in this very file, else None."""
    import h5py

    at = file
    for part in name.split("/"):
        if not isinstance(at, h5py.Group) or not isinstance(at.get(part, getlink=True), h5py.HardLink):
            return None
        at = at[part]
    if not isinstance(at, h5py.Dataset) or at.external or at.is_virtual:
        return None
    return at


# --- a trial in another process ---


def _refuse_deadly(path: Path) -> None:
    """Read the file elsewhere, once until it changes.

    Raises
    ------
    InputError : reading it does not end, crashes, or takes all memory
    """
    try:
        stat = os.stat(path)
    except OSError:  # opening it says more
        return
    problem = _trial(str(path), stat.st_mtime_ns, stat.st_size)
    if problem:
        raise InputError(f"{path}: the file is damaged ({problem}); copy it again")


@lru_cache(maxsize=64)
def _trial(path: str, _: int, size: int) -> str:
    limit = _SECONDS + size / _BYTES_A_SECOND
    command = [sys.executable, "-P", "-m", "cairn.hdf5", path]  # -P: nothing is imported from the folder we stand in
    package = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=limit, env={**os.environ, "PYTHONPATH": paths}, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the HDF5 library had not read it in {limit:.0f} s"
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return words[-1][:200] if words and done.returncode == 1 else "the HDF5 library crashes on it"
    return ""


def _read_everything(path: str) -> None:
    """Every attribute and dataset; an error is no matter here, for whoever reads the file meets it too."""
    import h5py

    size = os.path.getsize(path)
    with contextlib.suppress(OSError, ValueError), h5py.File(path, "r") as file:
        queue, parts = [file], 0
        while queue and parts < _PARTS:
            item = queue.pop()
            parts += 1
            with contextlib.suppress(*_HARMLESS):
                dict(item.attrs)
            if isinstance(item, h5py.Dataset):
                with contextlib.suppress(*_HARMLESS):
                    _read(item, size)
                continue
            with contextlib.suppress(*_HARMLESS):
                queue += [item[name] for name in item if isinstance(item.get(name, getlink=True), h5py.HardLink)]


def _read(dataset: Any, size: int) -> None:
    claimed = dataset.size * dataset.dtype.itemsize
    if claimed > _DENSEST * size + _PIECE:
        raise SystemExit(f"claims {claimed / 2**20:,.0f} MB in {size / 2**20:,.1f} MB")
    if dataset.external or dataset.is_virtual:
        return
    if not dataset.shape:
        dataset[()]
        return
    rows = max(1, _PIECE * dataset.shape[0] // max(claimed, 1))
    for start in range(0, dataset.shape[0], rows):
        dataset[start : start + rows]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


if __name__ == "__main__":
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _read_everything(sys.argv[1])
    except MemoryError:
        raise SystemExit("claims more than fits in memory") from None
