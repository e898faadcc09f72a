"""Which objects are the mirror image of most: found before shapes are learnt, so that many of them do no harm.

All shapes are laid on their common mean, once turned only and once mirrored too (generalised Procrustes analysis; Gower
1975, Goodall 1991). With r the residual of the first and m that of the second,

    s = (m - r) / (m + r)

is near +1 or -1 where an object has a handedness, and the sign of the minority is the wrong one. Where more than a few
objects lie between (people seen from the front, the side and behind), handedness says nothing about labels, and nobody
is accused.
"""

from __future__ import annotations

import numpy as np

from cairn.geometry.procrustes import generalised, lay_on
from cairn.geometry.transforms import apply

__all__ = ["minority"]

_BETWEEN = 0.25  # |s| below which an object has no handedness
_MOST_BETWEEN = 0.05  # share of such objects where the others may still be judged
_ROUNDS = 10
_REFERENCES = 7  # shapes tried as the first mean
_SAMPLE = 400  # shapes, for choosing among them


def minority(points: np.ndarray) -> np.ndarray:
    """Objects that are mirror images of most others.

    Parameters
    ----------
    points : (N, K, 2) px, NaN = missing

    Returns
    -------
    (N,) bool; nobody where handedness is not clear
    """
    n = len(points)
    enough = np.isfinite(points).all(axis=-1).sum(axis=1) >= 3
    nobody = np.zeros(n, bool)
    if enough.sum() < 3:
        return nobody
    shapes = points[enough]
    mirrored = shapes * [-1.0, 1.0]
    # From several starts, since one odd shape as the first mean may tell nothing apart.
    best: tuple[float, np.ndarray] | None = None
    order = np.argsort(-np.isfinite(shapes[..., 0]).sum(axis=1), kind="stable")
    complete = order[np.isfinite(shapes[order][..., 0]).sum(axis=1) == np.isfinite(shapes[order[0], :, 0]).sum()]
    few = np.linspace(0, len(shapes) - 1, min(_SAMPLE, len(shapes))).astype(int)
    for start in complete[np.linspace(0, len(complete) - 1, min(_REFERENCES, len(complete))).astype(int)]:
        mean = shapes[start] - np.nanmean(shapes[start], axis=0)
        mean = mean / max(np.sqrt(np.nansum(mean**2)), 1e-300)
        s, mean = _settled(shapes[few], mirrored[few], mean)
        clear = float(np.mean(np.abs(s)))
        if best is None or clear > best[0]:
            best = clear, mean
    assert best is not None
    s, _ = _settled(shapes, mirrored, best[1])
    if (np.abs(s) < _BETWEEN).mean() > _MOST_BETWEEN:
        return nobody
    wrong = s < -_BETWEEN if (s > 0).sum() >= (s < 0).sum() else s > _BETWEEN
    result = nobody.copy()
    result[np.flatnonzero(enough)] = wrong
    return result


def _settled(shapes: np.ndarray, mirrored: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Handedness and mean, each made with the other until nobody changes sides."""
    turned = np.zeros(len(shapes), bool)
    for _ in range(_ROUNDS):
        s = _handedness(shapes, mirrored, mean)
        new = s < 0
        mean = generalised(np.where(new[:, None, None], mirrored, shapes), tolerance=1e-6).mean
        if (new == turned).all():
            break
        turned = new
    return s, mean


def _handedness(shapes: np.ndarray, mirrored: np.ndarray, mean: np.ndarray) -> np.ndarray:
    known = np.isfinite(mean).all(axis=-1)[:, None]
    r, m = (_residual(np.where(known, x, np.nan), np.nan_to_num(mean)) for x in (shapes, mirrored))
    total = r + m
    return np.where(total > 0, (m - r) / np.where(total > 0, total, 1.0), 0.0)


def _residual(shapes: np.ndarray, mean: np.ndarray) -> np.ndarray:
    laid = apply(lay_on(shapes, mean), shapes)
    return np.nan_to_num(np.sqrt(np.nansum((laid - mean) ** 2, axis=(1, 2))))
