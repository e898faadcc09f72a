"""What the trees see of a picture: grey pixels, at one resolution whatever the size of the box.

A patch is the box and a margin around it, stretched so that the box has `size` pixels along each side: patch px is
``size * (u + margin)`` where u is in units of the box. Outside the picture its nearest pixel goes on. A picture that is
shrunk more than twice is averaged over whole blocks of pixels first, so that fine detail does not alias.
"""

from __future__ import annotations

import numpy as np

__all__ = ["grey_patch", "patch_side"]


def patch_side(size: int, margin: float) -> int:
    """Pixels along a side of the patch."""
    return round(size * (1 + 2 * margin)) + 1


def grey_patch(pixels: np.ndarray, box: np.ndarray, size: int, margin: float) -> np.ndarray:
    """The patch of one box.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
    box : (4,) px, x0 < x1 and y0 < y1
    size : px of the patch along each side of the box
    margin : on each side, in units of the box

    Returns
    -------
    (M, M) uint8, M = `patch_side`
    """
    import cv2

    side = patch_side(size, margin)
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = box.tolist()
    step_x, step_y = (x1 - x0) / size, (y1 - y0) / size  # px of the picture for one of the patch
    left, top = x0 - margin * (x1 - x0), y0 - margin * (y1 - y0)
    shrink = max(int(min(step_x, step_y)), 1)
    # Only the part of the picture under the patch is looked at, from a whole pixel on: moving picture and box together
    # by whole pixels then changes nothing.
    low_x, high_x = _span(left, left + step_x * side, shrink, width)
    low_y, high_y = _span(top, top + step_y * side, shrink, height)
    part = pixels[low_y:high_y, low_x:high_x]
    if shrink > 1 and min(part.shape[:2]) >= shrink:
        across, down = (high_x - low_x) // shrink, (high_y - low_y) // shrink
        part = cv2.resize(part[: down * shrink, : across * shrink], (across, down), interpolation=cv2.INTER_AREA)
    else:
        shrink = 1
    if part.ndim == 3:
        part = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    centre = (shrink - 1) / 2  # of the first block of pixels
    back = np.array(
        [
            [step_x / shrink, 0, (left - low_x - centre) / shrink],
            [0, step_y / shrink, (top - low_y - centre) / shrink],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(part, back, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _span(low: float, high: float, shrink: int, length: int) -> tuple[int, int]:
    """Whole pixels of the picture from `low` to `high`; at least one, the nearest, where they lie outside."""
    first = min(max(int(np.floor(low)) - shrink, 0), length - 1)
    last = max(min(int(np.ceil(high)) + shrink + 1, length), first + 1)
    return first, last
