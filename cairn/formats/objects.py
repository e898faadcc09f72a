"""From objects whose points have names, as most labelling tools write them, to a data set.

Such a file lists for each picture some objects, and for each object only the points that were clicked. The points of
the data set are all names that occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats.rows import check_count, fill_boxes, named, text, typed
from cairn.formats.text import shown
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks

__all__ = ["Frame", "Mark", "Objects", "in_order", "order_lost", "order_of"]

_SPARSE = 1_000_000  # cells of a table of points, from which on hardly any being filled is a mistake


@dataclass(frozen=True)
class Mark:
    """A single point of a tool that knows no objects, only points and boxes, and perhaps groups of them."""

    name: str
    x: float
    y: float
    seen: int = 2
    group: Any = None
    cells: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """A box of such a tool: x0, y0, x1, y1 px."""

    box: Sequence[float]
    group: Any = None
    cells: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Object:
    """One object: (x, y[, z]) and visibility (0 to 3, see `Landmarks`) by name of point."""

    image: int
    points: Mapping[str, Sequence[float]]
    seen: Mapping[str, int]
    box: Sequence[float] | None
    confidence: Mapping[str, float]
    score: float
    track: int | None
    cells: dict[str, Any]


@dataclass
class Objects:
    """Collects pictures and objects; `dataset` makes arrays of them.

    Parameters
    ----------
    where : the file, for messages
    """

    where: Path | str
    names: dict[str, None] = field(default_factory=dict)
    sources: dict[Source, int] = field(default_factory=dict)
    objects: list[_Object] = field(default_factory=list)
    loose: list[tuple[int, str, Sequence[Mark], Sequence[Frame]]] = field(default_factory=list)

    def picture(self, source: Source) -> int:
        """Its index; a picture that came before keeps its own."""
        return self.sources.setdefault(source, len(self.sources))

    def add(
        self,
        image: int,
        points: Mapping[str, Sequence[float]],
        *,
        seen: Mapping[str, int] | None = None,
        box: Sequence[float] | None = None,
        confidence: Mapping[str, float] | None = None,
        score: float = np.nan,
        track: int | None = None,
        cells: dict[str, Any] | None = None,
    ) -> None:
        """One object.

        Parameters
        ----------
        image : index of its picture
        points : name: x, y[, z] in px, 0 at the centre of the first pixel
        seen : name: visibility, where it is not 2 with a coordinate and 0 without
        box : x0, y0, x1, y1 px
        confidence : name: 0 to 1
        score, track : of the object
        cells : name of a column: value
        """
        self.names.update(dict.fromkeys(points))
        self.names.update(dict.fromkeys(seen or ()))
        self.objects.append(_Object(image, points, seen or {}, box, confidence or {}, score, track, cells or {}))

    def add_loose(self, image: int, marks: Sequence[Mark], frames: Sequence[Frame], where: str) -> None:
        """The points and boxes of one picture, to be put together to objects (see `_assembled`) when all are known."""
        self.names.update(dict.fromkeys(m.name for m in marks))
        self.loose.append((image, where, marks, frames))

    def settle(self) -> None:
        """Make objects of what `add_loose` took.

        Raises
        ------
        InputError : a point that stands twice, and nothing says in which object
        """
        if not self.loose:
            return
        for image, where, marks, frames in self.loose:
            for one in _assembled(marks, frames, where, alone=len(self.names) == 1):
                self.add(image, one.points, seen=one.seen, box=one.box, cells=one.cells)
        self.loose.clear()
        self.objects.sort(key=lambda o: o.image)

    def drop_cells(self, **plain: Any) -> None:
        """Drop the columns that say nothing: those whose cells all have the value given here, or are empty."""
        for name, value in plain.items():
            if {o.cells.get(name, value) for o in self.objects} <= {value, ""}:
                for o in self.objects:
                    o.cells.pop(name, None)

    def order(self) -> list[str]:
        """All names that occur, by number or in the order of the object that has most of them."""
        return order_of([*({**o.points, **o.seen} for o in self.objects), self.names])

    def dataset(
        self, names: Sequence[str] | None = None, edges: Sequence[tuple[str, str]] = (), **more: Any
    ) -> Dataset:
        """Everything as arrays.

        Parameters
        ----------
        names : the points in their order; where this is None, all that occur, by number or in the order of the object
            that has most of them
        edges : pairs of names; those of unknown names are passed over
        more : further fields of `Dataset`

        Raises
        ------
        InputError : no points at all, too many, or as many different points as objects
        """
        self.settle()
        names = self.order() if names is None else list(names)
        if not names:
            raise InputError(f"{self.where}: no points in it; boxes or outlines alone are not landmarks")
        n, k = len(self.objects), check_count(len(names), str(self.where))
        filled = sum(len(o.points) for o in self.objects)
        if n * k > _SPARSE and filled < n * k / 50:
            raise InputError(
                f"{self.where}: {k} different points, but {filled / n:.1f} to an object; expected points that "
                "are called the same in each object"
            )
        column = {name: j for j, name in enumerate(names)}
        depth = max((len(p) for o in self.objects for p in o.points.values()), default=2)
        points = np.full((n, k, depth), np.nan)
        seen = np.zeros((n, k), np.uint8)
        confidence = np.full((n, k), np.nan)
        for i, one in enumerate(self.objects):
            for name, p in one.points.items():
                if np.isfinite(p).all():
                    points[i, column[name], : len(p)] = p
                    seen[i, column[name]] = 2
            for name, state in one.seen.items():
                seen[i, column[name]] = state
            for name, value in one.confidence.items():
                confidence[i, column[name]] = value
        boxes = np.array([o.box if o.box is not None else [np.nan] * 4 for o in self.objects]).reshape(-1, 4)
        plain = np.where(np.isfinite(points).all(axis=-1), 2, 0)
        scores = np.array([o.score for o in self.objects])
        tracks = [o.track for o in self.objects]
        pairs = [(column[a], column[b]) for a, b in edges if a in column and b in column]
        landmarks = Landmarks(
            named(names, str(self.where), pairs),
            points,
            fill_boxes(points, boxes),
            np.array([o.image for o in self.objects], np.int64),
            visibility=seen if (seen != plain).any() else None,
            confidence=confidence if np.isfinite(confidence).any() else None,
            score=scores if n and np.isfinite(scores).all() else None,
            track_id=np.array(tracks) if n and None not in tracks else None,
        )
        keys = dict.fromkeys(c for o in self.objects for c in o.cells)
        columns = {c: typed([text(o.cells.get(c, "")) for o in self.objects]) for c in keys}
        return Dataset(ImageList(self.sources), landmarks, columns=columns, **more)


def order_of(objects: Sequence[Iterable[str]]) -> list[str]:
    """The order of points that are only known by the objects that have them: by number, or that of the fullest object.

    Parameters
    ----------
    objects : the names of the points of each object, in their order; the last has all names
    """
    several = [list(o) for o in objects]
    fullest = max(several[:-1], key=len, default=[])
    return in_order(dict.fromkeys([*fullest, *several[-1]]))


def order_lost(dataset: Dataset, format_name: str) -> list[str]:
    """A sentence where names or their order cannot be seen in a file that lists only the points that are there."""
    names = np.array(dataset.skeleton.names)
    objects = [list(names[there]) for there in dataset.landmarks.labelled]
    seen = order_of([*objects, dict.fromkeys(n for o in objects for n in o)])
    if seen == list(names):
        return []
    missing = [n for n in names if n not in seen]
    if missing:
        return [f"{format_name} lists only points that are there; without a label anywhere: {', '.join(missing)}"]
    return [f"{format_name} does not say in which order the points are; they come back in another one"]


def in_order(names: Iterable[str]) -> list[str]:
    """By number where all are numbers, else as they came."""
    names = list(names)
    if names and all(n.isascii() and n.isdigit() and len(n) < 10 for n in names):
        return sorted(names, key=int)
    return names


@dataclass
class _Assembly:
    points: dict[str, tuple[float, float]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    box: Sequence[float] | None = None
    cells: dict[str, Any] = field(default_factory=dict)

    def take(self, mark: Mark) -> None:
        self.points[mark.name] = (mark.x, mark.y)
        if mark.seen != 2:
            self.seen[mark.name] = mark.seen
        self.cells |= mark.cells

    def encloses(self, mark: Mark) -> bool:
        box = self.box
        return box is not None and box[0] <= mark.x <= box[2] and box[1] <= mark.y <= box[3]

    def area(self) -> float:
        box = self.box
        return np.inf if box is None else (box[2] - box[0]) * (box[3] - box[1])


def _assembled(marks: Sequence[Mark], frames: Sequence[Frame], where: str, alone: bool) -> list[_Assembly]:
    """The objects of one picture.

    What has the same group is one object. Where the data has a single kind of point (`alone`), each is an object. A
    point without a group belongs to the smallest box around it that has no such point yet, or to the only box; the rest
    is one object. A box without points is an object without labels.

    Raises
    ------
    InputError : a point twice in one object
    """
    groups: dict[Any, _Assembly] = {}
    boxes: list[_Assembly] = []
    for frame in frames:
        one = _Assembly(box=frame.box, cells=dict(frame.cells))
        if frame.group is None or frame.group in groups:
            boxes.append(one)
        else:
            groups[frame.group] = one
    rest = _Assembly()
    single: list[_Assembly] = []
    for mark in marks:
        if mark.group is not None:
            one = groups.setdefault(mark.group, _Assembly())
            if mark.name in one.points:
                raise InputError(f"{where}: the point {shown(mark.name)} stands twice in the group {shown(mark.group)}")
            one.take(mark)
            continue
        around = [b for b in boxes if b.encloses(mark) and mark.name not in b.points]
        if not around and len(boxes) == 1 and not groups and mark.name not in boxes[0].points and not alone:
            around = boxes
        if around:
            min(around, key=_Assembly.area).take(mark)
        elif alone:
            single.append(_Assembly())
            single[-1].take(mark)
        elif mark.name in rest.points:
            raise InputError(
                f"{where}: the point {shown(mark.name)} stands twice and nothing says to which object each belongs; "
                "group the points of an object, or draw a box around them"
            )
        else:
            rest.take(mark)
    return [*groups.values(), *boxes, *single, *([rest] if rest.points or rest.seen else [])]
