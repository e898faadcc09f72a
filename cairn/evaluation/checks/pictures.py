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

__all__ = ["Pictures", "fingerprint", "look_at", "thumbnail", "unreadable"]

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
    thumbnails : (M, 64, 64) uint8, ranks of the pixels
    unread : index and reason
    """

    sizes: np.ndarray
    digests: tuple[str, ...]
    fingerprints: np.ndarray
    thumbnails: np.ndarray
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
    thumbnails = np.zeros((m, SIDE, SIDE), np.uint8)
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
                level = thumbnail(image)
                thumbnails[i] = np.rint(255 * level)
                prints[i] = fingerprint(level)
            advance(i + 1)
    return Pictures(sizes, tuple(digests), prints, thumbnails, unread)


def thumbnail(image: Image) -> np.ndarray:
    """(64, 64) float32 in [0, 1]: for each pixel the share of darker ones; all 0 for a picture of one colour."""
    import cv2

    pixels = image.pixels if image.pixels.dtype == np.uint8 else image.rgb()
    # Making it smaller first is much cheaper than making all of it grey.
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small if small.ndim == 2 else small @ np.array([0.299, 0.587, 0.114], np.float32)
    if np.ptp(grey) < 1:
        return np.zeros((SIDE, SIDE), np.float32)
    ranks = np.unique(grey, return_inverse=True)[1].reshape(grey.shape)  # equal pixels keep equal ranks
    counts = np.bincount(ranks.ravel())
    return (((np.cumsum(counts) - counts / 2) / grey.size)[ranks]).astype(np.float32)


def fingerprint(level: np.ndarray, low: int = LOW, high: int = HIGH) -> np.ndarray:
    """(..., F) float32 of length one, of thumbnails (..., S, S); 0 where there is no detail.

    Parameters
    ----------
    low, high : the first frequency that counts, and the first that does not any more, of S each way
    """
    from scipy.fft import dctn

    y, x = np.mgrid[:high, :high]
    found = dctn(level, axes=(-2, -1), norm="ortho")[..., :high, :high][..., np.maximum(x, y) >= low]
    length = np.linalg.norm(found, axis=-1, keepdims=True)
    return np.divide(found, length, out=np.zeros_like(found), where=length > 1e-6).astype(np.float32)


def unreadable(images: ImageList, pictures: Pictures) -> Iterator[Finding]:
    """A finding for each picture that could not be read."""
    for i, reason in pictures.unread.items():
        yield Finding("unreadable_picture", "error", reason, (i,), pictures=(images.label(i),), score=1.0)


def _length() -> int:
    return HIGH * HIGH - LOW * LOW
