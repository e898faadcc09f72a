"""Grey-level profiles across and along the contour (Cootes, Taylor, Cooper, Graham 1995, section 4).

A profile holds the differences of grey values along a line through a point, divided by the sum of their absolute
values. Its mean and covariance are learnt at each level; in the search it is slid along a longer sample of the picture,
and minus half its Mahalanobis distance, times a weight, is the logarithm of how likely each place is. The weight is
learnt for each line: the one with which the probabilities say best where the training points are. A line on which
profiles tell nothing weighs nothing.

The lines: across the contour (its normal, as in the paper) and along it, for corners. The contour's direction is from
the point's neighbours on the skeleton's edges; a point with one neighbour takes the edge. A point without edges, or
where three and more meet, has no contour: its lines are x and y of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

__all__ = ["ProfileView", "Profiles", "profile_lines"]

_FLOOR = 0.3  # px^2
_ASIDE = 1.0  # px that a profile may lie off along the contour
_SHRINK = 0.1  # of a profile's covariance towards its mean variance


@dataclass(frozen=True)
class Profiles:
    """The profiles of one level; J of them, two a point.

    Parameters
    ----------
    lines : (J, 4) int64: the point; the two points that give the contour's direction, or -1, -1; -1 across the contour,
        -2 along it, 0 or 1 for x or y of the frame
    mean : (J, L) of L = 2 half differences
    inverse : (J, L, L) of the covariance
    weight : (J,) by which half the squared distance counts as a negative logarithm of probability
    """

    lines: np.ndarray
    mean: np.ndarray
    inverse: np.ndarray
    weight: np.ndarray

    @classmethod
    def fit(
        cls,
        pixels: np.ndarray,
        points: np.ndarray,
        edges: Sequence[tuple[int, int]],
        half: int,
        radius: int,
        rng: np.random.Generator,
    ) -> Profiles:
        """Mean and covariance of the profiles at the labelled points.

        Parameters
        ----------
        pixels : (N, S, S) uint8 frames
        points : (N, K, 2) px of the frame, NaN = not labelled
        edges : of the skeleton
        half : px to either side
        radius : px of the search to either side
        """
        k = points.shape[1]
        lines = profile_lines(k, edges)
        length = 2 * half
        reach = half + radius
        long = np.empty((len(points), len(lines), 2 * reach + 1), np.float32)
        for i in range(len(points)):
            directions = _directions(points[i], lines)
            aside = rng.normal(0, _ASIDE, (len(lines), 1)) * directions[:, ::-1] * [-1, 1]
            long[i] = _sample(pixels[i], points[i][lines[:, 0]] + aside, directions, reach)
        mean, inverse = np.zeros((len(lines), length)), np.empty((len(lines), length, length))
        weight = np.empty(len(lines))
        for j in range(len(lines)):
            some = _differences(long[np.isfinite(long[:, j]).all(axis=1), j], length)  # (n, 2 radius + 1, L)
            right = some[:, radius]
            if len(right):
                mean[j] = right.mean(axis=0)
            away = right - mean[j]
            covariance = away.T @ away / max(len(right), 1)
            variance = np.trace(covariance) / length + 1e-6
            share = max(_SHRINK, length / (length + len(right)))
            inverse[j] = np.linalg.inv((1 - share) * covariance + share * variance * np.eye(length))
            away = some - mean[j]
            weight[j] = _weight(((away @ inverse[j]) * away).sum(axis=-1), radius)
        return cls(lines, mean, inverse, weight)

    def look(self, frame: np.ndarray, shape: np.ndarray, radius: int) -> ProfileView:
        """Distances of the profiles within `radius` px along their lines, of a shape (K, 2) in a frame (S, S) uint8."""
        directions = _directions(shape, self.lines)
        length = self.mean.shape[1]
        long = _sample(frame, shape[self.lines[:, 0]], directions, length // 2 + radius)
        away = _differences(long, length) - self.mean[:, None]  # (J, 2 radius + 1, L)
        distance = np.einsum("jpl,jpl->jp", away @ self.inverse, away)
        return ProfileView(
            self.weight[:, None] * distance,
            np.arange(-radius, radius + 1.0),
            shape[self.lines[:, 0]],
            directions,
            self.lines,
        )

    @staticmethod
    def reaches(radius: int) -> tuple[float, ...]:
        """Kernels through which a view is looked at, one after the other, px."""
        return (float(radius), max(0.5 * radius, 2.0))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"lines": self.lines, "mean": self.mean, "inverse": self.inverse, "weight": self.weight}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Profiles:
        """Raises ValueError where the arrays do not fit each other."""
        lines, mean, inverse, weight = (np.asarray(arrays[name]) for name in ("lines", "mean", "inverse", "weight"))
        j, length = mean.shape
        if lines.shape != (j, 4) or inverse.shape != (j, length, length) or weight.shape != (j,):
            raise ValueError(f"profiles have shapes {lines.shape}, {mean.shape}, {inverse.shape}, which do not fit")
        return cls(lines.astype(np.int64), mean.astype(float), inverse.astype(float), weight.astype(float))


@dataclass(frozen=True)
class ProfileView:
    """Mahalanobis distances (J, P) at `steps` (P,) px along `directions` (J, 2) from `origins` (J, 2)."""

    distance: np.ndarray
    steps: np.ndarray
    origins: np.ndarray
    directions: np.ndarray
    lines: np.ndarray

    def evidence(self, shape: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """As `cairn.detectors.asm.search.evidence`, along the lines.

        Returns
        -------
        seen (K, 2) px, precision (K, 2, 2) px^-2
        """
        point = self.lines[:, 0]
        here = ((shape[point] - self.origins) * self.directions).sum(axis=1)
        t = self.steps - here[:, None]
        s = -0.5 * self.distance - 0.5 * (t / reach) ** 2
        w = np.exp(s - s.max(axis=1, keepdims=True))
        w /= w.sum(axis=1, keepdims=True)
        mean = (w * t).sum(axis=1)
        variance = (w * t**2).sum(axis=1) - mean**2 + _FLOOR
        left = np.maximum(1 / variance - 1 / reach**2, 0)
        sure = left > 1e-3 / reach**2
        step = np.where(sure, mean / variance / np.where(sure, left, 1), 0.0)
        step = np.clip(step, -2 * reach, 2 * reach)
        seen, precision = shape.copy(), np.zeros((len(shape), 2, 2))
        u = self.directions
        np.add.at(seen, point, step[:, None] * u)
        np.add.at(precision, point, left[:, None, None] * u[:, :, None] * u[:, None])
        return seen, precision

    def cost(self, shape: np.ndarray) -> float:
        """Half the sum of the distances at a shape (K, 2)."""
        return 0.5 * float(self._near(shape).sum())

    def features(self, shape: np.ndarray) -> np.ndarray:
        """(K, 1) the Mahalanobis distance next to each point, averaged over its profiles."""
        point = self.lines[:, 0]
        return (np.bincount(point, self._near(shape)) / np.bincount(point))[:, None]

    def _near(self, shape: np.ndarray) -> np.ndarray:
        """(J,) the smallest distance within a px of the points."""
        here = ((shape[self.lines[:, 0]] - self.origins) * self.directions).sum(axis=1)
        near = np.abs(self.steps - here[:, None])
        near = near <= np.maximum(near.min(axis=1, keepdims=True), 1.0)
        return np.where(near, self.distance, np.inf).min(axis=1)


def profile_lines(k: int, edges: Sequence[tuple[int, int]]) -> np.ndarray:
    """(J, 4) int64, see `Profiles`: two lines for each point."""
    neighbours: list[list[int]] = [[] for _ in range(k)]
    for a, b in edges:
        if a != b:
            neighbours[a].append(b)
            neighbours[b].append(a)
    lines = []
    for i, near in enumerate(neighbours):
        near = sorted(set(near))
        if len(near) == 2:
            lines += [(i, near[0], near[1], -1), (i, near[0], near[1], -2)]
        elif len(near) == 1:
            lines += [(i, near[0], i, -1), (i, near[0], i, -2)]
        else:
            lines += [(i, -1, -1, 0), (i, -1, -1, 1)]
    return np.array(lines, np.int64)


def _directions(shape: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """(J, 2) unit vectors; NaN where a neighbour is not known."""
    along = shape[lines[:, 2]] - shape[lines[:, 1]]
    length = np.linalg.norm(along, axis=1, keepdims=True)
    normal = np.stack([-along[:, 1], along[:, 0]], -1) / np.where(length > 1e-6, length, 1)
    normal = np.where(length > 1e-6, normal, [1.0, 0.0])
    normal = np.where(lines[:, 3:] == -2, normal[:, ::-1] * [1, -1], normal)
    normal = np.where(np.isnan(length), np.nan, normal)
    axes = np.eye(2)[np.maximum(lines[:, 3], 0)]
    return np.where(lines[:, 3:] >= 0, axes, normal)


def _weight(distance: np.ndarray, middle: int) -> float:
    """The weight w with which softmax(-w distance / 2) says best where the middle of the windows (n, P) is."""
    if not len(distance):
        return 0.0
    weights = np.geomspace(0.01, 1, 17)
    away = distance - distance[:, middle : middle + 1]
    losses = [np.log(np.exp(np.clip(-0.5 * w * away, None, 50)).sum(axis=1)).mean() for w in weights]
    best = int(np.argmin(losses))
    return float(weights[best]) if losses[best] < np.log(distance.shape[1]) else 0.0


def _differences(long: np.ndarray, length: int) -> np.ndarray:
    """(J, P, L) normalised differences of all profiles of L + 1 samples in (J, L + P) samples."""
    steps = np.diff(long, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(steps, length, axis=1)
    total = np.abs(windows).sum(axis=-1, keepdims=True)
    return windows / (total + 1.0)


@numba.njit(cache=True, nogil=True)
def _sample(frame: np.ndarray, origins: np.ndarray, directions: np.ndarray, reach: int) -> np.ndarray:
    """(J, 2 reach + 1) grey values, bilinear, at steps of 1 px along lines; NaN where one is not known."""
    height, width = frame.shape
    out = np.empty((len(origins), 2 * reach + 1))
    for j in range(len(origins)):
        for s in range(-reach, reach + 1):
            x = origins[j, 0] + s * directions[j, 0]
            y = origins[j, 1] + s * directions[j, 1]
            if not (np.isfinite(x) and np.isfinite(y)):
                out[j, s + reach] = np.nan
                continue
            x, y = min(max(x, 0.0), width - 1.001), min(max(y, 0.0), height - 1.001)
            left, top = int(x), int(y)
            fx, fy = x - left, y - top
            upper = (1 - fx) * frame[top, left] + fx * frame[top, left + 1]
            lower = (1 - fx) * frame[top + 1, left] + fx * frame[top + 1, left + 1]
            out[j, s + reach] = (1 - fy) * upper + fy * lower
    return out
