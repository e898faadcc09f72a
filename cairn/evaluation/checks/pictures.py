"""One pass over the pictures: size, exact content, and a fingerprint that survives copying.

The fingerprint is a perceptual hash without the rounding: the picture in grey, 64 x 64, its pixels replaced by their
ranks (which takes out brightness, contrast and gamma), the middle frequencies of its cosine transform (6 to 31 of 64
each way: below, all pictures of one kind are alike; above, JPEG and resizing take away), brought to length one.
Similarity of two pictures is the product of their fingerprints, a correlation. (Zauner 2010 for the hash; ranks as in
histogram equalisation.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cairn.errors import InputError
from cairn.evaluation.checks.findings import Finding
from cairn.images import Image, ImageList
from cairn.progress import progress

__all__ = ["Pictures", "fingerprint", "look_at", "unreadable"]

SIDE = 64
LOW, HIGH = 6, 32


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is known of M pictures.

    Parameters
    ----------
    sizes : (M, 2) width and height, NaN where a picture could not be read
    digests : M, of size and pixels; empty where not read
    fingerprints : (M, F) float32 of length one; 0 where not read or without any detail
    unread : index and reason
    """

    sizes: np.ndarray
    digests: tuple[str, ...]
    fingerprints: np.ndarray
    unread: dict[int, str]


def look_at(images: ImageList, *, quiet: bool = True) -> Pictures:
    """Read every picture once.

    Parameters
    ----------
    images : M pictures
    quiet : no progress bar
    """
    m = len(images)
    sizes, prints = np.full((m, 2), np.nan), np.zeros((m, _length()), np.float32)
    digests, unread = [""] * m, {}
    with progress("looking at pictures", m, quiet=quiet) as advance:
        for i in range(m):
            try:
                image = images[i]
                if image.pixels.ndim == 3 and image.pixels.shape[2] != 3:
                    raise InputError(f"{images.label(i)}: is a volume; pictures are checked only")
            except InputError as problem:
                unread[i] = str(problem)
            else:
                sizes[i] = image.size
                data = np.ascontiguousarray(image.pixels)
                digests[i] = f"{data.shape}{hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest()}"
                prints[i] = fingerprint(image)
            advance(i + 1)
    return Pictures(sizes, tuple(digests), prints, unread)


def fingerprint(image: Image) -> np.ndarray:
    """(F,) float32 of length one; 0 for a picture of one colour."""
    import cv2
    from scipy.fft import dctn

    pixels = image.pixels if image.pixels.dtype == np.uint8 else image.rgb()
    # Making it smaller first is much cheaper than making all of it grey.
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small if small.ndim == 2 else small @ np.array([0.299, 0.587, 0.114], np.float32)
    if np.ptp(grey) < 1:
        return np.zeros(_length(), np.float32)
    ranks = np.unique(grey, return_inverse=True)[1].reshape(grey.shape)  # equal pixels keep equal ranks
    counts = np.bincount(ranks.ravel())
    level = (np.cumsum(counts) - counts / 2)[ranks]
    found = dctn(level, norm="ortho")[:HIGH, :HIGH][_band()]
    length = float(np.linalg.norm(found))
    return (found / length if length > 0 else found).astype(np.float32)


def unreadable(images: ImageList, pictures: Pictures) -> Iterator[Finding]:
    """A finding for each picture that could not be read."""
    for i, reason in pictures.unread.items():
        yield Finding("unreadable_picture", "error", reason, (i,), pictures=(images.label(i),), score=1.0)


def _band() -> np.ndarray:
    y, x = np.mgrid[:HIGH, :HIGH]
    return np.maximum(x, y) >= LOW


def _length() -> int:
    return HIGH * HIGH - LOW * LOW
