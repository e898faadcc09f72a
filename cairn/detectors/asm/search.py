"""The shape that fits what was seen at each point: evidence as Gaussians, then one linear system.

What an expert or a profile says about a point becomes a Gaussian: a place and a precision (the inverse of a covariance;
nothing was seen along a direction whose precision is 0). The shape is ``x = mean + Q a + e``, with Q the similarities
about the mean (linearised; frames keep them small) and the modes of the shape model, whose amplitudes are Gaussian with
the model's variances, and e the model's noise. The most likely shape solves

    (Q' W Q + diag(1 / variance)) a = Q' W (seen - mean),       W = (noise I + precision^-1)^-1

(Wang, Lucey, Cohn 2008: convex quadratic fitting; Cootes 1995 where W is the identity and nothing is known of the
amplitudes but their limit). Amplitudes are kept within `limit` standard deviations. A hidden point has little precision
and is filled in by the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

__all__ = ["Shapes", "evidence"]

_TINY = 1e-9
POSE = 4  # shift, size and turn


@dataclass(frozen=True)
class Shapes:
    """The shape model in the pixels of one level's frame.

    Parameters
    ----------
    mean : (K, 2) px, the reference shape
    basis : (4 + M, K, 2) orthonormal; the first four shift, enlarge and turn the mean
    variances : (M,) px^2 of the modes' amplitudes
    noise : px^2, variance of what the modes leave, in each coordinate
    pose : (4, 4) precision, px^-2, of the first four amplitudes about those of the starting shape
    """

    mean: np.ndarray
    basis: np.ndarray
    variances: np.ndarray
    noise: float
    pose: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, modes: np.ndarray, variances: np.ndarray, noise: float, spread: np.ndarray) -> Shapes:
        """From a model in px of the frame, and the covariance (4, 4) of shift (px), relative size and turn (rad)."""
        k = len(mean)
        moves, lengths = _similarities(mean)
        modes = np.asarray(modes, np.float64).reshape(-1, 2 * k)
        modes = modes - (modes @ moves.T) @ moves
        basis = np.concatenate([moves, modes]).reshape(-1, k, 2)
        covariance = spread * lengths[:, None] * lengths
        return cls(mean, basis, np.asarray(variances, float), max(float(noise), _TINY), np.linalg.inv(covariance))

    def place(self, points: np.ndarray) -> np.ndarray:
        """(4,) amplitudes of shift, size and turn that lie nearest to `points` (K, 2)."""
        return self.basis[:POSE].reshape(POSE, -1) @ (points - self.mean).ravel()

    def fit(
        self, seen: np.ndarray, precision: np.ndarray, limit: float, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The most likely shape.

        Parameters
        ----------
        seen : (K, 2) px
        precision : (K, 2, 2) px^-2
        limit : standard deviations that an amplitude may reach
        start : (4,) where the pose is expected, of `place`

        Returns
        -------
        points (K, 2) without noise, amplitudes (4 + M,), and the system's matrix (4 + M, 4 + M)
        """
        q = self.basis.reshape(len(self.basis), -1)
        w = np.linalg.inv(np.eye(2) + self.noise * precision) @ precision
        wq = np.matmul(self.basis.transpose(1, 0, 2), w).transpose(1, 0, 2).reshape(q.shape)
        system = wq @ q.T
        right = wq @ (seen - self.mean).ravel()
        system[:POSE, :POSE] += self.pose
        right[:POSE] += self.pose @ start
        modes = np.arange(POSE, len(q))
        system[modes, modes] += 1 / np.maximum(self.variances, _TINY)
        a = np.linalg.solve(system, right)
        bound = limit * np.sqrt(self.variances)
        over = np.abs(a[POSE:]) > bound
        if over.any():  # the others are fitted again with those held at their limit
            held = np.concatenate([np.zeros(POSE, bool), over])
            a[held] = np.clip(a[POSE:], -bound, bound)[over]
            free = ~held
            a[free] = np.linalg.solve(system[np.ix_(free, free)], right[free] - system[np.ix_(free, held)] @ a[held])
            a[POSE:] = np.clip(a[POSE:], -bound, bound)
        return self.mean + (a @ q).reshape(-1, 2), a, system

    def unlikely(self, amplitudes: np.ndarray) -> float:
        """Squared Mahalanobis distance of a shape from the mean; pose costs nothing."""
        return float((amplitudes[POSE:] ** 2 / np.maximum(self.variances, _TINY)).sum())

    def settle(
        self, points: np.ndarray, seen: np.ndarray, precision: np.ndarray, system: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points with the noise that each is expected to have, and their covariance.

        Parameters
        ----------
        points, system : of `fit`
        seen, precision : what was given to it

        Returns
        -------
        (K, 2) px, (K, 2, 2) px^2
        """
        left = np.linalg.inv(np.eye(2) / self.noise + precision)  # covariance of the noise, given the shape
        gain = left @ precision
        settled = points + np.einsum("kij,kj->ki", gain, seen - points)
        loading = (np.eye(2) - gain) @ self.basis.transpose(1, 2, 0)
        return settled, loading @ np.linalg.inv(system) @ loading.transpose(0, 2, 1) + left


def _similarities(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(4, 2K) orthonormal shifts, size and turn of the mean, and the length of each move by one px or one radian."""
    centred = mean - mean.mean(axis=0)
    ones, zero = np.ones(len(mean)), np.zeros(len(mean))
    turned = np.stack([-centred[:, 1], centred[:, 0]], -1)
    moves = np.array([np.stack([ones, zero], -1), np.stack([zero, ones], -1), centred, turned]).reshape(POSE, -1)
    lengths = np.linalg.norm(moves, axis=1)
    return moves / lengths[:, None], lengths


@numba.njit(cache=True, nogil=True)
def evidence(
    logits: np.ndarray, middles: np.ndarray, window: np.ndarray, around: np.ndarray, reach: float, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scores over windows as a Gaussian for each point, seen through a Gaussian kernel about the current shape.

    The softmax of scores and kernel has a mean and a covariance C. Taking the kernel's own precision off again,
    ``C^-1 - I / reach^2``, leaves what the picture says; along directions where that is negative (two peaks, say), it
    says nothing.

    Parameters
    ----------
    logits : (K, P) of the places ``middles[k] + window[p]``, px
    around : (K, 2) px, the current shape
    reach : px, sigma of the kernel
    floor : px^2, added to each covariance: what a grid of pixels can tell at best

    Returns
    -------
    seen (K, 2) px, precision (K, 2, 2) px^-2
    """
    k, p = logits.shape
    seen, precision = np.empty((k, 2)), np.empty((k, 2, 2))
    kernel = 1 / reach**2
    w = np.empty(p)
    for i in range(k):
        ox, oy = middles[i, 0] - around[i, 0], middles[i, 1] - around[i, 1]
        top = -np.inf
        for j in range(p):
            x, y = ox + window[j, 0], oy + window[j, 1]
            w[j] = logits[i, j] - 0.5 * kernel * (x * x + y * y)
            top = max(top, w[j])
        n = mx = my = xx = xy = yy = 0.0
        for j in range(p):
            e = np.exp(w[j] - top)
            x, y = ox + window[j, 0], oy + window[j, 1]
            n += e
            mx += e * x
            my += e * y
            xx += e * x * x
            xy += e * x * y
            yy += e * y * y
        mx, my = mx / n, my / n
        xx, xy, yy = xx / n - mx * mx + floor, xy / n - mx * my, yy / n - my * my + floor
        # precision of what was seen with the kernel, and its axes
        det = xx * yy - xy * xy
        a, b, c = yy / det, -xy / det, xx / det
        half, off = (a + c) / 2, np.sqrt(((a - c) / 2) ** 2 + b * b)
        turn = 0.5 * np.arctan2(2 * b, a - c)
        cos, sin = np.cos(turn), np.sin(turn)
        first, second = half + off, half - off  # along (cos, sin), and across
        along, across = cos * mx + sin * my, cos * my - sin * mx
        left1, left2 = max(first - kernel, 0.0), max(second - kernel, 0.0)
        # information adds up: (C^-1) mean = (C^-1 - kernel) seen, as the kernel sits at the origin
        step1 = first * along / left1 if left1 > 1e-3 * kernel else 0.0
        step2 = second * across / left2 if left2 > 1e-3 * kernel else 0.0
        far = 2 * reach
        step1, step2 = min(max(step1, -far), far), min(max(step2, -far), far)
        seen[i, 0] = around[i, 0] + cos * step1 - sin * step2
        seen[i, 1] = around[i, 1] + sin * step1 + cos * step2
        precision[i, 0, 0] = left1 * cos * cos + left2 * sin * sin
        precision[i, 0, 1] = precision[i, 1, 0] = (left1 - left2) * cos * sin
        precision[i, 1, 1] = left1 * sin * sin + left2 * cos * cos
    return seen, precision
