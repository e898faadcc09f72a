"""One small regressor for each point: how close a place is to where the point truly lies, from its descriptor.

Milborrow & Nicolls (2014) score a place by MARS on a descriptor, a sum of hinge functions. Here the hinges are of
linear combinations of the whitened descriptor, ``s(d) = u.d + sum_h v_h max(0, w_h.d + b_h)``, fitted so that
within a search window ``softmax(s)`` is the probability that the point is there: cross-entropy against a narrow
Gaussian about the truth. Training looks at a few places of each window, those next to the truth and some drawn from the
rest; the drawn ones stand for all (their logits carry the logarithm of how many each stands for).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from cairn.detectors.asm.descriptors import CELLS, LAYERS, LENGTH, MIRRORED, ORIENTATIONS, describe, descriptor_maps
from cairn.detectors.asm.search import evidence

__all__ = ["Experts", "Samples", "View", "fit_expert", "logits"]

_TARGET = 0.8  # px of the frame, sigma of the Gaussian about the truth
_FLOOR = 0.3  # px^2
_BATCH = 64  # windows in a step
_RATE = 4e-3  # of Adam, falling to nothing along a cosine


@dataclass(frozen=True)
class Experts:
    """The regressors of one level, with their whitening folded in.

    Parameters
    ----------
    weights : (K, LENGTH, H + 1) float32, the hinges' directions and, last, the linear part
    bias : (K, H + 1) float32
    out : (K, H) float32
    """

    weights: np.ndarray
    bias: np.ndarray
    out: np.ndarray

    @classmethod
    def fit(
        cls,
        pixels: np.ndarray,
        points: np.ndarray,
        flip: tuple[int, ...] | None,
        *,
        radius: int,
        places: int,
        rng: np.random.Generator,
        advance: Callable[[int], None],
        **training: Any,
    ) -> Experts:
        """Train a regressor for each point.

        Parameters
        ----------
        pixels : (N, S, S) uint8 frames
        points : (N, K, 2) px of the frame, NaN = not labelled
        flip : the mirror image of each point; then each learns from its counterpart too, and one of a pair is trained
        radius, places : see `Samples.draw`
        advance : told how many points are done
        training : see `fit_expert`
        """
        n, k = points.shape[:2]
        maps = np.empty((n, *pixels.shape[1:], LAYERS * ORIENTATIONS), np.uint8)
        for i in range(n):
            maps[i] = descriptor_maps(pixels[i])
        samples = Samples.draw(n, radius, places, rng)
        weights = np.empty((k, LENGTH, training["hinges"] + 1), np.float32)
        bias, out = np.empty((k, weights.shape[2]), np.float32), np.empty((k, weights.shape[2] - 1), np.float32)
        labelled = np.isfinite(points).all(axis=-1)
        done = 0
        for i in range(k):
            other = None if flip is None else flip[i]
            if other is not None and other < i:
                continue
            seen = [(np.flatnonzero(labelled[:, i]), points[labelled[:, i], i], False)]
            if other is not None:
                seen.append((np.flatnonzero(labelled[:, other]), points[labelled[:, other], other], True))
            weights[i], bias[i], out[i] = fit_expert(maps, seen, samples, rng=rng, **training)
            if other is not None and other != i:
                weights[other], bias[other], out[other] = weights[i][MIRRORED], bias[i], out[i]
            done += 1 + (other is not None and other != i)
            advance(done)
        return cls(weights, bias, out)

    def look(self, frame: np.ndarray, shape: np.ndarray, radius: int) -> View:
        """Score the places within `radius` px of each point of `shape` (K, 2) in a frame (S, S) uint8."""
        window = _disc(radius)
        middles = np.rint(shape).astype(np.int64)
        maps = descriptor_maps(frame)
        found = logits(maps, CELLS, middles, window, self.weights, self.bias, self.out)
        return View(found, middles, window, maps)

    @staticmethod
    def reaches(radius: int) -> tuple[float, ...]:
        """Kernels through which a view is looked at, one after the other, px."""
        return (radius, max(0.5 * radius, 2.0), max(0.35 * radius, 2.0))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias, "out": self.out}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Experts:
        """Raises ValueError where the arrays do not fit each other."""
        weights, bias, out = arrays["weights"], arrays["bias"], arrays["out"]
        k, hinges = out.shape
        if weights.shape != (k, LENGTH, hinges + 1) or bias.shape != (k, hinges + 1):
            raise ValueError(f"regressors have shapes {weights.shape}, {bias.shape}, {out.shape}, which do not fit")
        return cls(*(np.ascontiguousarray(a, np.float32) for a in (weights, bias, out)))


@dataclass(frozen=True)
class View:
    """Scores of a search window about each point: (K, P) of the places ``middles[k] + window[p]``."""

    logits: np.ndarray
    middles: np.ndarray
    window: np.ndarray
    maps: np.ndarray

    def evidence(self, shape: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """See `cairn.detectors.asm.search.evidence`."""
        return evidence(self.logits, self.middles, self.window, shape, float(reach), _FLOOR)

    def cost(self, shape: np.ndarray) -> float:
        """Minus the sum of the best scores within a px of a shape (K, 2)."""
        away = np.abs(self.middles[:, None] + self.window - shape[:, None]).max(axis=-1)
        near = away <= np.maximum(away.min(axis=1, keepdims=True), 1.0)
        return -float(np.where(near, self.logits, -np.inf).max(axis=1).sum())

    def features(self, shape: np.ndarray) -> np.ndarray:
        """(K, LENGTH) descriptors at a shape (K, 2)."""
        out = np.empty((len(shape), LENGTH), np.float32)
        describe(self.maps, CELLS, np.rint(shape).astype(np.int64), out)
        return out


@dataclass(frozen=True)
class Samples:
    """Places about the truth that the experts of a level are trained on.

    Parameters
    ----------
    offsets : (N, C, 2) int64 px, from the pixel next to the truth
    stands_for : (C,) how many places of the window each is drawn from
    """

    offsets: np.ndarray
    stands_for: np.ndarray

    @classmethod
    def draw(cls, n: int, radius: int, places: int, rng: np.random.Generator) -> Samples:
        """The nine next to the truth, and `places` others within `radius` px, for each of `n` windows."""
        window = _disc(radius)
        distance = np.abs(window).max(axis=1)
        near, far = window[distance <= 1], window[distance > 1]
        places = min(places, len(far))
        drawn = np.argsort(rng.random((n, len(far)), np.float32), axis=1)[:, :places]
        offsets = np.concatenate([np.broadcast_to(near, (n, len(near), 2)), far[drawn]], axis=1)
        stands_for = np.concatenate([np.ones(len(near)), np.full(places, len(far) / places)])
        return cls(offsets, stands_for)


def fit_expert(
    maps: np.ndarray,
    seen: list[tuple[np.ndarray, np.ndarray, bool]],
    samples: Samples,
    *,
    hinges: int,
    components: int,
    steps: int,
    decay: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train the regressor of one point.

    Parameters
    ----------
    maps : (N, S, S, M) uint8 of the frames
    seen : where the point is labelled: frames (n,), its places there (n, 2) px, and whether what stands there is the
        mirror image of the point
    samples : for each frame
    hinges, components, steps, decay : number of hinges, of whitened components, of steps; weight decay

    Returns
    -------
    weights (LENGTH, H + 1), bias (H + 1,), out (H,), float32
    """
    descriptors, targets = [], []
    for frames, truth, mirrored in seen:
        offsets = samples.offsets[frames] * (np.array([-1, 1]) if mirrored else 1)
        places = np.rint(truth).astype(np.int64)[:, None] + offsets
        some = np.empty((places.shape[0] * places.shape[1], LENGTH), np.float32)
        _describe_all(maps, CELLS, frames, places, some)
        descriptors.append(some[:, MIRRORED] if mirrored else some)
        target = np.exp(-0.5 * ((places - truth[:, None]) ** 2).sum(-1) / _TARGET**2)
        targets.append((target / target.sum(axis=1, keepdims=True)).astype(np.float32))
    x, target = np.concatenate(descriptors), np.concatenate(targets)

    mean, whiten = _whitening(x, components, rng)
    z = ((x - mean) @ whiten).reshape(*target.shape, -1)
    u, b, v = _fit(z, target, np.log(samples.stands_for).astype(np.float32), hinges, steps, decay, rng)
    weights = whiten @ u
    return weights, b - mean @ weights, v


def _disc(radius: int) -> np.ndarray:
    """(P, 2) int64 x, y within `radius` px."""
    side = np.arange(-radius, radius + 1)
    square = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    return square[(square**2).sum(axis=1) <= (radius + 0.5) ** 2]


def _whitening(x: np.ndarray, components: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows = rng.choice(len(x), min(len(x), 20_000), replace=False)
    some = x[np.sort(rows)]
    mean = some.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((some - mean).T.astype(np.float64)))
    values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components]
    return mean, (vectors / np.sqrt(np.maximum(values, 0) + 0.02 * values.mean() + 1e-6)).astype(np.float32)


def _fit(
    z: np.ndarray,
    target: np.ndarray,
    log_count: np.ndarray,
    hinges: int,
    steps: int,
    decay: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Adam (Kingma & Ba 2015) with decoupled weight decay; the linear part is the last column."""
    n, c, d = z.shape
    u = rng.normal(0, 1 / np.sqrt(d), (d, hinges + 1)).astype(np.float32)
    u[:, -1] = 0
    b = np.zeros(hinges + 1, np.float32)
    v = rng.normal(0, 0.3 / np.sqrt(max(hinges, 1)), hinges).astype(np.float32)
    parameters = [u, b, v]
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    batch = min(_BATCH, n)
    step = 0
    while step < steps:
        order = rng.permutation(n)
        for i in range(min(n // batch, steps - step)):
            rows = order[i * batch : (i + 1) * batch]
            zb = z[rows].reshape(-1, d)
            a = zb @ u + b
            h = np.maximum(a[:, :-1], 0)
            s = (h @ v + a[:, -1]).reshape(batch, c) + log_count
            s -= s.max(axis=1, keepdims=True)
            np.exp(s, out=s)
            s /= s.sum(axis=1, keepdims=True)
            g = ((s - target[rows]) / batch).reshape(-1)
            da = np.empty_like(a)
            np.multiply(g[:, None], v, out=da[:, :-1])
            da[:, :-1] *= a[:, :-1] > 0
            da[:, -1] = g
            gradients = [zb.T @ da, da.sum(axis=0), h.T @ g]
            step += 1
            rate = _RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            rate *= min(step / 20, 1)
            for p, q, m, w in zip(parameters, gradients, first, second, strict=True):
                m += 0.1 * (q - m)
                w += 0.001 * (q * q - w)
                size = np.sqrt(w / (1 - 0.999**step)) + 1e-8
                p -= np.float32(rate) * (m / np.float32(1 - 0.9**step) / size)
                if p is not b:
                    p *= np.float32(1 - rate * decay)
    return u, b, v


@numba.njit(cache=True, nogil=True)
def _describe_all(maps: np.ndarray, cells: np.ndarray, frames: np.ndarray, places: np.ndarray, out: np.ndarray) -> None:
    count = places.shape[1]
    for i in range(places.shape[0]):
        describe(maps[frames[i]], cells, places[i], out[i * count : (i + 1) * count])


@numba.njit(cache=True, nogil=True)
def logits(
    maps: np.ndarray,
    cells: np.ndarray,
    middles: np.ndarray,
    window: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray,
    out: np.ndarray,
) -> np.ndarray:
    """Scores (K, P) float32 of the places `middles` (K, 2) + `window` (P, 2) int, one expert a point."""
    k, p = len(middles), len(window)
    hinges = out.shape[1]
    scores = np.empty((k, p), np.float32)
    descriptors = np.empty((p, weights.shape[1]), np.float32)
    a = np.empty((p, weights.shape[2]), np.float32)
    for i in range(k):
        describe(maps, cells, middles[i] + window, descriptors)
        np.dot(descriptors, weights[i], a)
        for j in range(p):
            s = a[j, hinges] + bias[i, hinges]
            for h in range(hinges):
                s += out[i, h] * max(a[j, h] + bias[i, h], np.float32(0))
            scores[i, j] = s
    return scores
