"""Where ``cairn detect`` writes: one picture gives a picture and JSON, several give a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.errors import InputError
from cairn.files import check_folder

if TYPE_CHECKING:
    from cairn.images import Source

__all__ = ["Outputs", "choose_outputs"]

_PICTURES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Outputs:
    """The file of points, and the drawn picture of each source; None where there is none."""

    points: Path | None
    picture: Callable[[Source], Path] | None


def choose_outputs(pictures: Sequence[Path], count: int, out: Path | None, drawn: bool, *, silent: bool) -> Outputs:
    """Decide from what was given.

    Parameters
    ----------
    pictures : the arguments
    count : pictures and frames in them
    out : a file, a folder, or None for the current folder
    drawn : draw every picture, even of folders and videos
    silent : write only what `out` and `drawn` ask for

    Raises
    ------
    InputError : `out` fits neither, cannot be written, or is one of the inputs
    """
    single = len(pictures) == 1 and count <= 1 and not pictures[0].is_dir()
    stem = pictures[0].resolve().stem if len(pictures) == 1 else ""
    folder, file = Path(), None
    if out is not None:
        if out.is_dir() or not out.suffix:
            folder = out
        else:
            folder, file = out.parent, out
            _check_file(file, pictures, single)
    check_folder(folder)
    if file is not None:
        if file.suffix.lower() in _PICTURES:
            return Outputs(None, lambda _: file)
        if not drawn:
            return Outputs(file, None)
        return Outputs(file, _Names(file.with_suffix("") if not single else folder))
    if single:
        if out is None and silent:
            return Outputs(None, _Names(folder) if drawn else None)
        return Outputs(folder / f"{stem}-landmarks.json", _Names(folder))
    table = folder / (f"{stem}-landmarks.csv" if stem else "landmarks.csv")
    pictures_in = folder if out is not None else table.with_suffix("")
    return Outputs(None if out is None and silent else table, _Names(pictures_in) if drawn else None)


def _check_file(file: Path, pictures: Sequence[Path], single: bool) -> None:
    from cairn.formats import SUFFIXES

    if not file.absolute().parent.is_dir():
        raise InputError(f"--out {file}: there is no folder {file.parent}")
    if file.suffix.lower() in _PICTURES and not single:
        raise InputError(f"--out {file}: one picture cannot hold many; give a folder, or a .csv or .json file")
    if file.suffix.lower() not in (*_PICTURES, *SUFFIXES):
        known = ", ".join((*_PICTURES, *SUFFIXES))
        raise InputError(f"--out {file}: {file.suffix!r} is the name of no format; use {known} or a folder")
    if any(p.exists() and file.exists() and p.samefile(file) for p in pictures):
        raise InputError(f"--out {file}: would overwrite the picture itself; choose another name")


class _Names:
    """``photo-landmarks.png`` for ``photo.jpg``, ``clip-000012-landmarks.png`` for a frame; never the same twice."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.taken: dict[str, int] = {}

    def __call__(self, source: Source) -> Path:
        part = source.frame if source.frame is not None else source.page
        stem = Path(source.path).stem + ("" if part is None else f"-{part:06d}")
        count = self.taken[stem] = self.taken.get(stem, 0) + 1
        return self.folder / f"{stem}{'' if count == 1 else f'-{count}'}-landmarks.png"
