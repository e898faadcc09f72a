"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cairn.errors import InputError

__all__ = ["check_folder", "made_whole", "write_whole"]


def write_whole(path: str | Path, data: bytes | str) -> None:
    """Put `data` (text as UTF-8) into `path`; who reads it sees the old file or the new one, never half of one.

    Raises
    ------
    InputError : the folder is missing or cannot be written to, or `path` is a folder
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; make it first")
    partial = None
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        os.chmod(partial, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(partial, path)
        partial = None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)


@contextmanager
def made_whole(path: str | Path) -> Iterator[Path]:
    """A file beside `path`, with its suffixes, for libraries that write files themselves; it becomes `path` at the end.

    Raises
    ------
    InputError : as `write_whole`
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; make it first")
    try:
        with tempfile.TemporaryDirectory(prefix=".cairn.", dir=path.parent) as folder:
            yield Path(folder, path.name)
            os.replace(Path(folder, path.name), path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def check_folder(folder: str | Path) -> None:
    """Refuse a folder that cannot be written to, or made, so that hours of work do not end with that.

    Raises
    ------
    InputError : it, or the nearest folder above it that exists, is none or takes no file
    """
    place = Path(folder).absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({place}: {error.strerror or error})") from None


def _umask() -> int:
    """Which permissions new files do not get; it can only be read by setting it."""
    now = os.umask(0)
    os.umask(now)
    return now
