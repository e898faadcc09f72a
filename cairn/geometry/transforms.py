"""Affine maps of the plane as (..., 2, 3) arrays, in coordinates whose 0 is the centre of the first pixel.

`apply`, `invert`, `compose` and `transform_covariance` take maps of space, (..., 3, 4), just as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "apply",
    "box_to_square",
    "compose",
    "invert",
    "rotation_about",
    "similarity_between",
    "transform_covariance",
]


def apply(matrix: ArrayLike, points: ArrayLike) -> np.ndarray:
    """Points (..., K, D) under maps (..., D, D + 1)."""
    matrix, points = np.asarray(matrix, np.float64), np.asarray(points, np.float64)
    return points @ np.swapaxes(matrix[..., :-1], -1, -2) + matrix[..., None, :, -1]


def invert(matrix: ArrayLike) -> np.ndarray:
    """The map back, (..., D, D + 1)."""
    matrix = np.asarray(matrix, np.float64)
    linear = np.linalg.inv(matrix[..., :-1])
    return np.concatenate([linear, -linear @ matrix[..., -1:]], axis=-1)


def compose(after: ArrayLike, first: ArrayLike) -> np.ndarray:
    """The map that does `first`, then `after`, (..., D, D + 1)."""
    after, first = np.asarray(after, np.float64), np.asarray(first, np.float64)
    linear = after[..., :-1] @ first
    linear[..., -1:] += after[..., -1:]
    return linear


def box_to_square(boxes: ArrayLike, size: int, scale: float) -> np.ndarray:
    """Maps that put a square about each box onto a square of `size` pixels.

    The square has the box's centre and `scale` times its longer side; its edges fall on the outer edges of the first
    and last pixels, so the centre goes to ``(size - 1) / 2``.

    Parameters
    ----------
    boxes : (N, 4) px
    size : pixels along a side of the square picture
    scale : side of the square, in longer sides of the box

    Returns
    -------
    (N, 2, 3)
    """
    boxes = np.asarray(boxes, np.float64)
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=-1) * scale
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2
    zoom = size / side
    matrix = np.zeros((len(boxes), 2, 3))
    matrix[:, 0, 0] = matrix[:, 1, 1] = zoom
    matrix[:, :, 2] = (size - 1) / 2 - zoom[:, None] * middle
    return matrix


def rotation_about(centre: ArrayLike, angle: float, zoom: float = 1.0) -> np.ndarray:
    """(2, 3): turn by `angle` (radians, x towards y) and scale by `zoom` about `centre` (2,)."""
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.array([[c, -s], [s, c]])
    centre = np.asarray(centre, np.float64)
    return np.concatenate([linear, (centre - linear @ centre)[:, None]], axis=1)


def similarity_between(source: ArrayLike, target: ArrayLike) -> np.ndarray:
    """Least-squares similarity without reflection that takes `source` to `target` (Umeyama 1991).

    In the plane a similarity is one complex number and a shift, ``z -> a z + b``, and the least squares have the closed
    form ``a = <source, target> / <source, source>`` about the centroids.

    Parameters
    ----------
    source, target : (..., K, 2); points that are NaN in either are left out

    Returns
    -------
    (..., 2, 3)
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    source, target = np.broadcast_arrays(source, target)
    present = (np.isfinite(source) & np.isfinite(target)).all(axis=-1)
    count = np.maximum(present.sum(axis=-1, keepdims=True), 1)

    def centred(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = np.where(present, points[..., 0] + 1j * points[..., 1], 0)
        middle = z.sum(axis=-1, keepdims=True) / count
        return np.where(present, z - middle, 0), middle

    s, s0 = centred(source)
    t, t0 = centred(target)
    norm = (np.abs(s) ** 2).sum(axis=-1, keepdims=True)
    a = np.divide((s.conj() * t).sum(axis=-1, keepdims=True), norm, out=np.ones_like(s0), where=norm > 0)
    b = t0 - a * s0
    a, b = a[..., 0], b[..., 0]
    return np.stack([np.stack([a.real, -a.imag, b.real], -1), np.stack([a.imag, a.real, b.imag], -1)], -2)


def transform_covariance(matrix: ArrayLike, covariance: ArrayLike) -> np.ndarray:
    """Covariances (..., K, D, D) of points under maps (..., D, D + 1)."""
    linear = np.asarray(matrix, np.float64)[..., None, :, :-1]
    return linear @ np.asarray(covariance, np.float64) @ np.swapaxes(linear, -1, -2)
