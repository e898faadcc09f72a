"""Gradient histograms around a point, as dense maps from which the descriptor of every place can be read.

A descriptor is laid out like DAISY (Tola, Lepetit, Fua 2010): a cell at the point itself and three rings of eight, the
outer ones further apart and blurred more, each cell a histogram of `ORIENTATIONS` gradient directions. All cells of one
blur are one map of the frame, so a whole search window costs no more than reading it. Each value is the square root of
the share that a direction has in the gradients of its neighbourhood (HOG's block normalisation with the Hellinger
kernel of RootSIFT): brightness and contrast drop out.
"""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["CELLS", "LAYERS", "LENGTH", "MARGIN", "MIRRORED", "ORIENTATIONS", "describe", "descriptor_maps"]

ORIENTATIONS = 8
_BLURS = (1.2, 2.2, 3.6)  # px of the frame, of the three maps
_RINGS = ((3.0, 0), (7.0, 1), (12.0, 2))  # radius in px, and which map
_NEIGHBOURHOOD = 8.0  # px, sigma of the window over which gradients are normalised
_FAINT = 0.25  # of the frame's mean gradient: what is fainter counts as flat
_WHITE = 140.0  # of a square root of a share of 1


def _cells() -> np.ndarray:
    cells = [(0, 0, 0)]
    for j, (radius, layer) in enumerate(_RINGS):
        angle = (np.arange(8) + 0.5 * (j % 2)) * np.pi / 4
        cells += [
            (round(y), round(x), layer) for x, y in zip(radius * np.cos(angle), radius * np.sin(angle), strict=True)
        ]
    return np.array(cells, np.int64)


def _mirrored() -> np.ndarray:
    place = {tuple(c): i for i, c in enumerate(CELLS.tolist())}
    turned = (ORIENTATIONS // 2 - np.arange(ORIENTATIONS)) % ORIENTATIONS  # an angle t becomes pi - t
    return np.concatenate([place[y, -x, layer] * ORIENTATIONS + turned for y, x, layer in CELLS.tolist()])


CELLS = _cells()  # (25, 3): dy, dx, map
LAYERS = len(_BLURS)
LENGTH = len(CELLS) * ORIENTATIONS
MIRRORED = _mirrored()  # (LENGTH,): which value of a descriptor becomes which when the picture is mirrored
MARGIN = int(np.abs(CELLS[:, :2]).max()) + 1  # px around the outermost place


def descriptor_maps(frame: np.ndarray) -> np.ndarray:
    """(S, S, 3 ORIENTATIONS) uint8 of a frame (S, S) uint8."""
    import cv2

    histograms, strength = _oriented(np.ascontiguousarray(frame))
    around = cv2.GaussianBlur(strength, (0, 0), _NEIGHBOURHOOD, borderType=cv2.BORDER_REFLECT_101)
    around += np.float32(_FAINT) * strength.mean(dtype=np.float64).astype(np.float32) + np.float32(1e-3)
    out = np.empty((*frame.shape, len(_BLURS) * ORIENTATIONS), np.uint8)
    before = 0.0
    for j, sigma in enumerate(_BLURS):
        step = np.sqrt(sigma**2 - before**2)
        for half in range(0, ORIENTATIONS, 4):  # OpenCV's fast paths take four channels
            part = np.ascontiguousarray(histograms[..., half : half + 4])
            histograms[..., half : half + 4] = cv2.GaussianBlur(part, (0, 0), step, borderType=cv2.BORDER_REFLECT_101)
        before = sigma
        _normalise(histograms, around, out, j * ORIENTATIONS)
    return out


@numba.njit(cache=True, nogil=True)
def _oriented(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S, S, ORIENTATIONS) float32 gradients parted by direction, and (S, S) their strength."""
    height, width = frame.shape
    out = np.zeros((height, width, ORIENTATIONS), np.float32)
    strength = np.zeros((height, width), np.float32)
    turn = np.float32(ORIENTATIONS / (2 * np.pi))
    for y in range(height):
        up, down = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            gx = np.float32(frame[y, right]) - np.float32(frame[y, left])
            gy = np.float32(frame[down, x]) - np.float32(frame[up, x])
            size = np.sqrt(gx * gx + gy * gy)
            if size == 0:
                continue
            place = np.arctan2(gy, gx) * turn
            if place < 0:
                place += ORIENTATIONS
            low = int(place)
            share = place - low
            out[y, x, low % ORIENTATIONS] = (1 - share) * size
            out[y, x, (low + 1) % ORIENTATIONS] = share * size
            strength[y, x] = size
    return out, strength


@numba.njit(cache=True, nogil=True)
def _normalise(histograms: np.ndarray, around: np.ndarray, out: np.ndarray, first: int) -> None:
    height, width, n = histograms.shape
    for y in range(height):
        for x in range(width):
            scale = np.float32(1) / around[y, x]
            for o in range(n):
                value = np.float32(_WHITE) * np.sqrt(max(histograms[y, x, o], np.float32(0)) * scale)
                out[y, x, first + o] = np.uint8(min(value + np.float32(0.5), np.float32(255)))


@numba.njit(cache=True, nogil=True)
def describe(maps: np.ndarray, cells: np.ndarray, places: np.ndarray, out: np.ndarray) -> None:
    """Write the descriptors of `places` (P, 2) int x, y into `out` (P, LENGTH) float32, scaled to about 0..2."""
    height, width = maps.shape[:2]
    scale = np.float32(1 / 128)
    for p in range(places.shape[0]):
        for c in range(cells.shape[0]):
            y = min(max(places[p, 1] + cells[c, 0], 0), height - 1)
            x = min(max(places[p, 0] + cells[c, 1], 0), width - 1)
            first = cells[c, 2] * ORIENTATIONS
            for o in range(ORIENTATIONS):
                out[p, c * ORIENTATIONS + o] = maps[y, x, first + o] * scale
