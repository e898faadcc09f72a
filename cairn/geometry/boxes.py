"""Axis-parallel boxes: lower corner then upper, ``(N, 4)`` in pictures and ``(N, 6)`` in volumes.

Corners are points like any other: float64 px, 0 at the centre of the first pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["around", "centre", "expand", "iou", "is_valid", "shift", "sides", "stacked", "whole"]


def around(points: ArrayLike) -> np.ndarray:
    """Tight boxes around the finite points of each row.

    Parameters
    ----------
    points : (N, K, D) px

    Returns
    -------
    (N, 2 D); NaN where a row has no point
    """
    points = np.asarray(points, np.float64)
    present = np.isfinite(points).all(axis=-1, keepdims=True)
    lower = np.where(present, points, np.inf).min(axis=1, initial=np.inf)
    upper = np.where(present, points, -np.inf).max(axis=1, initial=-np.inf)
    boxes = np.concatenate([lower, upper], axis=-1)
    boxes[~np.isfinite(boxes).all(axis=-1)] = np.nan
    return boxes


def whole(width: float, height: float) -> np.ndarray:
    """The (1, 4) box of a whole picture, from the outer edge of its first pixel to that of its last."""
    return np.array([[-0.5, -0.5, width - 0.5, height - 0.5]])


def stacked(boxes: Sequence[ArrayLike]) -> tuple[np.ndarray, np.ndarray]:
    """The boxes of several pictures as one new array, and the picture of each.

    Parameters
    ----------
    boxes : sequence of (n, 4) px, one for each picture

    Returns
    -------
    (N, 4) float64 px, (N,) int
    """
    arrays = [np.asarray(b, np.float64).reshape(-1, 4) for b in boxes]
    index = np.repeat(np.arange(len(arrays)), [len(a) for a in arrays])
    return np.concatenate([np.empty((0, 4)), *arrays]), index


def sides(boxes: ArrayLike) -> np.ndarray:
    """(N, D) lengths of the sides, px."""
    boxes = np.asarray(boxes, np.float64)
    d = boxes.shape[-1] // 2
    return boxes[..., d:] - boxes[..., :d]


def centre(boxes: ArrayLike) -> np.ndarray:
    """(N, D) centres, px."""
    boxes = np.asarray(boxes, np.float64)
    d = boxes.shape[-1] // 2
    return (boxes[..., d:] + boxes[..., :d]) / 2


def is_valid(boxes: ArrayLike) -> np.ndarray:
    """(N,) bool: finite, and not upside down or without area."""
    boxes = np.asarray(boxes, np.float64)
    return np.isfinite(boxes).all(axis=-1) & (np.nan_to_num(sides(boxes)) > 0).all(axis=-1)


def expand(boxes: ArrayLike, factor: float) -> np.ndarray:
    """Boxes grown about their centres; a factor of 1 changes nothing."""
    half = sides(boxes) * (factor / 2)
    middle = centre(boxes)
    return np.concatenate([middle - half, middle + half], axis=-1)


def shift(boxes: ArrayLike, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Boxes moved in a random direction by `fraction` of the square root of their area (of their mean side)."""
    boxes = np.asarray(boxes, np.float64)
    direction = rng.normal(size=(len(boxes), boxes.shape[-1] // 2))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    size = np.prod(sides(boxes), axis=-1, keepdims=True) ** (1 / direction.shape[-1])
    step = direction * size * fraction
    return boxes + np.concatenate([step, step], axis=-1)


def iou(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Intersection over union of every box of `a` with every one of `b`.

    Parameters
    ----------
    a, b : (N, 2 D), (M, 2 D) px

    Returns
    -------
    (N, M) in [0, 1]; 0 where a box is NaN or has no area
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    d = a.shape[-1] // 2
    lower = np.maximum(a[:, None, :d], b[None, :, :d])
    upper = np.minimum(a[:, None, d:], b[None, :, d:])
    overlap = np.prod(np.clip(upper - lower, 0, None), axis=-1)
    area = np.prod(np.clip(sides(a), 0, None), axis=-1)[:, None] + np.prod(np.clip(sides(b), 0, None), axis=-1)[None]
    union = area - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=(union > 0) & np.isfinite(union))
