"""Figures of a shape, and how rare each is: whole, parts, points, and the mirror image.

The squared distances of `Kernel` become nearly normal deviates by Wilson & Hilferty's cube root (1931), whatever their
degrees of freedom, so that shapes with missing points are judged by the same curves. Each part and point then has its
own centre and spread, drawn towards the common ones as if those were known from 10 shapes. What is judged of parts and
of points is the worst one, so the rate of false alarms is that of the *shape*: one in a hundred good shapes has a point
called implausible, however many points there are.

*Mirror image*: ``log(d2 / d2 of the mirrored shape)`` is what tells left from right where both are likely shapes.

The four rarities join as ``log10 sum of w 10^r`` (weighted harmonic mean of p values, Wilson 2019): it follows the
worst of them, and what it is worth is again read from a curve. Points count for most, because they see one slip among
many points best; a gross failure shows in all four.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cairn.shape.conditional import Kernel
from cairn.shape.rarity import curve, folds, rarity, threshold, upper_scale

__all__ = ["Figures", "Yardstick", "figures", "worst"]

_PRIOR_SHAPES = 10.0
_LEAST_FOLDED = 5
_TWO_MIRRORS = 1e-6
_SHARES = np.log10([[0.7], [0.15], [0.075], [0.075]])  # w of worst point, mirror image, whole, worst part


@dataclass(frozen=True, eq=False)
class Figures:
    """Nearly normal deviates, larger is worse; NaN where nothing can be said.

    Parameters
    ----------
    whole, mirror : (N,)
    parts : (N, P)
    points : (N, K)
    """

    whole: np.ndarray
    mirror: np.ndarray
    parts: np.ndarray
    points: np.ndarray

    def take(self, rows: np.ndarray) -> Figures:
        return Figures(self.whole[rows], self.mirror[rows], self.parts[rows], self.points[rows])

    @classmethod
    def empty(cls, n: int, parts: int, points: int) -> Figures:
        return cls(*(np.full(s, np.nan) for s in ((n,), (n,), (n, parts), (n, points))))

    @classmethod
    def concatenate(cls, several: list[Figures]) -> Figures:
        names = ("whole", "mirror", "parts", "points")
        return cls(*(np.concatenate([getattr(s, f) for s in several]) for f in names))


def figures(kernel: Kernel, deviations: np.ndarray, mirrored: np.ndarray) -> Figures:
    """Of shapes that all have the points of `kernel`; `mirrored`: deviations of their mirror images."""
    whole, points, parts = kernel.distances(deviations)
    other = kernel.whole_distance(mirrored)
    mirror = np.log((whole + _TWO_MIRRORS) / (other + _TWO_MIRRORS))
    if not kernel.freedom:
        mirror = np.full(len(whole), np.nan)
    return Figures(
        _deviate(whole, kernel.normal[0]),
        mirror,
        _deviate(parts, kernel.normal[1]),
        _deviate(points, kernel.normal[2]),
    )


def _deviate(d2: np.ndarray, normal: np.ndarray) -> np.ndarray:
    return (np.cbrt(d2 * normal[0]) - normal[1]) * normal[2]


def distance_of(deviate: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """The squared distance whose deviate this is; the inverse of `_deviate`."""
    f = np.maximum(freedom, 1)
    return f * np.maximum(deviate * np.sqrt(2 / (9 * f)) + 1 - 2 / (9 * f), 0) ** 3


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What is usual among good shapes.

    Parameters
    ----------
    whole, mirror, part, point, joined : (2, B) curves, see `cairn.shape.rarity`
    part_centre, part_scale : (P,)
    point_centre, point_scale : (K,)
    """

    whole: np.ndarray
    mirror: np.ndarray
    part: np.ndarray
    point: np.ndarray
    joined: np.ndarray
    part_centre: np.ndarray
    part_scale: np.ndarray
    point_centre: np.ndarray
    point_scale: np.ndarray

    @classmethod
    def fit(cls, good: Figures, parent: Yardstick | None = None) -> Yardstick:
        """From figures of good shapes that the model has not seen; `parent`: of kin whose spreads are known better."""
        n = len(good.whole)
        plain = cls._plain(good, parent)
        if n < _LEAST_FOLDED:
            return plain
        parts, points, joined = (np.full(n, np.nan) for _ in range(3))
        for others, rows in folds(n):
            inner, some = cls._plain(good.take(others), parent), good.take(rows)
            parts[rows] = worst((some.parts - inner.part_centre) / inner.part_scale)
            points[rows] = worst((some.points - inner.point_centre) / inner.point_scale)
            joined[rows] = inner._joined(some, *inner._parts_and_points(some))
        part = curve(parts) if plain.part.shape[1] else plain.part
        return replace(plain, part=part, point=curve(points), joined=curve(joined))

    @classmethod
    def _plain(cls, good: Figures, parent: Yardstick | None) -> Yardstick:
        """Without cross-fitting: its rarities flatter what it was fitted on."""
        part_centre, part_scale = _own(good.parts, None if parent is None else (parent.part_centre, parent.part_scale))
        point_centre, point_scale = _own(
            good.points, None if parent is None else (parent.point_centre, parent.point_scale)
        )
        parts = (good.parts - part_centre) / part_scale
        points = (good.points - point_centre) / point_scale
        self = cls(
            curve(good.whole),
            curve(good.mirror),
            curve(worst(parts)) if parts.shape[1] else np.empty((2, 0)),
            curve(worst(points)),
            np.empty((2, 0)),
            part_centre,
            part_scale,
            point_centre,
            point_scale,
        )
        return replace(self, joined=curve(self._joined(good, *self._parts_and_points(good))))

    def rarities(self, seen: Figures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N,) of everything together, (N, P) of parts, (N, K) of points."""
        parts, points = self._parts_and_points(seen)
        return rarity(self._joined(seen, parts, points), self.joined), parts, points

    def _parts_and_points(self, seen: Figures) -> tuple[np.ndarray, np.ndarray]:
        parts = np.zeros(seen.parts.shape)
        if self.part.shape[1]:
            parts = rarity((seen.parts - self.part_centre) / self.part_scale, self.part)
        return parts, rarity((seen.points - self.point_centre) / self.point_scale, self.point)

    def _joined(self, seen: Figures, parts: np.ndarray, points: np.ndarray) -> np.ndarray:
        r = np.empty((4, len(points)))
        r[0], r[1] = points.max(axis=1), rarity(seen.mirror, self.mirror)
        r[2], r[3] = rarity(seen.whole, self.whole), parts.max(axis=1, initial=0)
        r += _SHARES
        top = r.max(axis=0)
        return top + np.log10((10 ** (r - top)).sum(axis=0))

    def point_limits(self, share: float, freedom: np.ndarray) -> np.ndarray:
        """(K,) squared distances that a `share` of good shapes goes beyond in any point."""
        return distance_of(self.point_centre + threshold(share, self.point) * self.point_scale, freedom)


def worst(values: np.ndarray) -> np.ndarray:
    """(N,) largest of each row, NaN left out; NaN where there is nothing else."""
    filled = np.where(np.isnan(values), -np.inf, values).max(axis=1, initial=-np.inf)
    return np.where(np.isneginf(filled), np.nan, filled)


def _own(values: np.ndarray, known: tuple[np.ndarray, np.ndarray] | None) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread of each column, drawn towards the common ones, or towards those known of a kin."""
    n = np.isfinite(values).sum(axis=0)
    if not values.shape[1]:
        return np.zeros(0), np.ones(0)
    filled = np.where(n > 0, values, 0.0)
    centre, scale = upper_scale(filled)
    if known is None:
        common = (np.median(centre), np.median(scale))
    else:
        shift = np.median((centre - known[0])[n > 0]) if (n > 0).any() else 0.0
        grown = np.median((scale / known[1])[n > 0]) if (n > 0).any() else 1.0
        common = (known[0] + shift, known[1] * max(grown, 0.2))
    weight = n / (n + _PRIOR_SHAPES)
    centre = weight * centre + (1 - weight) * common[0]
    scale = weight * scale + (1 - weight) * common[1]
    return centre, np.maximum(scale, 0.05)
