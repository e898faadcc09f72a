"""Grey-level profiles across the contour (Cootes, Taylor, Cooper, Graham 1995, section 4).

A profile holds the differences of grey values along the normal of the contour through a point, divided by the sum of
their absolute values. Its mean and covariance are learnt at each level; in the search the profile is slid along a longer
sample of the picture, and minus half its Mahalanobis distance is the logarithm of how likely each place is. Along the
contour a profile says nothing, and its precision there is 0.

The normal comes from the point's neighbours on the skeleton's edges. A point with one neighbour takes the edge for the
contour. A point without edges, or where three and more meet, has no normal: it gets two profiles, along x and y of the
frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

__all__ = ["ProfileView", "Profiles", "profile_lines"]

_FLOOR = 0.3  # px^2
_SHRINK = 0.1  # of a profile's covariance towards its mean variance


@dataclass(frozen=True)
class Profiles:
    """The profiles of one level; J of them, one or two a point.

    Parameters
    ----------
    lines : (J, 4) int64: the point, the two points that give the contour's direction, and -1, or -1, -1 and the axis
    mean : (J, L) of L = 2 half differences
    inverse : (J, L, L) of the covariance
    """

    lines: np.ndarray
    mean: np.ndarray
    inverse: np.ndarray

    @classmethod
    def fit(cls, pixels: np.ndarray, points: np.ndarray, edges: Sequence[tuple[int, int]], half: int) -> Profiles:
        """Mean and covariance of the profiles at the labelled points.

        Parameters
        ----------
        pixels : (N, S, S) uint8 frames
        points : (N, K, 2) px of the frame, NaN = not labelled
        edges : of the skeleton
        half : px to either side
        """
        k = points.shape[1]
        lines = profile_lines(k, edges)
        length = 2 * half
        taken = np.full((len(points), len(lines), length), np.nan)
        for i in range(len(points)):
            long = _sample(pixels[i], points[i], _directions(points[i], lines), lines[:, 0], half)
            taken[i] = _differences(long, length)[:, 0]
        mean, inverse = np.zeros((len(lines), length)), np.empty((len(lines), length, length))
        for j in range(len(lines)):
            some = taken[np.isfinite(taken[:, j]).all(axis=1), j]
            if len(some):
                mean[j] = some.mean(axis=0)
            away = some - mean[j]
            covariance = away.T @ away / max(len(some), 1)
            variance = np.trace(covariance) / length + 1e-6
            share = max(_SHRINK, length / (length + len(some)))
            inverse[j] = np.linalg.inv((1 - share) * covariance + share * variance * np.eye(length))
        return cls(lines, mean, inverse)

    def look(self, frame: np.ndarray, shape: np.ndarray, radius: int) -> ProfileView:
        """Distances of the profiles within `radius` px along their lines, of a shape (K, 2) in a frame (S, S) uint8."""
        directions = _directions(shape, self.lines)
        length = self.mean.shape[1]
        long = _sample(frame, shape, directions, self.lines[:, 0], length // 2 + radius)
        away = _differences(long, length) - self.mean[:, None]  # (J, 2 radius + 1, L)
        distance = np.einsum("jpl,jpl->jp", away @ self.inverse, away)
        return ProfileView(distance, np.arange(-radius, radius + 1.0), shape[self.lines[:, 0]], directions, self.lines)

    @staticmethod
    def reaches(radius: int) -> tuple[float, ...]:
        """Kernels through which a view is looked at, one after the other, px."""
        return (float(radius), max(0.5 * radius, 2.0))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"lines": self.lines, "mean": self.mean, "inverse": self.inverse}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Profiles:
        """Raises ValueError where the arrays do not fit each other."""
        lines, mean, inverse = (np.asarray(arrays[name]) for name in ("lines", "mean", "inverse"))
        j, length = mean.shape
        if lines.shape != (j, 4) or inverse.shape != (j, length, length):
            raise ValueError(f"profiles have shapes {lines.shape}, {mean.shape}, {inverse.shape}, which do not fit")
        return cls(lines.astype(np.int64), mean.astype(float), inverse.astype(float))


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

    def score(self, shape: np.ndarray) -> np.ndarray:
        """(K,) minus the Mahalanobis distance next to each point, averaged over its profiles."""
        point = self.lines[:, 0]
        here = ((shape[point] - self.origins) * self.directions).sum(axis=1)
        near = np.abs(self.steps - here[:, None])
        near = near <= np.maximum(near.min(axis=1, keepdims=True), 1.0)
        best = np.where(near, self.distance, np.inf).min(axis=1)
        return -np.bincount(point, best) / np.bincount(point)


def profile_lines(k: int, edges: Sequence[tuple[int, int]]) -> np.ndarray:
    """(J, 4) int64, see `Profiles`: one line for a point on a contour, two for any other."""
    neighbours: list[list[int]] = [[] for _ in range(k)]
    for a, b in edges:
        if a != b:
            neighbours[a].append(b)
            neighbours[b].append(a)
    lines = []
    for i, near in enumerate(neighbours):
        near = sorted(set(near))
        if len(near) == 2:
            lines.append((i, near[0], near[1], -1))
        elif len(near) == 1:
            lines.append((i, near[0], i, -1))
        else:
            lines += [(i, -1, -1, 0), (i, -1, -1, 1)]
    return np.array(lines, np.int64)


def _directions(shape: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """(J, 2) unit vectors; NaN where a neighbour is not known."""
    along = shape[lines[:, 2]] - shape[lines[:, 1]]
    length = np.linalg.norm(along, axis=1, keepdims=True)
    normal = np.stack([-along[:, 1], along[:, 0]], -1) / np.where(length > 1e-6, length, 1)
    normal = np.where(length > 1e-6, normal, [1.0, 0.0])
    normal = np.where(np.isnan(length), np.nan, normal)
    axes = np.eye(2)[np.maximum(lines[:, 3], 0)]
    return np.where(lines[:, 3:] >= 0, axes, normal)


def _differences(long: np.ndarray, length: int) -> np.ndarray:
    """(J, P, L) normalised differences of all profiles of L + 1 samples in (J, L + P) samples."""
    steps = np.diff(long, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(steps, length, axis=1)
    total = np.abs(windows).sum(axis=-1, keepdims=True)
    return windows / (total + 1.0)


@numba.njit(cache=True, nogil=True)
def _sample(
    frame: np.ndarray, shape: np.ndarray, directions: np.ndarray, points: np.ndarray, reach: int
) -> np.ndarray:
    """(J, 2 reach + 1) grey values, bilinear, at steps of 1 px along lines through points; NaN where one is not known."""
    height, width = frame.shape
    out = np.empty((len(points), 2 * reach + 1))
    for j in range(len(points)):
        for s in range(-reach, reach + 1):
            x = shape[points[j], 0] + s * directions[j, 0]
            y = shape[points[j], 1] + s * directions[j, 1]
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
