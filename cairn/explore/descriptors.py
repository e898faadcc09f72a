"""How pictures look at their landmarks, as numbers: a SIFT descriptor at each point, in the frame of the shape.

Every object is turned and scaled so that its shape lies on the mean shape, which removes place, size and turn, and its
points are described where they then lie (Lowe 2004). The square roots of the entries of each, made to sum to 1, are
taken (Arandjelović & Zisserman 2012), so that Euclid's distance between rows is that of Hellinger.
"""

from __future__ import annotations

import numpy as np

from cairn.errors import InputError
from cairn.images import ImageList
from cairn.progress import progress

__all__ = ["LENGTH", "describe"]

LENGTH = 128  # numbers of one descriptor
MAX_BYTES = 4 * 2**30
_SIDE = 128  # px of the square that the mean shape lies in
_MARGIN = 0.2  # of its longer side, on each side of it
_DIAMETER = 6.0  # px of a point; a descriptor looks at about six times as much


def describe(
    images: ImageList,
    index: np.ndarray,
    points: np.ndarray,
    maps: np.ndarray,
    mean: np.ndarray,
    *,
    quiet: bool = False,
) -> np.ndarray:
    """Descriptors of objects at their points.

    Parameters
    ----------
    images : pictures
    index : (n,) picture of each object
    points : (n, K, 2) px
    maps : (n, 2, 3) that lay each object on `mean`
    mean : (K, 2)
    quiet : no progress bar

    Returns
    -------
    (n, K * 128) float32, row by row of unit length for each point

    Raises
    ------
    InputError : a picture that cannot be read, or more numbers than fit in memory
    """
    import cv2

    from cairn.detectors.crop import crop
    from cairn.geometry import transforms

    n, k = points.shape[:2]
    if n * k * LENGTH * 4 > MAX_BYTES:
        raise InputError(
            f"descriptors of {n:,} objects at {k} points take {n * k * LENGTH * 4 / 2**30:.1f} GB; the limit is "
            f"{MAX_BYTES // 2**30} GB: describe fewer pictures"
        )
    low, high = mean.min(axis=0), mean.max(axis=0)
    zoom = _SIDE / ((1 + 2 * _MARGIN) * (high - low).max())
    frame = np.column_stack([zoom * np.eye(2), (_SIDE - 1) / 2 - zoom * (low + high) / 2])
    sift = cv2.SIFT.create()
    rows = np.empty((n, k, LENGTH), np.float32)
    order = np.argsort(index, kind="stable")  # each picture is read once
    last, pixels = -1, np.empty((0, 0, 3), np.uint8)
    with progress("describing", n, quiet=quiet) as advance:
        for done, row in enumerate(order):
            if index[row] != last:
                last = int(index[row])
                pixels = images[last].rgb()
            matrix = transforms.compose(frame, maps[row])
            square = cv2.cvtColor(crop(pixels, matrix, _SIDE), cv2.COLOR_RGB2GRAY)
            places = transforms.apply(matrix, points[row])
            _, rows[row] = sift.compute(square, [cv2.KeyPoint(float(x), float(y), _DIAMETER, 0.0) for x, y in places])
            advance(done + 1)
    total = rows.sum(axis=-1, keepdims=True)
    np.divide(rows, total, out=rows, where=total > 0)  # 0 where a picture is flat
    return np.sqrt(rows, out=rows).reshape(n, k * LENGTH)
