"""Mirror images read off names, and the edges of lines and rings of points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

__all__ = ["line", "mirrored", "ring"]

_SIDES = (("right_", "left_"), ("left_", "right_"))


def mirrored(names: Sequence[str], numbered: Mapping[str, int] | None = None) -> tuple[int, ...]:
    """The flip that swaps ``right_`` with ``left_``; points without a side lie in the middle and stay.

    Parameters
    ----------
    names : K names
    numbered : beginnings of names that are counted from one side to the other, with how many there are:
        ``{"jaw_": 17}`` swaps ``jaw_0`` with ``jaw_16``

    Raises
    ------
    ValueError : a name whose mirror image is not among them
    """
    places = {n: i for i, n in enumerate(names)}
    return tuple(places[_other(n, numbered or {})] for n in names)


def line(points: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Edges from each point to the next."""
    return tuple(pairwise(points))


def ring(points: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Edges from each point to the next, and from the last to the first."""
    points = tuple(points)
    return line((*points, points[0]))


def _other(name: str, numbered: Mapping[str, int]) -> str:
    for side, other in _SIDES:
        if name.startswith(side):
            return other + name.removeprefix(side)
    for start, count in numbered.items():
        if name.startswith(start):
            return f"{start}{count - 1 - int(name.removeprefix(start))}"
    return name
