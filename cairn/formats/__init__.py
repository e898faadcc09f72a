"""Label files: one module a format, each with ``read``, ``write`` and ``matches``.

`read` tells the format from the content, not from the name, and needs no settings. Whatever the format, points come out
with 0 at the centre of the first pixel, with boxes around them where the file has none, and what `cairn.schemes` knows
about their names is added.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import (
    coco,
    coco_results,
    csv_long,
    csv_wide,
    cvat,
    deeplabcut,
    imglab,
    label_studio,
    labelme,
    mediapipe,
    morphoj,
    openpose,
    parquet,
    pts,
    sleap,
    stereomorph,
    tps,
    via,
    webmorph,
    yolo_pose,
)
from cairn.formats.pictures import SUFFIXES as PICTURES
from cairn.formats.text import head_of
from cairn.images import as_images
from cairn.landmarks import Landmarks

__all__ = ["FORMATS", "SUFFIXES", "read", "sniff", "write"]

# In the order in which a file's content is tried: a DeepLabCut table is a CSV too.
FORMATS: dict[str, ModuleType] = {
    "sleap": sleap,
    "yolo_pose": yolo_pose,
    "pts": pts,
    "imglab": imglab,
    "cvat": cvat,
    "labelme": labelme,
    "label_studio": label_studio,
    "via": via,
    "openpose": openpose,
    "mediapipe": mediapipe,
    "coco_results": coco_results,
    "coco": coco,
    "tps": tps,
    "webmorph": webmorph,
    "deeplabcut": deeplabcut,
    "csv_long": csv_long,
    "parquet": parquet,
    "stereomorph": stereomorph,
    "morphoj": morphoj,
    "csv": csv_wide,
}

SUFFIXES = {
    ".pts": "pts",
    ".slp": "sleap",
    ".json": "coco",
    ".tps": "tps",
    ".h5": "deeplabcut",
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".xml": "imglab",
    ".tem": "webmorph",
}
_KINDS = (
    "one of the formats that `cairn formats` lists, such as a folder of .pts files, COCO JSON, TPS, DeepLabCut, SLEAP, "
    "CVAT, LabelMe, imglab, or a table with columns such as image,nose_x,nose_y"
)


def sniff(path: str | Path) -> str:
    """Name of the format of a file or folder, told from its content.

    Raises
    ------
    InputError : missing, empty, of no known format, or a folder with several
    """
    path = Path(path)
    if path.is_dir():
        found = [name for name, module in FORMATS.items() if module.matches(path, b"")]
        if len(found) > 1:
            raise InputError(f"{path}: has labels in several formats ({', '.join(found)}); name the file")
        if not found:
            raise InputError(f"{path}: no labels in this folder; expected {_KINDS}")
        return found[0]
    head = head_of(path)
    for name, module in FORMATS.items():
        if module.matches(path, head):
            return name
    other = _what_else(path, head)
    if other:
        raise InputError(f"{path}: {other}")
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:  # its reader says what is wrong with it
        return SUFFIXES[suffix]
    raise InputError(f"{path}: not a format that is known; expected {_KINDS}")


def read(path: str | Path, *, format: str | None = None, pictures: str | Path | None = None) -> Dataset:
    """Labelled pictures from a file or folder.

    Parameters
    ----------
    path : a file, or a folder of ``.pts``, of several observers' CSV files, or with one of the other formats in it
    format : a key of `FORMATS`; told from the content where it is not given
    pictures : a folder in which the pictures are looked for first, for labels that do not stand beside them

    Returns
    -------
    Dataset : its pictures are not read yet, but all exist

    Raises
    ------
    InputError : one sentence with the file, and the line where there is one
    """
    if pictures is not None and not Path(pictures).is_dir():
        raise InputError(f"{pictures}: there is no such folder of pictures; check the path")
    return _module(format or sniff(path)).read(Path(path), pictures)


def write(data: Dataset | Landmarks, path: str | Path, *, format: str | None = None, images: Any = None) -> list[str]:
    """Write labels or predictions; the file appears whole or not at all.

    Parameters
    ----------
    data : a data set, or landmarks together with `images`
    path : ``.json`` is COCO, ``.csv``, ``.tps`` and ``.pts`` are what they say; a folder is ``.pts``, or ``csv`` where
        the data has several observers
    format : a key of `FORMATS`, where the name does not say it: ``deeplabcut``
    images : the pictures that ``data.image_index`` points into, where `data` is `Landmarks`: paths, or as the model got
        them

    Returns
    -------
    sentences about what the format could not carry; none if reading gives the same back

    Raises
    ------
    InputError : a place that cannot be written to, an unknown format, no images, pictures whose height is needed and
        that cannot be read
    """
    path = Path(path)
    if isinstance(data, Landmarks):
        if images is None:
            raise InputError(f"{path}: landmarks alone do not say which pictures they are in; give images as well")
        try:
            data = Dataset(as_images(images), data)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from None
    if format is None:
        folder = "csv" if data.observers is not None else "pts"
        format = folder if path.is_dir() or not path.suffix else SUFFIXES.get(path.suffix.lower())
        if format is None:
            raise InputError(f"{path}: {path.suffix!r} is the name of no format; use {', '.join(SUFFIXES)} or a folder")
    return _module(format).write(data, path)


def _what_else(path: Path, head: bytes) -> str:
    """What people give instead of labels, and what to do; empty where it is nothing of that kind."""
    suffix = path.suffix.lower()
    if suffix == ".cairn":
        return "a model, not labels; cairn info shows what it is"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if suffix in (".xlsx", ".xlsm", ".ods", ".numbers"):
            return "a spreadsheet; save its table as CSV (or Unicode text) and give that"
        return (
            "a packed archive (zip), as CVAT and Label Studio export; unpack it, and give the folder or the file in it"
        )
    if head.startswith((b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!")) or head[257:262] == b"ustar":
        return "a packed archive; unpack it, and give the folder or the file in it"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "an old Office document; save its table as CSV and give that"
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8", b"BM")) and suffix in PICTURES:
        return "a picture, not labels; give the file or the folder of the labels"
    return ""


def _module(name: str) -> ModuleType:
    if name not in FORMATS:
        raise InputError(f"no format {name!r}; the known ones are {', '.join(FORMATS)}")
    return FORMATS[name]
