"""StereoMorph's shape files: a text file for each picture, as R's ``digitizeImages`` writes it.

::

    <shapes>
        <image.name>a.jpg</image.name>
        <scaling as.numeric=TRUE >0.05</scaling>
        <scaling.units>mm</scaling.units>
        <landmarks.pixel type=matrix rownames=TRUE as.numeric=TRUE>
                nose	251.5	88
        </landmarks.pixel>
    </shapes>

Defined by the package (https://cran.r-project.org/package=StereoMorph, ``readShapes``). It looks like XML and is none.

Origin: pixels from the upper left, y down (the scaled landmarks, which are passed over, have y up). Whether 0 is the
centre of the first pixel or its corner the package does not say; the numbers are taken as they stand. ``NA`` is a
missing point. A file without ``image.name`` belongs to the picture of its own name.

``scaling`` becomes mm per pixel where all files agree and ``scaling.units`` is a unit of length (um, mm, cm, m), else
the columns ``scaling`` and ``scaling_units``. The control points of Bezier curves become the column ``curves``, a text
in the file's numbers: ``name: x y, x y; name: ...``; the points along a curve are computed from them again by the
package. Several files that name one picture are several objects.

Written is a folder with a file for each object, or one file where there is one object and the name has a suffix.

Cannot carry: edges, visibility, boxes, depth, splits, subjects, confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import files_of
from cairn.formats.objects import Objects
from cairn.formats.pictures import PictureFinder, picture_names
from cairn.formats.rows import coordinates, losses
from cairn.formats.text import head_of, is_missing, number, read_text, shown

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = ""

_HEAD = re.compile(rb"\s*<shapes[\s>]")
_OPEN = re.compile(r"<([A-Za-z][\w.]*)(?:\s[^<>]*)?>")
_MM = {"um": 0.001, "µm": 0.001, "micron": 0.001, "microns": 0.001, "mm": 1.0, "cm": 10.0, "m": 1000.0}
_MOST = 2**22  # characters of one file; a thousand landmarks and curves have a tenth of it
_LOOK = 20  # files of a folder that are looked into to tell what it is


def matches(path: Path, head: bytes) -> bool:
    """Whether a file begins with ``<shapes``, or a folder holds such files."""
    if path.is_dir():
        return any(matches(p, head_of(p)) for p in files_of(path, ".txt")[:_LOOK])
    return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file, or a folder with one for each picture.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too; else they are beside the files, in ``images`` there, or in
        the folder above

    Raises
    ------
    InputError : not such a file, a row that is no landmark, a missing picture
    """
    path = Path(path)
    files = [p for p in files_of(path, ".txt") if matches(p, head_of(p))] if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no StereoMorph shape files in this folder")
    home = path if path.is_dir() else path.parent
    found = Objects(path)
    find = PictureFinder(path, [home, home.absolute().parent], pictures)
    scalings: list[tuple[str, str]] = []
    for file in files:
        content = read_text(file)
        if len(content) > _MOST or re.match(r"\s*<shapes[\s>]", content) is None or "</shapes>" not in content:
            raise InputError(f"{file}: is no whole StereoMorph shape file; expected <shapes> ... </shapes>")
        inner = content[content.index(">") + 1 : content.rindex("</shapes>")]
        parts = {name: part.strip("\r\n") for name, part in _parts(inner, file)}
        image = found.picture(find(parts.get("image.name", "").strip() or file.stem))
        points = _landmarks(parts.get("landmarks.pixel", ""), file)
        curves = _curves(parts.get("curves.control", ""), file)
        if not points and not curves:
            continue
        scalings.append((parts.get("scaling", "").strip(), parts.get("scaling.units", "").strip()))
        found.add(image, points, cells={"curves": curves})
    spacing = _spacing(scalings, path)
    for one, (scaling, units) in zip(found.objects, scalings, strict=True):
        if spacing is None and not is_missing(scaling):
            one.cells |= {"scaling": scaling, "scaling_units": units}
        if not any(o.cells.get("curves") for o in found.objects):
            one.cells.pop("curves", None)
    return found.dataset(list(found.names), spacing=spacing)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write a folder of shape files, or the one file `path`.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks = dataset.landmarks
    single = bool(path.suffix) and not path.is_dir() and len(marks) == 1 and len(dataset.images) == 1
    folder = path.parent if single else path
    if not single:
        if path.is_file():
            raise InputError(f"{path}: is a file; expected the name of a folder")
        if not path.absolute().parent.is_dir():
            raise InputError(f"{path}: there is no folder {str(path.parent)!r}; make it first")
        folder.mkdir(exist_ok=True)
    pictures, notes = picture_names(dataset.images, folder)
    called, safe = _safe_names(dataset.skeleton.names)
    if safe:
        notes.append("names of points with tab stops, < or > cannot be written; points are numbered from 1")
    rows_of: dict[int, list[int]] = {i: [] for i in range(len(pictures))}
    for row, i in enumerate(marks.image_index):
        rows_of[int(i)].append(row)
    taken: set[str] = set()
    own = {c: dataset.columns[c] for c in ("scaling", "scaling_units", "curves") if c in dataset.columns}
    mm = dataset.spacing[0] if dataset.spacing is not None and len(set(dataset.spacing)) == 1 else None
    for i, rows in rows_of.items():
        for row in rows or [-1]:
            lines = ["<shapes>", f"\t<image.name>{pictures[i]}</image.name>", "\t<class>shapes</class>"]
            if row >= 0:
                scaling, units = ("", "") if mm is None else (repr(float(mm)), "mm")
                if mm is None and "scaling" in own:
                    scaling, units = str(own["scaling"][row]), str(own.get("scaling_units", own["scaling"])[row])
                if scaling:
                    lines += [f"\t<scaling as.numeric=TRUE >{scaling}</scaling>"]
                    lines += [f"\t<scaling.units>{units}</scaling.units>"]
                lines.append("\t<landmarks.pixel type=matrix rownames=TRUE as.numeric=TRUE>")
                for name, point in zip(called, marks.points[row, :, :2], strict=True):
                    lines.append("\t\t" + "\t".join([name, *(c or "NA" for c in coordinates(point))]))
                lines.append("\t</landmarks.pixel>")
                lines += _control(str(own["curves"][row])) if "curves" in own else []
            stem = Path(pictures[i].replace("#", "_")).stem
            name, count = stem, 1
            while name.lower() in taken:
                count += 1
                name = f"{stem}_{count}"
            taken.add(name.lower())
            write_whole(path if single else folder / f"{name}.txt", "\n".join([*lines, "</shapes>"]) + "\n")
    carries = {"empty", *own} | (set() if safe else {"names"}) | ({"spacing"} if mm is not None else set())
    return losses(dataset, carries, "StereoMorph") + notes


def _parts(content: str, file: Path) -> Iterator[tuple[str, str]]:
    """Name and content of each part, not of those within it."""
    at = 0
    while (match := _OPEN.search(content, at)) is not None:
        end = content.find(f"</{match[1]}>", match.end())
        if end < 0:
            raise InputError(f"{file}: the part {shown(match[1])} does not end; copy the file again")
        yield match[1], content[match.end() : end]
        at = end


def _landmarks(content: str, file: Path) -> dict[str, list[float]]:
    points: dict[str, list[float]] = {}
    for line in content.splitlines():
        cells = [c.strip() for c in line.strip("\t\r ").split("\t")]
        if cells == [""]:
            continue
        if len(cells) != 3 or not cells[0]:
            raise InputError(f"{file}: {shown(line.strip())} is no landmark; expected a name, x and y")
        if cells[0] in points:
            raise InputError(f"{file}: the landmark {shown(cells[0])} stands twice")
        points[cells[0]] = [number(c, str(file)) for c in cells[1:]]
    return points


def _curves(content: str, file: Path) -> str:
    """Control points as the text of a column."""
    curves = []
    for name, part in _parts(content, file):
        points = [line.split() for line in part.splitlines() if line.strip()]
        for point in points:
            if len(point) != 2:
                raise InputError(f"{file}: {shown(' '.join(point))} in the curve {shown(name)} is not x and y")
            [number(c, str(file)) for c in point]
        curves.append(f"{name}: " + ", ".join(" ".join(p) for p in points))
    return "; ".join(curves)


def _control(cell: str) -> list[str]:
    """The lines of curves, from the text of a column; none of what is no curve."""
    lines = []
    for one in cell.split(";"):
        name, _, points = one.partition(":")
        if re.fullmatch(r"[A-Za-z][\w.]*", name.strip()) and points.strip():
            lines.append(f"\t\t<{name.strip()} type=matrix names=FALSE as.numeric=TRUE>")
            lines += ["\t\t\t" + "\t".join(p.split()) for p in points.split(",")]
            lines.append(f"\t\t</{name.strip()}>")
    return ["\t<curves.control type=list names=TRUE as.numeric=TRUE>", *lines, "\t</curves.control>"] if lines else []


def _spacing(scalings: list[tuple[str, str]], path: Path) -> tuple[float, float] | None:
    if len(set(scalings)) != 1:
        return None
    scaling, units = scalings[0]
    value = number(scaling, f"{path}: scaling")
    mm = value * _MM.get(units.lower(), np.nan)
    return (mm, mm) if np.isfinite(mm) and mm > 0 else None


def _safe_names(names: tuple[str, ...]) -> tuple[list[str], bool]:
    """The names, or numbers where one cannot stand in such a file; and whether that was so."""
    sound = all(n.strip() == n and n.isprintable() and n and not set("<>\t") & set(n) for n in names)
    return (list(names), False) if sound else ([str(i + 1) for i in range(len(names))], True)
