"""WebMorph ``.tem``: a template of points and lines for each picture, as in the Face Research Lab London Set.

::

    189
    188.000<tab>210.333
    ...
    44                      lines: for each whether it is closed, how many points it has, and which, from 0
    0
    9
    2 3 4 5 6 7 8 9 2

The layout is that of Psychomorph, as webmorphR reads and writes it (``tem_text`` in
https://debruine.github.io/webmorphR).

Origin: webmorphR mirrors points about ``(width - 1) / 2``, so 0 is the centre of the first pixel and points are taken
as they stand.

``a.tem`` belongs to ``a.jpg`` (or .png ...) beside it; a folder is searched with all its folders. Lines become edges,
those of the first file that has any.

Cannot carry: names, more than one object in a picture, pictures without an object, visibility, boxes, splits. WebMorph
wants every point; one without label is written as NaN.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.formats.document import files_of
from cairn.formats.pictures import PictureFinder, files_beside, picture_names
from cairn.formats.rows import check_count, coordinates, fill_boxes, losses, named, whole_points
from cairn.formats.text import head_of, numbers, read_text, shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = ["VERIFIED", "matches", "read", "write"]

VERIFIED = "a file of webmorphR's repository"

_NUMBER = rb"[-+]?(?:\d{1,9}(?:\.\d{0,20})?|nan)"
_HEAD = re.compile(
    rb"\s{0,99}\d{1,5}[ \t]*\r?\n[ \t]*" + _NUMBER + rb"[ \t]+" + _NUMBER + rb"[ \t]*\r?\n", re.IGNORECASE
)
_MAX_LINES = 10_000


def matches(path: Path, head: bytes) -> bool:
    """Whether a file begins with a number of points and a point, or a folder holds ``.tem`` files."""
    if path.is_dir():
        return any(matches(p, head_of(p)) for p in files_of(path, ".tem", below=True))
    return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path, pictures: str | Path | None = None) -> Dataset:
    """One file or a folder of them.

    Parameters
    ----------
    path : the file or the folder
    pictures : a folder in which pictures are looked for too

    Raises
    ------
    InputError : nothing to read, a file that is not as above, files with different numbers of points, a missing picture
    """
    path = Path(path)
    files = files_of(path, ".tem", below=True) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no .tem file in this folder")
    sources: dict[Source, Path] = {}
    points: list[np.ndarray] = []
    edges: list[tuple[int, int]] = []
    finders: dict[Path, PictureFinder] = {}
    for file in files:
        own, lines = _template(file)
        if points and len(own) != len(points[0]):
            raise InputError(
                f"{file}: {len(own)} points, but {files[0]} has {len(points[0])}; one data set has one number of points"
            )
        find = finders.setdefault(file.parent, PictureFinder(file, [file.parent], pictures))
        find.label_file = file
        source = find(file.stem)
        if source in sources:
            raise InputError(f"{file}: the picture {shown(source)} has the template {sources[source]} already")
        sources[source] = file
        points.append(own)
        edges = edges or lines
    array = whole_points(np.array(points))
    skeleton = named([f"p{i}" for i in range(array.shape[1])], str(files[0]), edges)
    marks = Landmarks(skeleton, array, fill_boxes(array), np.arange(len(array)))
    return Dataset(ImageList(sources), marks)


def _template(path: Path) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """(K, 2) px, and the edges that its lines are made of."""
    rows = [(i, line.split()) for i, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]
    if not rows:
        raise InputError(f"{path}: the file is empty; expected the number of points")
    at = 0

    def whole(what: str, most: int) -> int:
        nonlocal at
        line, tokens = rows[at] if at < len(rows) else (rows[-1][0], [])
        if not tokens:
            raise InputError(f"{path}: ends before {what}; copy it again")
        if len(tokens) != 1 or not re.fullmatch(r"\d{1,9}", tokens[0], re.ASCII) or int(tokens[0]) > most:
            raise InputError(f"{path}, line {line}: {shown(' '.join(tokens))}; expected {what}")
        at += 1
        return int(tokens[0])

    count = check_count(whole("the number of points", 10**9), str(path))
    if len(rows) < 1 + count:
        raise InputError(f"{path}: ends after {len(rows) - 1} of {count} points; copy it again")
    points = []
    for line, tokens in rows[1 : 1 + count]:
        values = numbers(tokens, f"{path}, line {line}")
        if len(values) != 2:
            raise InputError(f"{path}, line {line}: {len(values)} numbers; expected x and y")
        points.append(values)
    at = 1 + count
    edges: dict[tuple[int, int], None] = {}
    for _ in range(whole("the number of lines", _MAX_LINES) if at < len(rows) else 0):
        closed = whole("whether the line is closed, 0 or 1", 1)
        length = whole("the number of points of the line", _MAX_LINES)
        if at == len(rows):
            raise InputError(f"{path}: ends before the points of a line; copy it again")
        line, tokens = rows[at]
        at += 1
        good = len(tokens) == length and all(re.fullmatch(r"\d{1,5}", t, re.ASCII) and int(t) < count for t in tokens)
        if not good:
            raise InputError(f"{path}, line {line}: expected {length} points from 0 to {count - 1}")
        chain = [int(t) for t in tokens] + [int(t) for t in tokens[:closed]]
        for a, b in pairwise(chain):
            if a != b and (b, a) not in edges:
                edges[a, b] = None
    return np.array(points), list(edges)


def write(dataset: Dataset, path: Path) -> list[str]:
    """Write a folder with a file for each picture; or one file, for one object.

    Returns
    -------
    sentences about what could not be written
    """
    path = Path(path)
    marks, skeleton = dataset.landmarks, dataset.skeleton
    single = path.suffix.lower() == ".tem" and not path.is_dir()
    if single and len(dataset) != 1:
        raise InputError(f"{path}: a .tem file holds one object, and there are {len(dataset)}; name a folder")
    if not single and path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; a WebMorph data set is a folder")
    folder = path.parent if single else path
    folder.mkdir(parents=True, exist_ok=True)
    names, _ = picture_names(dataset.images, folder)
    files = [path.name] * len(names) if single else files_beside(names, ".tem")
    tail = _lines(skeleton)
    done: set[int] = set()
    misnamed = 0
    for row, i in enumerate(marks.image_index):
        if int(i) in done:
            continue
        done.add(int(i))
        where = PurePosixPath(names[i])
        misnamed += where.is_absolute() or str(where.with_suffix(".tem")) != files[i]
        pairs = ["\t".join(c or "NaN" for c in coordinates(p)) for p in whole_points(marks.points[row, :, :2])]
        target = folder / files[i]
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, "\n".join([str(len(skeleton)), *pairs, *tail]) + "\n")
    carries = set()
    back = complete(Skeleton(Skeleton.anonymous(len(skeleton)).names, edges=skeleton.edges))
    if all(getattr(skeleton, f) == getattr(back, f) for f in ("edges", "flip", "parts", "normalisers", "sigmas")):
        carries.add("schema")
    lost = losses(dataset, carries, "WebMorph")
    if len(done) < len(marks):
        lost.append(f"WebMorph has room for one object in a picture; {len(marks) - len(done)} further ones not written")
    missing = int((~marks.labelled).sum())
    if missing:
        lost.append(f"WebMorph wants every point; {missing} without label are written as NaN")
    if misnamed:
        lost.append(
            f"{misnamed} templates are not beside a picture of the same name, by which they are found; move them there"
        )
    return lost


def _lines(skeleton: Skeleton) -> list[str]:
    """The edges, those that follow on each other being one line."""
    chains: list[list[int]] = []
    for a, b in skeleton.edges:
        if chains and chains[-1][-1] == a:
            chains[-1].append(b)
        else:
            chains.append([a, b])
    text = [str(len(chains))]
    for chain in chains:
        text += ["0", str(len(chain)), " ".join(map(str, chain))]
    return text
