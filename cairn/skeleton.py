"""The names of the points, and what is known about them before a picture is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Skeleton"]

Group = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """K named points with their edges, mirror image, parts and yardsticks.

    Parameters
    ----------
    names : K unique point names, in the order of the columns of every array of points
    edges : pairs of point indices to draw as lines
    flip : permutation of K that maps each point to its mirror image, its own inverse; None where mirroring the object
        gives no such object, and then every kind of flipping is refused
    flip_axis : the coordinate that mirrors, 0 for x (left and right)
    parts : local groups, e.g. ``{"left_eye": (36, 37, 38)}``
    normalisers : reference lengths, each between the centroids of two groups of points,
        e.g. ``{"inter_ocular": ((36,), (45,))}``; the first one is the default of `nme`
    sigmas : K falloff constants of COCO's object keypoint similarity
    name : the short name of the scheme, e.g. ``"face68"``
    source : the paper or file that the scheme comes from

    Raises
    ------
    ValueError : names that repeat, indices outside 0..K-1, or a flip that is not its own inverse
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    flip: Group | None = None
    flip_axis: int = 0
    parts: Mapping[str, Group] = field(default_factory=dict)
    normalisers: Mapping[str, tuple[Group, Group]] = field(default_factory=dict)
    sigmas: tuple[float, ...] | None = None
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        put = lambda key, value: object.__setattr__(self, key, value)  # noqa: E731 - the class is frozen
        put("names", tuple(str(n) for n in self.names))
        put("edges", tuple((int(a), int(b)) for a, b in self.edges))
        put("parts", {str(k): _indices(v) for k, v in self.parts.items()})
        put("normalisers", {str(k): (_indices(a), _indices(b)) for k, (a, b) in self.normalisers.items()})
        if self.flip is not None:
            put("flip", _indices(self.flip))
        if self.sigmas is not None:
            put("sigmas", tuple(float(s) for s in self.sigmas))
        self._check()

    def _check(self) -> None:
        k = len(self.names)
        if k == 0:
            raise ValueError("a skeleton needs at least one point name")
        if len(set(self.names)) != k:
            twice = next(n for n in self.names if self.names.count(n) > 1)
            raise ValueError(f"skeleton: the point name {twice!r} stands twice; names must be unique")
        used = [i for e in self.edges for i in e]
        used += [i for group in self.parts.values() for i in group]
        used += [i for pair in self.normalisers.values() for group in pair for i in group]
        if used and not (min(used) >= 0 and max(used) < k):
            raise ValueError(f"skeleton: edges, parts and normalisers must use indices 0 to {k - 1}")
        if self.flip is not None:
            f = np.array(self.flip)
            if sorted(self.flip) != list(range(k)) or (f[f] != np.arange(k)).any():
                raise ValueError(f"skeleton: flip must be a permutation of 0 to {k - 1} that is its own inverse")
        if self.sigmas is not None and len(self.sigmas) != k:
            raise ValueError(f"skeleton: {len(self.sigmas)} sigmas for {k} points")

    @classmethod
    def anonymous(cls, k: int, source: str = "") -> Skeleton:
        """K points named ``p0`` to ``p{K-1}``, about which nothing else is known."""
        return cls(names=tuple(f"p{i}" for i in range(k)), source=source)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Column of the point called `name`.

        Raises
        ------
        KeyError : no such point
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"no point {name!r}; the points are {', '.join(self.names)}") from None

    @property
    def left_right(self) -> Group | None:
        """`flip` where it is x that mirrors, as it does when a picture is mirrored; None otherwise."""
        return self.flip if self.flip_axis == 0 else None

    def of_points(self, kept: Any) -> Skeleton:
        """The skeleton of some of the points; what speaks of others goes, and so does a flip that leads to them.

        Parameters
        ----------
        kept : (K,) bool
        """
        kept = np.asarray(kept, bool)
        if kept.all():
            return self
        new = np.cumsum(kept) - 1
        inside = lambda points: all(kept[i] for i in points)  # noqa: E731
        moved = lambda points: tuple(int(new[i]) for i in points)  # noqa: E731
        whole = self.flip is not None and (kept == kept[list(self.flip)]).all()
        parts = {name: moved([i for i in points if kept[i]]) for name, points in self.parts.items()}
        return Skeleton(
            names=tuple(n for n, k in zip(self.names, kept, strict=True) if k),
            edges=tuple((int(new[a]), int(new[b])) for a, b in self.edges if kept[a] and kept[b]),
            flip=moved(np.array(self.flip)[kept]) if whole else None,
            flip_axis=self.flip_axis,
            parts={name: points for name, points in parts.items() if points},
            normalisers={n: (moved(a), moved(b)) for n, (a, b) in self.normalisers.items() if inside(a) and inside(b)},
            sigmas=None if self.sigmas is None else tuple(s for s, k in zip(self.sigmas, kept, strict=True) if k),
            source=self.source,
        )

    def equals(self, other: object) -> bool:
        """Whether both say the same, source and name included."""
        return isinstance(other, Skeleton) and self.to_json() == other.to_json()

    def to_json(self) -> dict[str, Any]:
        """Plain lists and strings; `from_json` is its inverse."""
        return {
            "name": self.name,
            "names": list(self.names),
            "edges": [list(e) for e in self.edges],
            "flip": None if self.flip is None else list(self.flip),
            "flip_axis": self.flip_axis,
            "parts": {k: list(v) for k, v in self.parts.items()},
            "normalisers": {k: [list(a), list(b)] for k, (a, b) in self.normalisers.items()},
            "sigmas": None if self.sigmas is None else list(self.sigmas),
            "source": self.source,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Skeleton:
        """The skeleton that `to_json` wrote."""
        return cls(**data)


def _indices(values: Any) -> Group:
    return tuple(int(v) for v in values)
