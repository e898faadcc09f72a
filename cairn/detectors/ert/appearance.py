"""Whether the picture at the points looks as it does at the points of a good fit.

Trees find a likely shape even on a wall. Here pixels around the found shape, turned and scaled with it and brought to
mean 0 and variance 1, are compared with those of good fits and of searches that went wrong (in boxes beside the object,
far too small or too large, on noise and on nothing): a linear discriminant, whose answer is turned into a probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from cairn.detectors.ert.boosting import draw_pixels
from cairn.detectors.ert.samples import Objects, Samples, box_frames, draw_samples
from cairn.geometry import transforms

__all__ = ["Appearance", "learn_appearance"]

_EXAMPLES = 6000  # good ones, or so
_PIXELS = 400
_GOOD, _BAD = 0.06, 0.12  # mean error in units of the box

_RIDGE = 0.1  # of the mean variance, added to each


@dataclass(frozen=True, eq=False)
class Appearance:
    """A discriminant of good and bad fits.

    Parameters
    ----------
    anchors : (P,) uint16, offsets : (P, 2) float32: pixels, as in `Cascade`
    weights : (P,) float32, of the normalised pixels
    curve : (2,) float32: the probability of a good fit is ``1 / (1 + exp(-(a + b * answer)))``
    """

    anchors: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray
    curve: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.anchors)
        for name, shape in (("anchors", (count,)), ("offsets", (count, 2)), ("weights", (count,)), ("curve", (2,))):
            value = np.ascontiguousarray(getattr(self, name), np.uint16 if name == "anchors" else np.float32)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name} of the appearance has shape {value.shape}; expected {shape}, all finite")
            object.__setattr__(self, name, value)

    @classmethod
    def fit(cls, anchors: np.ndarray, offsets: np.ndarray, good: np.ndarray, bad: np.ndarray) -> Self:
        """Learn from the pixels (N, P) of good and of bad fits."""
        good, bad = normalised(good), normalised(bad)
        # Halves: one for the discriminant, one for the curve, so that the curve does not believe too much.
        weights = _discriminant(good[::2], bad[::2])
        curve = _logistic(np.concatenate([good[1::2], bad[1::2]]) @ weights, len(good[1::2]))
        return cls(anchors, offsets, weights, curve)

    def score(self, pixels: np.ndarray) -> np.ndarray:
        """(N,) in [0, 1] of pixels (N, P); `search.judge` does the same, compiled."""
        answer = normalised(pixels) @ self.weights
        return 1 / (1 + np.exp(-np.clip(self.curve[0] + self.curve[1] * answer, -30, 30)))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {f"appearance_{f.name}": getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `to_arrays` wrote."""
        return cls(**{f.name: arrays[f"appearance_{f.name}"] for f in fields(cls)})


def learn_appearance(
    objects: Objects,
    mean: np.ndarray,
    jitter: tuple[float, float, float],
    flip: tuple[int, ...] | None,
    search: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], None],
    rng: np.random.Generator,
) -> Appearance | None:
    """Search in good boxes and in bad ones, and learn to tell the results apart.

    Parameters
    ----------
    objects : of the training
    mean : (K, 2) units of the box
    jitter, flip : as in training
    search : moves shapes (N, K, 2) in place, given patches, which (N,), places (N, 2, 3)

    Returns
    -------
    Appearance : None where there are too few good or bad results
    """
    count = len(objects.points)
    each = max(round(_EXAMPLES / count), 1)
    good = draw_samples(objects, min(max(each, 2), 20), mean, flip, jitter, 0.0, 0.0, rng)
    search(objects.patches, good.which, good.places, good.starts)
    bad = _wrong_boxes(objects, len(good.which), mean, rng)
    search(objects.patches, bad.which, bad.places, bad.starts)
    walls = _walls(objects.patches, len(good.which) // 3, rng)
    n = len(walls)
    places = np.repeat(objects.frames[:1], n, axis=0)
    shapes = np.repeat(mean[None].astype(np.float32), n, axis=0)
    search(walls, np.arange(n), places, shapes)
    anchors, offsets = draw_pixels(mean.astype(np.float32), _PIXELS, 0.0, rng)
    look = (mean.astype(np.float32), anchors, offsets)
    right, wrong = _error(good) < _GOOD, _error(bad) > _BAD
    at_good = _read(objects.patches, good.which, good.places, good.starts, *look)[right]
    at_bad = _read(objects.patches, bad.which, bad.places, bad.starts, *look)[wrong]
    at_bad = np.concatenate([at_bad, _read(walls, np.arange(n), places, shapes, *look)])
    if min(len(at_good), len(at_bad)) < 8:
        return None
    return Appearance.fit(anchors, offsets, at_good, rng.permutation(at_bad))


def _wrong_boxes(objects: Objects, n: int, mean: np.ndarray, rng: np.random.Generator) -> Samples:
    """Searches in boxes beside the objects, or far too small or too large, or with the picture turned."""
    which = rng.integers(0, len(objects.points), n)
    sides = np.exp(rng.uniform(-0.8, 0.5, (n, 1))) * np.exp(0.1 * rng.normal(size=(n, 2)))
    direction = rng.normal(size=(n, 2))
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    corners = rng.uniform(0.0, 0.8, (n, 1)) * direction + (1 - sides) / 2
    boxes = box_frames(corners, sides)
    turns = rng.integers(0, 4, n) * (np.pi / 2) * (rng.random(n) < 0.4)
    turned = np.stack([transforms.rotation_about(np.array([0.5, 0.5]), angle) for angle in turns])
    boxes = transforms.compose(turned, boxes)
    places = transforms.compose(objects.frames[which], boxes)
    truths = transforms.apply(transforms.invert(boxes), objects.points[which])
    return Samples(which, places, truths, np.repeat(mean[None].astype(np.float32), n, axis=0))


def _walls(patches: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, S, S) patches without an object: noise of any grain, slopes, nothing, shuffled pieces of the others."""
    import cv2

    side = patches.shape[1]
    out = np.empty((n, side, side), np.uint8)
    line = np.linspace(-1, 1, side)
    for i in range(n):
        kind = i % 4
        if kind == 0:
            grain = max(int(side * rng.uniform(0.02, 1.0)), 2)
            noise = cv2.resize(rng.normal(size=(grain, grain)), (side, side), interpolation=cv2.INTER_CUBIC)
            wall = 128 + rng.uniform(1, 60) * noise
        elif kind == 1:
            wall = 128 + rng.uniform(-80, 80) * line[:, None] + rng.uniform(-80, 80) * line
        elif kind == 2:
            wall = rng.uniform(0, 255) + rng.uniform(0, 3) * rng.normal(size=(side, side))
        else:
            pieces = int(rng.integers(2, 6))
            step = side // pieces
            wall = np.full((side, side), 128.0)
            for y in range(pieces):
                for x in range(pieces):
                    other = patches[rng.integers(len(patches))]
                    v, u = rng.integers(0, side - step + 1, 2)
                    wall[y * step : (y + 1) * step, x * step : (x + 1) * step] = other[v : v + step, u : u + step]
        out[i] = np.clip(wall, 0, 255)
    return out


def _error(samples: Samples) -> np.ndarray:
    """(N,) mean distance of the found points (in `starts`) from the truth, in units of the box."""
    away = np.linalg.norm(samples.starts - samples.truths, axis=-1)
    there = np.isfinite(away)
    return np.where(there, away, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)


def _read(
    patches: np.ndarray,
    which: np.ndarray,
    places: np.ndarray,
    shapes: np.ndarray,
    mean: np.ndarray,
    anchors: np.ndarray,
    offsets: np.ndarray,
) -> np.ndarray:
    from cairn.detectors.ert.prediction import read_at

    shapes = np.ascontiguousarray(shapes, np.float32)
    return read_at(patches, which, np.ascontiguousarray(places), shapes, mean, anchors, offsets)


def normalised(pixels: np.ndarray) -> np.ndarray:
    """Each row with mean 0 and standard deviation 1; flat ones stay near 0."""
    values = pixels.astype(np.float32)
    from cairn.detectors.ert.search import FLAT

    values -= values.mean(axis=1, keepdims=True)
    return values / np.maximum(values.std(axis=1, keepdims=True), FLAT)


def _discriminant(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Fisher's: (Sg + Sb + ridge)^-1 (mg - mb)."""
    within = np.cov(good, rowvar=False) + np.cov(bad, rowvar=False)
    within = np.atleast_2d(within)
    within[np.diag_indices(len(within))] += _RIDGE * max(float(np.trace(within)) / len(within), 1e-6)
    return np.linalg.solve(within, good.mean(axis=0) - bad.mean(axis=0))


def _logistic(answers: np.ndarray, n_good: int) -> np.ndarray:
    """(a, b) by Newton's method; both kinds weigh the same, and a little is taken off certainty (Platt 1999)."""
    is_good = np.arange(len(answers)) < n_good
    n_bad = len(answers) - n_good
    target = np.where(is_good, (n_good + 1) / (n_good + 2), 1 / (n_bad + 2))
    weight = np.where(is_good, 0.5 / max(n_good, 1), 0.5 / max(n_bad, 1))
    scale = max(float(answers.std()), 1e-9)
    design = np.stack([np.ones_like(answers), answers / scale], axis=1)
    beta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (weight * (target - p))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        beta += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return np.array([beta[0], beta[1] / scale])
