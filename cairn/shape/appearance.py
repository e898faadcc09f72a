"""What the picture says: the detector's own figures at its points, beside those of good fits.

A detector may give a raw confidence (of a network: the height of its map's peak) and a covariance. Minus the logit of
the one and the logarithm of the other's spread (in centroid sizes) are compared, point by point, with their mean and
deviation over good fits on held-out pictures; their mean is the point's *look*, larger is worse. The looks of a part
and of the whole are means over points. Only good fits are needed: nobody has to collect failures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from cairn.geometry.procrustes import centroid_size
from cairn.landmarks import Landmarks
from cairn.shape.conditional import present_points
from cairn.shape.rarity import curve, folds, rarity
from cairn.shape.yardstick import worst

__all__ = ["Looks"]

_LEAST = 5  # good fits, with fewer nothing is learnt
_PRIOR = 10.0


@dataclass(frozen=True, eq=False)
class Looks:
    """How the picture looks at the points of good fits.

    Parameters
    ----------
    centre, scale : (2, K) of confidence and of spread; scale 0 where the detector does not give the figure
    whole, part, point : (2, B) curves, see `cairn.shape.rarity`
    part_centre, part_scale : (P,)
    """

    centre: np.ndarray
    scale: np.ndarray
    whole: np.ndarray
    part: np.ndarray
    point: np.ndarray
    part_centre: np.ndarray
    part_scale: np.ndarray

    @classmethod
    def fit(cls, good: Landmarks) -> Looks | None:
        """From good fits; None where the detector says nothing, or always the same, or there are too few."""
        if len(good) < _LEAST:
            return None
        plain = cls._plain(good)
        if plain is None:
            return None
        whole, parts, points = (np.full(len(good), np.nan) for _ in range(3))
        for others, rows in folds(len(good)):
            inner, some = cls._plain(good.take(others)), good.take(rows)
            if inner is None:
                return None
            looks, of_parts = inner._looks(some)
            whole[rows], points[rows] = _mean(looks), worst(looks)
            parts[rows] = worst((of_parts - inner.part_centre) / inner.part_scale)
        part = curve(parts) if plain.part.shape[1] else plain.part
        return replace(plain, whole=curve(whole), part=part, point=curve(points))

    @classmethod
    def _plain(cls, good: Landmarks) -> Looks | None:
        """Without cross-fitting: its rarities flatter what it was fitted on."""
        raw = _raw(good)
        centre, scale = np.zeros(raw.shape[::2]), np.zeros(raw.shape[::2])
        for f, values in enumerate(raw):
            known = np.isfinite(values)
            if not known.any():
                continue
            filled = np.where(known.any(axis=0), values, 0.0)
            n = known.sum(axis=0)
            own, spread = np.nanmean(filled, axis=0), np.nanstd(filled, axis=0)
            if np.median(spread) < 1e-6:
                continue
            centre[f] = own
            scale[f] = np.sqrt((n * spread**2 + _PRIOR * np.median(spread) ** 2) / (n + _PRIOR))
        if not (scale > 0).any():
            return None
        none = np.empty((2, 0))
        self = cls(centre, scale, none, none, none, np.empty(0), np.empty(0))
        looks, parts = self._looks(good)
        if not parts.shape[1]:
            return replace(self, whole=curve(_mean(looks)), point=curve(worst(looks)))
        self = replace(
            self, part_centre=np.nanmean(parts, axis=0), part_scale=np.maximum(np.nanstd(parts, axis=0), 1e-3)
        )
        worst_part = worst((parts - self.part_centre) / self.part_scale)
        return replace(self, whole=curve(_mean(looks)), part=curve(worst_part), point=curve(worst(looks)))

    def _looks(self, landmarks: Landmarks) -> tuple[np.ndarray, np.ndarray]:
        """(N, K) of points and (N, P) of parts."""
        looks = self.points(landmarks)
        return looks, _means(looks, landmarks.skeleton.parts.values())

    def points(self, landmarks: Landmarks) -> np.ndarray:
        """(N, K) looks; NaN where a point or its figures are missing."""
        raw = _raw(landmarks)
        used = self.scale.all(axis=1)
        if used.any() and (used | ~self.scale.any(axis=1)).all():
            looks = ((raw[used] - self.centre[used, None]) / self.scale[used, None]).mean(axis=0)
            if np.isfinite(looks).all():
                return looks
        total = np.zeros(raw.shape[1:])
        count = np.zeros(raw.shape[1:])
        for values, centre, scale in zip(raw, self.centre, self.scale, strict=True):
            known = np.isfinite(values) & (scale > 0)
            total += np.where(known, (values - centre) / np.where(scale > 0, scale, 1.0), 0.0)
            count += known
        return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)

    def rarities(self, landmarks: Landmarks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N,) of the whole, (N, P) of parts, (N, K) of points."""
        looks = self.points(landmarks)
        groups = landmarks.skeleton.parts
        parts = np.zeros((len(looks), len(groups)))
        if self.part.shape[1]:
            of_parts = _means(looks, groups.values())
            parts = rarity((of_parts - self.part_centre) / self.part_scale, self.part)
        return rarity(_mean(looks), self.whole), parts, rarity(looks, self.point)


def _raw(landmarks: Landmarks) -> np.ndarray:
    """(2, N, K): minus the logit of the confidence, and the logarithm of the spread; NaN where there is none."""
    there = present_points(landmarks.points)
    out = np.full((2, *there.shape), np.nan)
    if landmarks.confidence is not None:
        p = np.clip(landmarks.confidence, 1e-6, 1 - 1e-6)
        out[0] = np.where(there, np.log1p(-p) - np.log(p), np.nan)
    if landmarks.covariance is not None:
        square = sum(landmarks.covariance[..., i, i] for i in range(landmarks.points.shape[-1]))
        size = np.maximum(_sizes(landmarks.points, there), 1e-9)
        spread = 0.5 * np.log(np.maximum(square, 1e-18)) - np.log(size)[:, None]
        out[1] = np.where(there, spread, np.nan)
    return out


def _sizes(points: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(N,) centroid sizes."""
    if not there.all():
        return centroid_size(points)
    x = points - points[:, :1]
    squares = np.einsum("nkd,nkd->n", x, x)
    return np.sqrt(np.maximum(squares - np.square(x.sum(1)).sum(1) / points.shape[1], 0))


def _mean(looks: np.ndarray) -> np.ndarray:
    return _means(looks, [tuple(range(looks.shape[1]))])[:, 0]


def _means(looks: np.ndarray, groups: Iterable[tuple[int, ...]]) -> np.ndarray:
    """(N, P) over each group of points, NaN left out."""
    member = np.zeros((looks.shape[1], len(groups := list(groups))))
    for i, group in enumerate(groups):
        member[list(group), i] = 1.0
    known = np.isfinite(looks)
    if known.all():
        return looks @ (member / np.maximum(member.sum(axis=0), 1))
    count = known @ member
    total = np.where(known, looks, 0.0) @ member
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
