"""The pictures that a label file speaks of: where they are, how large, and what to call them when writing.

A name in a label file is looked for in the file's folder and in ``images`` beside it, and in a folder that the caller
names. A name that climbs out of the folder with ``..`` is refused, since label files come from other people; where the
caller names a folder, what follows the last ``..`` is looked for in it. A full path is taken where it exists;
otherwise, being from another machine, as many of its folders count as are there.
"""

from __future__ import annotations

import os
import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from cairn.errors import InputError
from cairn.formats.text import MAX_COORDINATE, shown
from cairn.images import Image, ImageList, Source, read_image

__all__ = [
    "ELSEWHERE",
    "SUFFIXES",
    "PictureFinder",
    "files_beside",
    "is_file",
    "json_for_each",
    "picture_names",
    "picture_size",
    "warn_of_sizes",
]

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".ppm", ".pgm")

ELSEWHERE = "if it is elsewhere, name its folder (--pictures, in Python pictures=)"
"""What to do about a picture that was not found."""

_PLAIN = re.compile(r"[^/.:][^/:]*")  # the name of a file and nothing more
_LOOKED_AT = 20  # pictures of a label file whose size is compared
_FOLDERS = 16  # of a name, counted from its end
_OFTEN = 500  # names looked for in one folder, before its files are listed
_PART = re.compile(r"^(.+)#(\d+)$")  # video.mp4#12 is a frame, scan.tif#3 a page
_DRIVE = re.compile(r"^[A-Za-z]:/")


class PictureFinder:
    """Finds the pictures of one label file.

    Parameters
    ----------
    label_file : for messages
    folders : where to look, best first
    pictures : a folder that the user named, looked into first
    """

    def __init__(self, label_file: Path, folders: Sequence[Path], pictures: str | Path | None = None):
        self.label_file = label_file
        self.named = pictures is not None
        roots = [] if pictures is None else [Path(pictures)]
        for folder in folders:
            roots += [folder, folder / "images"]
        self.roots = list(dict.fromkeys(roots))
        self._root_names = ["" if str(r) == "." else os.path.join(r, "") for r in self.roots]
        self._listings: dict[Path, dict[str, Path]] = {}
        self._asked: dict[str, int] = {}
        self._files: dict[str, set[str]] = {}
        self._moved: dict[Path, str] = {}

    def __call__(self, name: str, line: int | None = None) -> Source:
        """The picture called `name`.

        Raises
        ------
        InputError : empty, climbing out of the folder, or not there; the message says where it was looked for
        """
        where = str(self.label_file) if line is None else f"{self.label_file}, line {line}"
        plain = name.strip().replace("\\", "/")
        if not plain or "\0" in plain or len(plain) > 4096:
            raise InputError(f"{where}: {shown(name)} is not the name of a picture")
        whole, steps = plain, plain.split("/")
        if ".." in steps:  # as LabelMe writes it where its labels have a folder of their own
            if not self.named:
                raise InputError(
                    f"{where}: the picture {shown(name)} leaves the folder; name the folder of the pictures "
                    "(--pictures, in Python pictures=), or move the labels beside them"
                )
            plain = "/".join(steps[len(steps) - steps[::-1].index("..") :])
        elif _PLAIN.fullmatch(plain):  # with text and not with paths: there may be a hundred thousand pictures
            for root in self._root_names:
                if self._is_there(root, plain):
                    return Source(root + plain)
        found = self._find(plain, whole)
        if found is not None:
            return Source(str(found))
        part = _PART.match(plain)
        if part is not None and len(part[2]) < 10:
            found = self._find(part[1], whole.rpartition("#")[0])
            if found is not None and (_has_pages(found) or found.suffix.lower() not in SUFFIXES):
                n = int(part[2])
                return Source(str(found), page=n) if _has_pages(found) else Source(str(found), frame=n)
        looked = ", ".join(str(r) for r in self.roots)
        raise InputError(f"{where}: there is no picture {shown(whole)}; looked in {looked}; {ELSEWHERE}")

    def _find(self, plain: str, whole: str) -> Path | None:
        """Where it says; else the same name with fewer of its folders, for labels are moved to other machines.

        `plain` is what may be looked for of the `whole` name.
        """
        absolute = plain.startswith("/") or _DRIVE.match(plain) is not None
        if absolute and is_file(Path(plain)):
            return Path(plain)
        parts = [part for part in _DRIVE.sub("", plain).split("/") if part not in ("", ".")][-_FOLDERS:]
        for first in range(len(parts)):
            found = self._in_folders("/".join(parts[first:]))
            if found is None:
                continue
            if (absolute or first or plain != whole) and self._moved.setdefault(found, whole) != whole:
                raise InputError(
                    f"{self.label_file}: {shown(whole)} and {shown(self._moved[found])} are not where they were, and "
                    f"{found} could be either; keep the folders that the labels name"
                )
            return found
        return None

    def _in_folders(self, plain: str) -> Path | None:
        for root in self.roots:
            candidate = root / plain
            if is_file(candidate):
                return candidate
        for root in self.roots:  # another case (.JPG), no suffix at all, or dots apart from their letters as on a Mac
            listing = self._listing((root / plain).parent)
            last = _plainest(PurePosixPath(plain).name)
            for wanted in (last, *(last + s for s in SUFFIXES)):
                if wanted in listing:
                    return listing[wanted]
        return None

    def _is_there(self, folder: str, name: str) -> bool:
        """Whether there is such a file; a folder that is asked about often is listed once."""
        known = self._files.get(folder)
        if known is not None:
            return name in known
        self._asked[folder] = self._asked.get(folder, 0) + 1
        if self._asked[folder] == _OFTEN:
            try:
                with os.scandir(folder or os.curdir) as entries:
                    self._files[folder] = {e.name for e in entries if e.is_file()}
            except OSError:
                self._files[folder] = set()
        return os.path.isfile(folder + name)

    def _listing(self, folder: Path) -> dict[str, Path]:
        if folder not in self._listings:
            try:
                entries = sorted(p for p in folder.iterdir() if p.is_file())
            except OSError:
                entries = []
            self._listings[folder] = {_plainest(p.name): p for p in reversed(entries)}
        return self._listings[folder]


def _plainest(name: str) -> str:
    """The same for names that people take for the same."""
    return unicodedata.normalize("NFC", name).lower()


def picture_size(source: Source | Image) -> tuple[int, int]:
    """Width and height in px of the picture as people see it, from its head alone where possible.

    Raises
    ------
    InputError : it is missing or not a picture
    """
    if isinstance(source, Image):
        return source.size
    if source.frame is None and not source.page:
        import PIL.Image

        try:
            with PIL.Image.open(source.path, formats=("JPEG", "PNG", "BMP", "TIFF", "GIF", "WEBP")) as picture:
                width, height = picture.size
                return (height, width) if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8) else (width, height)
        except Exception:  # whatever is wrong, the reader of pixels knows other kinds of files, or says it better
            pass
    return read_image(source).size


def warn_of_sizes(label_file: Path, said: Sequence[tuple[Source, Any, Any]]) -> None:
    """Warn where pictures have another size than their labels say: points would lie somewhere else in them.

    Pictures get smaller or are turned after they were labelled. Not all are opened but some, evenly spread, since what
    happens to one mostly happens to all.

    Parameters
    ----------
    label_file : for the message
    said : the picture, and the width and height that stand in the file; what is no number says nothing
    """
    known = [(source, w, h) for source, w, h in said if _is_length(w) and _is_length(h)]
    some = known[:: max(1, len(known) // _LOOKED_AT)]
    wrong = []
    for source, width, height in some:
        try:
            size = picture_size(source)
        except InputError:
            continue  # whoever reads the pixels will say it
        if size != (width, height):
            wrong.append((source, size, (width, height)))
    if wrong:
        source, size, labelled = wrong[0]
        turned = " (turned?)" if size == labelled[::-1] else ""
        warnings.warn(
            f"{label_file}: {Path(source.path).name} has {size[0]} x {size[1]} px, but its labels were made on "
            f"{labelled[0]:g} x {labelled[1]:g}{turned}; so it is in {len(wrong)} of {len(some)} pictures looked at. "
            "Points are taken as they stand: use the pictures that were labelled",
            stacklevel=2,
        )


def _is_length(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= MAX_COORDINATE


def picture_names(images: ImageList, folder: Path) -> tuple[list[str], list[str]]:
    """What to call each image in a label file in `folder`.

    Returns
    -------
    names : relative to `folder` where the picture is below it, otherwise the full path
    notes : sentences for the user

    Raises
    ------
    InputError : a name with line breaks or bytes that are not UTF-8
    """
    folder = folder.resolve()
    names, notes = [], []
    outside = homeless = 0
    for i, item in enumerate(images.sources):
        source = item.source if isinstance(item, Image) else item
        if source is None:
            names.append(f"image_{i:04d}.png")
            homeless += 1
            continue
        path = Path(source.path).absolute()
        resolved = path.resolve()
        if resolved.is_relative_to(folder):
            name = resolved.relative_to(folder).as_posix()
        else:
            name = resolved.as_posix()
            outside += 1
        part = source.page if source.page is not None else source.frame
        name = name if part is None else f"{name}#{part}"
        if not name.isprintable():
            raise InputError(f"{name!r}: the picture's name has bytes that no label file can hold; rename it")
        names.append(name)
    if outside:
        notes.append(
            f"{outside} of {len(names)} pictures are not below {folder}, so their full paths are written; "
            "on another machine put the labels beside the pictures"
        )
    if homeless:
        notes.append(f"{homeless} pictures come from no file; save them under the names written, image_0000.png and on")
    return names, notes


def files_beside(names: Sequence[str], suffix: str, image_index: Iterable[int] | None = None) -> list[str]:
    """Names of label files, one for each picture or each row: the picture's own name with another suffix.

    A name that is taken already gets _2, _3; a picture outside the folder gives its last part only.

    Parameters
    ----------
    names : as `picture_names` gives them
    suffix : ``.pts``
    image_index : the picture of each file; one file for each picture where this is None
    """
    files: list[str] = []
    taken: set[str] = set()
    for i in range(len(names)) if image_index is None else image_index:
        name = names[i]
        relative = PurePosixPath(name).name if PurePosixPath(name).is_absolute() else name
        stem = str(PurePosixPath(relative.replace("#", "_")).with_suffix(""))
        file, n = f"{stem}{suffix}", 1
        while file.lower() in taken:
            n += 1
            file = f"{stem}_{n}{suffix}"
        taken.add(file.lower())
        files.append(file)
    return files


def json_for_each(
    images: ImageList, path: Path, ending: str, what: str
) -> tuple[Path, list[str], list[str], list[str]]:
    """Where a format of one JSON file a picture is written: a folder, or the one file, for one picture.

    Parameters
    ----------
    path : a folder, which is made, or a ``.json`` file
    ending : of the files, after the picture's own name
    what : the format, with its article, for messages

    Returns
    -------
    folder, names of the pictures, names of the files, notes for the user

    Raises
    ------
    InputError : several pictures for one file, or a file where a folder should be
    """
    single = path.suffix.lower() == ".json" and not path.is_dir()
    if single and len(images) != 1:
        raise InputError(f"{path}: {what} file holds one picture, and there are {len(images)}; name a folder")
    if not single and path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; {what} data set is a folder")
    folder = path.parent if single else path
    folder.mkdir(parents=True, exist_ok=True)
    names, notes = picture_names(images, folder)
    return folder, names, [path.name] if single else files_beside(names, ending), notes


def is_file(path: Path) -> bool:
    """Whether there is such a file; not where no file system takes the name."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _has_pages(path: Path) -> bool:
    return path.suffix.lower() in (".tif", ".tiff")
