"""From a box in a picture to the square of pixels that a network sees, and back.

The box recipe of every network: a square about the box's centre, `scale` times its longer side, on `size` pixels;
outside the picture is black.
"""

from __future__ import annotations

import numpy as np

from cairn.geometry import transforms

__all__ = ["crop"]


def crop(pixels: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The square of `size` pixels onto which `matrix` maps the picture.

    Where the picture is shrunk more than twice, whole blocks of pixels are averaged first, so that detail finer than
    the square's pixels does not alias.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
    matrix : (2, 3) picture px to square px
    size : px

    Returns
    -------
    (size, size, 3) uint8
    """
    import cv2

    shrink = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink >= 2:
        part = _reduced(pixels, matrix, size, shrink)
        if part is None:
            return np.zeros((size, size, 3), np.uint8)
        pixels, matrix = part
    return cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _reduced(pixels: np.ndarray, matrix: np.ndarray, size: int, factor: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The part of the picture that the square sees, `factor` times smaller, and the map from there; None outside."""
    import cv2

    edge = size - 0.5
    corners = transforms.apply(transforms.invert(matrix), [[-0.5, -0.5], [edge, -0.5], [-0.5, edge], [edge, edge]])
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - factor, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + factor + 1, pixels.shape[1::-1])
    blocks = (high - low) // factor
    if (blocks < 1).any():
        return None
    part = pixels[low[1] : low[1] + blocks[1] * factor, low[0] : low[0] + blocks[0] * factor]
    small = cv2.resize(part, tuple(int(b) for b in blocks), interpolation=cv2.INTER_AREA)
    # A block's centre lies (factor - 1) / 2 behind the centre of its first pixel.
    offset = low + (factor - 1) / 2
    back = np.array([[factor, 0, offset[0]], [0, factor, offset[1]]], np.float64)
    return small, transforms.compose(matrix, back)
