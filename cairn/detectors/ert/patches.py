"""What the trees see of a picture: grey pixels, at one resolution whatever the size of the box.

A patch is the part of the picture under the box and a margin around it, cut at whole pixels and resized to a square, in
which the box has about `size` pixels along each side; an affine map says where in the patch it lies exactly. Outside
the picture its nearest pixel goes on. Where the picture is shrunk much, pixels are averaged, so that fine detail does
not alias.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["grey_patch", "patch_side"]


def patch_side(size: int, margin: float) -> int:
    """Pixels along a side of the patch."""
    return round(size * (1 + 2 * margin))


def grey_patch(pixels: np.ndarray, box: np.ndarray, size: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """The patch of one box, and where the box is in it.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
    box : (4,) px, x0 < x1 and y0 < y1
    size : px of the patch along each side of the box, or nearly so
    margin : on each side, in units of the box

    Returns
    -------
    patch : (S, S) uint8, S = `patch_side`
    frame : (2, 3) units of the box to px of the patch
    """
    import cv2

    side = patch_side(size, margin)
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = box.tolist()
    # Whole pixels: moving picture and box together by such changes nothing.
    left, top = math.floor(x0 - margin * (x1 - x0)), math.floor(y0 - margin * (y1 - y0))
    across = max(math.ceil(x1 + margin * (x1 - x0)) + 1 - left, 1)
    down = max(math.ceil(y1 + margin * (y1 - y0)) + 1 - top, 1)
    shrink = max(int(min(across, down) / side), 1)
    across, down = -(-across // shrink) * shrink, -(-down // shrink) * shrink  # whole blocks of pixels
    low_x, low_y = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    high_x, high_y = max(min(left + across, width), low_x + 1), max(min(top + down, height), low_y + 1)
    part = cv2.cvtColor(pixels[low_y:high_y, low_x:high_x], cv2.COLOR_RGB2GRAY)
    if (low_x, low_y, high_x, high_y) == (left, top, left + across, top + down):
        if shrink > 1:  # means of blocks, which is much faster than means of parts of pixels
            part = cv2.resize(part, (across // shrink, down // shrink), interpolation=cv2.INTER_AREA)
        patch = cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR)
    else:
        patch = _beyond_the_edge(part, (left - low_x, top - low_y), (across, down), side)
    zoom_x, zoom_y = side / across, side / down
    frame = np.zeros((2, 3))
    frame[0, 0], frame[1, 1] = zoom_x * (x1 - x0), zoom_y * (y1 - y0)
    # The centre of the first pixel is 0 in the picture and in the patch; the outer edges coincide.
    frame[0, 2], frame[1, 2] = zoom_x * (x0 - left + 0.5) - 0.5, zoom_y * (y0 - top + 0.5) - 0.5
    return patch, frame


def _beyond_the_edge(part: np.ndarray, corner: tuple[int, int], size: tuple[int, int], side: int) -> np.ndarray:
    """A patch that reaches out of the picture: `corner` (x, y) and `size` of its pixels, from the first one of `part`.

    The picture is shrunk first where it is large, so that a huge box costs no huge memory.
    """
    import cv2

    zoom = np.array([side / size[0], side / size[1]])
    small = np.minimum(zoom, 1.0)
    wanted = np.maximum(np.ceil(np.array(part.shape[1::-1]) * small), 1).astype(int)
    if tuple(wanted) != part.shape[1::-1]:
        small = wanted / np.array(part.shape[1::-1])
        part = cv2.resize(part, tuple(wanted.tolist()), interpolation=cv2.INTER_AREA)
    # Patch px to px of the picture (outer edges coincide), and from there to px of the shrunk part.
    rate = small / zoom
    offset = (0.5 / zoom + np.array(corner)) * small - 0.5
    back = np.array([[rate[0], 0, offset[0]], [0, rate[1], offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(part, back, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
