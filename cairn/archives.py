"""Archives from strangers, unpacked safely: zip and tar (gz, bz2, xz).

Nothing is written outside the folder, links and devices are refused, and what comes out is counted as it is written, so
that a small file cannot fill the disk. The folder appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from cairn.errors import InputError

__all__ = ["MAX_FILES", "MAX_RATIO", "is_archive", "unpack"]

MAX_FILES = 1_000_000
MAX_RATIO = 100  # times the archive's size, for all files together; pictures and labels stay far below
_ROOM = 64 << 20  # bytes that are always allowed: text shrinks a lot
_BLOCK = 1 << 20
_DEEPEST = 64  # folders


def is_archive(path: str | Path) -> bool:
    """Whether a file is a zip or tar archive, by its content."""
    path = Path(path)
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error):
        return False


def unpack(path: str | Path, folder: str | Path) -> int:
    """Unpack all files into a new folder.

    Parameters
    ----------
    path : the archive
    folder : must not exist yet; the one above it must

    Returns
    -------
    number of files

    Raises
    ------
    InputError : not an archive, broken, a name that leaves the folder, a link or device, more than `MAX_FILES` files or
        `MAX_RATIO` times the archive's size; the folder is not there then
    """
    path, folder = Path(path), Path(folder)
    if folder.exists():
        raise InputError(f"{folder}: is there already; give another place, or take it away first")
    limit = MAX_RATIO * path.stat().st_size + _ROOM
    count = written = 0
    with tempfile.TemporaryDirectory(prefix=".cairn.", dir=folder.parent) as room:
        inside = Path(room, "files")
        inside.mkdir()
        try:
            for name, stream in _files(path):
                target = inside.joinpath(*_parts(path, name))
                count += 1
                if count > MAX_FILES:
                    raise InputError(f"{path}: has more than {MAX_FILES:,} files; nothing was unpacked")
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as out:
                    while block := stream.read(_BLOCK):
                        written += len(block)
                        if written > limit:
                            raise InputError(
                                f"{path}: holds more than {MAX_RATIO} times its own size, as only a trap does; nothing "
                                "was unpacked"
                            )
                        out.write(block)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, ValueError) as error:
            raise InputError(f"{path}: is a broken archive ({error}); nothing was unpacked") from None
        except FileExistsError as error:
            raise InputError(f"{path}: has {Path(str(error.filename)).name} twice; nothing was unpacked") from None
        except RuntimeError:  # what zipfile says of a password
            raise InputError(f"{path}: is locked with a password; unpack it by hand") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be unpacked ({error.strerror or error})") from None
        os.rename(inside, folder)
    return count


def _files(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.is_dir():
                    continue
                mode = entry.external_attr >> 16
                if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                    raise InputError(f"{path}: {entry.filename!r} is a link or device; nothing was unpacked")
                with archive.open(entry) as stream:
                    yield entry.filename, stream
    elif tarfile.is_tarfile(path):
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                if member.isdir():
                    continue
                if not member.isreg():
                    raise InputError(f"{path}: {member.name!r} is a link or device; nothing was unpacked")
                content = archive.extractfile(member)
                assert content is not None
                with content:
                    yield member.name, content
            if archive.fileobj is not None:  # what is behind the last file, and with it the checksum of gz, bz2 or xz
                for _ in range(_ROOM // _BLOCK):
                    if not archive.fileobj.read(_BLOCK):
                        break
    else:
        raise InputError(f"{path}: is no zip or tar archive")


def _parts(path: Path, name: str) -> tuple[str, ...]:
    """The folders and the file of a name in the archive."""
    plain = name.replace("\\", "/")
    parts = PurePosixPath(plain).parts
    bad = not parts or plain.startswith("/") or ".." in parts or any(":" in p or "\0" in p for p in parts)
    if bad or len(parts) > _DEEPEST or any(len(p.encode("utf-8", "surrogateescape")) > 255 for p in parts):
        raise InputError(f"{path}: the name {name[:80]!r} would leave the folder or is no name; nothing was unpacked")
    return parts


def free_space(folder: str | Path) -> int:
    """Bytes that can still be written there."""
    return shutil.disk_usage(folder).free
