"""Which points are wrong: the worst is left out, the others are judged without it, until none is bad.

One wrong point makes its neighbours look wrong, because they are judged by it too. Leaving out the worst point first
and judging the rest anew (backward search; Hadi & Simonoff 1993) finds the few that are wrong. At last each point that
was left out is judged by those that stayed, and may come back.
"""

from __future__ import annotations

import numpy as np

__all__ = ["wrong_points"]


def wrong_points(
    precision: np.ndarray, deviations: np.ndarray, limits: np.ndarray, own: np.ndarray | None, most: int
) -> np.ndarray:
    """Points that the others contradict.

    Parameters
    ----------
    precision : (K D, K D), Q of `cairn.shape.conditional`
    deviations : (N, K, D)
    limits : (K,) squared distance beyond which a point is wrong; inf where a point cannot be judged
    own : (N, K, D, D) covariance that each point has beyond what is usual, or None
    most : points of a shape that may be left out

    Returns
    -------
    (N, K) bool
    """
    n, k, d = deviations.shape
    out = np.zeros((n, k), bool)
    pushed = deviations.reshape(n, k * d) @ precision
    blocks = np.stack([precision[i * d : i * d + d, i * d : i * d + d] for i in range(k)])
    rows = np.arange(n)
    order = np.zeros((n, max(most, 1)), int)
    for step in range(most + 1):
        a = (order[rows, :step, None] * d + np.arange(d)).reshape(len(rows), -1)
        q, b = pushed[rows].reshape(-1, k, d), blocks[None]
        if step:
            cross = precision[a]  # (n, s D, K D)
            inner = _inverse(np.take_along_axis(cross, a[:, None], axis=2))
            gain = inner @ cross
            q = q - (np.take_along_axis(pushed[rows], a, axis=1)[:, None] @ gain).reshape(-1, k, d)
            split = (len(rows), -1, k, d)
            b = blocks - np.einsum("nski,nskj->nkij", cross.reshape(split), gain.reshape(split))
        ratio = _distance(q, b, None if own is None else own[rows]) / limits
        ratio[out[rows]] = 0.0
        worst = ratio.argmax(axis=1)
        bad = ratio[np.arange(len(rows)), worst] > 1
        rows, worst = rows[bad], worst[bad]
        if step == most or not len(rows):
            break
        out[rows, worst] = True
        order[rows, step] = worst
    return _given_back(precision, pushed, limits, own, out)


def _given_back(
    precision: np.ndarray, pushed: np.ndarray, limits: np.ndarray, own: np.ndarray | None, out: np.ndarray
) -> np.ndarray:
    """Without those that the points that stayed do not contradict."""
    k = out.shape[1]
    d = len(precision) // k
    counts = out.sum(axis=1)
    result = out.copy()
    for count in np.unique(counts[counts > 1]):
        rows = np.flatnonzero(counts == count)
        points = np.nonzero(out[rows])[1].reshape(len(rows), count)
        a = (points[..., None] * d + np.arange(d)).reshape(len(rows), -1)
        inner = _inverse(precision[a[:, :, None], a[:, None, :]])
        e = (np.take_along_axis(pushed[rows], a, axis=1)[:, None] @ inner).reshape(len(rows), count, d)
        split = inner.reshape(len(rows), count, d, count, d)
        covariance = np.einsum("nsisj->nsij", split)
        if own is not None:
            covariance = covariance + own[rows[:, None], points]
        d2 = np.einsum("nsi,nsij,nsj->ns", e, _inverse(covariance), e)
        result[rows[:, None], points] = d2 > limits[points]
    return result


def _distance(pushed: np.ndarray, blocks: np.ndarray, own: np.ndarray | None) -> np.ndarray:
    """(N, K) of each point given the others, its own covariance added to that of the others' say."""
    inverse = _inverse(blocks)
    if own is None:
        return np.einsum(
            "nki,nkij,nkj->nk", pushed, np.broadcast_to(inverse, (len(pushed), *inverse.shape[1:])), pushed
        )
    e = (inverse @ pushed[..., None])[..., 0]
    return np.einsum("nki,nkij,nkj->nk", e, _inverse(inverse + own), e)


def _inverse(matrices: np.ndarray) -> np.ndarray:
    """Of symmetric, nearly or fully positive matrices; what has no extent is no evidence and gets almost none."""
    size = matrices.shape[-1]
    level = np.trace(matrices, axis1=-2, axis2=-1)[..., None, None] / size
    return np.linalg.inv(matrices + (1e-9 * np.abs(level) + 1e-12) * np.eye(size))
