"""Grey squares that the search looks at, cut out of the picture.

Two steps. A *base* square holds the box and what is around it (`SCALE` longer sides of the box), in grey; it is cut out
once. A *frame* is what one level of the search sees: the base turned, scaled and shifted so that the current shape lies
on the reference shape of that level, blurred first so that detail finer than the frame's pixels does not alias. The
picture's last row and column are repeated outside it.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cairn.geometry import transforms

__all__ = ["SCALE", "Base", "grey"]

SCALE = 2.2  # side of the base, in longer sides of the box


def grey(rgb: np.ndarray) -> np.ndarray:
    """(H, W) uint8 of (H, W, 3) uint8, weighted as the eye does (ITU-R BT.601)."""
    import cv2

    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


class Base:
    """The square about one box, and its blurred versions as they are asked for.

    Parameters
    ----------
    pixels : (S, S) uint8
    matrix : (2, 3) picture px to base px
    """

    def __init__(self, pixels: np.ndarray, matrix: np.ndarray):
        self.pixels = pixels
        self.matrix = matrix
        self._blurred: dict[float, np.ndarray] = {}

    @classmethod
    def cut(cls, picture: np.ndarray, box: np.ndarray, size: int) -> Base:
        """The base of `size` pixels about `box` (4,) in a grey picture."""
        matrix = transforms.box_to_square(box[None], size, SCALE)[0]
        return cls(_square(picture, matrix, size), matrix)

    @cached_property
    def inverse(self) -> np.ndarray:
        """(2, 3) base px to picture px."""
        return transforms.invert(self.matrix)

    def frame(self, matrix: np.ndarray, size: int) -> np.ndarray:
        """The frame of `size` pixels onto which `matrix` maps the base, (size, size) uint8."""
        import cv2

        zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        shrink = 2 ** (round(2 * np.log2(1 / max(zoom, 1e-3))) / 2)  # half octaves, so that few are made
        return cv2.warpAffine(
            self._at(shrink), matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )

    def _at(self, shrink: float) -> np.ndarray:
        if shrink <= 1.3:
            return self.pixels
        if shrink not in self._blurred:
            import cv2

            sigma = 0.5 * np.sqrt(shrink**2 - 1)
            self._blurred[shrink] = cv2.GaussianBlur(self.pixels, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        return self._blurred[shrink]


def _square(pixels: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The square onto which `matrix` maps the picture; whole blocks are averaged where it shrinks more than twice."""
    import cv2

    factor = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    edge = size - 0.5
    corners = transforms.apply(transforms.invert(matrix), [[-0.5, -0.5], [edge, -0.5], [-0.5, edge], [edge, edge]])
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - max(factor, 1), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + max(factor, 1) + 1, pixels.shape[::-1])
    blocks = (high - low) // max(factor, 1)
    if (blocks < 1).any():
        return np.zeros((size, size), np.uint8)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    if factor >= 2:
        part = part[: blocks[1] * factor, : blocks[0] * factor]
        part = cv2.resize(part, tuple(int(b) for b in blocks), interpolation=cv2.INTER_AREA)
        # A block's centre lies (factor - 1) / 2 behind the centre of its first pixel.
        offset, step = low + (factor - 1) / 2, factor
    else:
        offset, step = low, 1
    back = np.array([[step, 0, offset[0]], [0, step, offset[1]]], np.float64)
    return cv2.warpAffine(
        part,
        transforms.compose(matrix, back),
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
