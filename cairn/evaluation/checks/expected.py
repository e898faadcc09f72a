"""Where each point should be, by all the other objects: cross-fitted, so that no object vouches for itself.

The data is cut in five parts by groups (pictures, subjects). Of each part the Gaussian of shapes
(`cairn.shape.conditional`) is learnt from the other four, once from all objects and once more without those that looked
worst the first time, because the mistakes that are searched for would otherwise widen what is called usual.

How far is far? The squared distances become nearly normal deviates, of which median and upper quantiles are taken over
the data itself. Beyond the 90 % quantile the tail is taken to be exponential,

    P(t > x) = 1/2 exp(-(x - q50) / b),   b = (q90 - q50) / log 5,

which is heavier than the bell curve's and follows the data where its shapes vary more. It does not see what the worst
tenth is, and is fitted again without what it finds unlikely: mistakes do not hide themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairn.shape.conditional import Conditional, Kernel, fit_conditional, patterns_of, present_points
from cairn.shape.yardstick import distance_of

__all__ = ["LEAST_OBJECTS", "Expected", "Tail"]

LEAST_OBJECTS = 12
LEAST_POINTS = 3
_FOLDS = 5
_KEPT = 0.8  # of the objects, at least, are learnt from the second time
_TAIL_ROUNDS = 10
_LEFT_OUT = -2.0  # log10 of the tail probability
_SUSPICIOUS = 1e-3  # tail probability that keeps an object from being learnt from


@dataclass(frozen=True)
class Tail:
    """Median and slope of an upper tail."""

    middle: float
    slope: float

    @classmethod
    def fit(cls, values: np.ndarray) -> Tail:
        """What the tail says one in a hundred would reach is left out, and it is fitted again, until nothing is."""
        values = values[np.isfinite(values)]
        tail = cls(0.0, 1.0)
        for _ in range(_TAIL_ROUNDS):
            if not len(values):
                break
            middle, high = np.quantile(values, [0.5, 0.9])
            tail = cls(float(middle), float(max((high - middle) / np.log(5), 1e-6)))
            usual = tail.log_p(values) >= _LEFT_OUT
            if usual.all():
                break
            values = values[usual]
        return tail

    def log_p(self, values: np.ndarray) -> np.ndarray:
        """log10 of the share of good objects that go beyond; at most log10 1/2."""
        over = np.maximum(np.nan_to_num(values, nan=-np.inf) - self.middle, 0.0)
        return (np.log(0.5) - over / self.slope) / np.log(10)

    def limit(self, log_p: float) -> float:
        """The value that a share of 10^log_p goes beyond."""
        return self.middle - self.slope * (log_p * np.log(10) - np.log(0.5))


class Expected:
    """What the objects say of each other.

    Parameters
    ----------
    points : (N, K, 2) px, NaN = missing
    groups : (N,) that stay together
    rows : (N,) bool, which objects may be learnt from

    Attributes
    ----------
    usable : (N,) bool, objects with at least three points
    fold : (N,), which of `models` judges each
    distance : (N,) squared distance of the whole, in units of its freedom times the usual
    whole : (N,), points : (N, K) standardised deviates; NaN where nothing can be said
    tail, point_tail : of `whole`, and of the worst point of an object
    """

    def __init__(self, points: np.ndarray, groups: np.ndarray, rows: np.ndarray | None = None, seed: int = 0):
        self.labels = points
        k = points.shape[1]
        self.present = present_points(points)
        self.usable = self.present.sum(axis=1) >= min(LEAST_POINTS, k)
        names = np.unique(groups, return_inverse=True)[1]
        count = int(names.max(initial=-1)) + 1
        part = np.random.default_rng(seed).permutation(count) % _FOLDS
        self.fold = part[names]
        learn = self.usable if rows is None else self.usable & rows
        self._kernels: dict[tuple[int, bytes], Kernel] = {}
        self._learn(learn)
        doubtful = (self.tail.log_p(self.whole) < np.log10(_SUSPICIOUS)) | (
            self.point_tail.log_p(_worst(self.points)) < np.log10(_SUSPICIOUS)
        )
        kept = learn & ~doubtful
        if doubtful[learn].any() and kept.sum() >= max(_KEPT * learn.sum(), LEAST_OBJECTS):
            self._learn(kept)

    def _learn(self, learn: np.ndarray) -> None:
        self._kernels.clear()
        self.models: list[Conditional] = []
        for fold in range(_FOLDS):
            self.models.append(fit_conditional(self.labels[learn & (self.fold != fold)]))
        n, k = self.present.shape
        self.unit = 1.0
        whole, points = np.full(n, np.nan), np.full((n, k), np.nan)
        rows = np.flatnonzero(self.usable)
        d2, point_d2, freedom, point_freedom = self.distances(rows, self.labels[rows])
        ratio = d2 / np.maximum(freedom, 1)
        self.unit = float(np.median(ratio[freedom > 0])) if (freedom > 0).any() else 1.0
        whole[rows] = np.where(freedom > 0, _deviate(d2 / self.unit, freedom), np.nan)
        points[rows] = np.where(point_freedom > 0, _deviate(point_d2, point_freedom), np.nan)
        self.point_centre = np.nanmedian(points, axis=0)
        high = np.nanquantile(points, 0.9, axis=0)
        scale = (high - self.point_centre) / 1.2816
        self.point_scale = np.maximum(np.maximum(scale, 0.3 * np.nanmedian(scale)), 1e-9)
        self.whole = whole
        self.points = (points - self.point_centre) / self.point_scale
        self.tail, self.point_tail = Tail.fit(whole), Tail.fit(_worst(self.points))

    def kernel(self, fold: int, pattern: np.ndarray) -> Kernel:
        """For the objects of a fold with these points."""
        key = (fold, pattern.tobytes())
        if key not in self._kernels:
            self._kernels[key] = self.models[fold].kernel(None, pattern, {})
        return self._kernels[key]

    def blocks(self, rows: np.ndarray, points: np.ndarray):  # type: ignore[no-untyped-def]
        """(places in `rows`, model, kernel) for each fold and pattern of missing points."""
        present = present_points(points)
        for fold in np.unique(self.fold[rows]):
            mine = np.flatnonzero(self.fold[rows] == fold)
            for some, pattern in patterns_of(present[mine]):
                yield mine[some], self.models[fold], self.kernel(int(fold), pattern)

    def distances(self, rows: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Squared distances of other `points` (R, K, 2) for the objects `rows` (R,), whole and by point.

        Returns
        -------
        (R,), (R, K), and the degrees of freedom of both
        """
        n, k = points.shape[:2]
        d2, freedom = np.full(n, np.nan), np.zeros(n, int)
        point_d2, point_freedom = np.full((n, k), np.nan), np.zeros((n, k), int)
        for some, model, kernel in self.blocks(rows, points):
            away, _ = model.frame(points[some])
            d2[some], point_d2[some], _ = kernel.distances(away)
            freedom[some], point_freedom[some] = kernel.freedom, kernel.point_freedom
        return d2 / self.unit, point_d2, freedom, point_freedom

    def log_p(self, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(R,) log10 of the share of good objects that are as odd as a whole, or in their worst point."""
        d2, point_d2, freedom, point_freedom = self.distances(rows, points)
        whole = np.where(freedom > 0, _deviate(d2, freedom), np.nan)
        single = np.where(point_freedom > 0, _deviate(point_d2, point_freedom), np.nan)
        single = (single - self.point_centre) / self.point_scale
        return np.minimum(self.tail.log_p(whole), self.point_tail.log_p(_worst(single)))

    def angles(self, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(R,) radians by which shapes are turned against the mean."""
        angle = np.full(len(rows), np.nan)
        for some, model, _ in self.blocks(rows, points):
            _, maps = model.frame(points[some])
            angle[some] = np.arctan2(-maps[:, 1, 0], maps[:, 0, 0])
        return angle

    def point_limits(self, log_p: float, freedom: np.ndarray) -> np.ndarray:
        """(K,) squared distances beyond which a point is so rare as the worst of an object."""
        t = self.point_tail.limit(log_p)
        limits = distance_of(self.point_centre + t * self.point_scale, freedom)
        return np.where(freedom > 0, np.maximum(limits, 1e-12), np.inf)


def _deviate(d2: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Wilson & Hilferty's cube root (1931)."""
    f = np.maximum(freedom, 1)
    return (np.cbrt(d2 / f) - (1 - 2 / (9 * f))) / np.sqrt(2 / (9 * f))


def _worst(points: np.ndarray) -> np.ndarray:
    filled = np.where(np.isnan(points), -np.inf, points).max(axis=1, initial=-np.inf)
    return np.where(np.isneginf(filled), np.nan, filled)
