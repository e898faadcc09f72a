"""Euclidean distances in blocks of rows, so that memory stays small whatever the number of rows.

Differences are squared directly where one row is compared with all: the expansion ``|a|^2 - 2 a.b + |b|^2`` loses half
of the digits for near points, and with float32 far from the origin it loses them all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils.extmath import row_norms

__all__ = ["BLOCK", "blocks", "nearest_rows", "squared_to_landmarks", "squared_to_row"]

BLOCK = 1 << 20
"""Numbers that a temporary array may hold: 8 MiB of float64."""


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices that cover `rows` rows, each of at most `BLOCK` numbers when a row has `width` of them."""
    step = max(1, BLOCK // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def squared_to_row(X, row: int, norms: np.ndarray | None = None) -> np.ndarray:
    """Squared distance of every row of X to one of them.

    Parameters
    ----------
    X : (n, d) dense or CSR
    row : its index
    norms : (n,) squared norms of the rows; used where X is sparse

    Returns
    -------
    (n,) float64 >= 0, and exactly 0 at `row`
    """
    if sparse.issparse(X):
        norms = row_norms(X, squared=True) if norms is None else norms
        squared = np.maximum(norms + norms[row] - 2 * np.asarray((X @ X[[row]].T).todense()).ravel(), 0)
        # What the expansion cannot tell from zero is zero: else a copy of a landmark would be chosen as another one.
        squared[squared <= 8 * np.finfo(X.dtype).eps * (norms + norms[row])] = 0
        squared[row] = 0
        return squared.astype(np.float64, copy=False)
    squared = np.empty(len(X))
    for part in blocks(*X.shape):
        difference = X[part].astype(np.float64, copy=False) - X[row]
        np.einsum("ij,ij->i", difference, difference, out=squared[part])
    return squared


def squared_to_landmarks(X, landmarks) -> np.ndarray:
    """Squared distances of every row of X to every landmark.

    Dense rows are first moved so that the landmarks' mean is the origin, in float64 and block by block.

    Parameters
    ----------
    X : (n, d) dense or CSR
    landmarks : (m, d) dense or CSR

    Returns
    -------
    (n, m) of X's dtype, >= 0
    """
    out = np.empty((X.shape[0], landmarks.shape[0]), X.dtype)
    if sparse.issparse(X) or sparse.issparse(landmarks):
        for part in blocks(*out.shape):
            out[part] = euclidean_distances(X[part], landmarks, squared=True)
        return out
    centre = landmarks.mean(axis=0, dtype=np.float64)
    moved = landmarks - centre
    norms = row_norms(moved, squared=True)
    for part in blocks(len(X), max(X.shape[1], len(moved))):
        rows = X[part] - centre
        squared = rows @ moved.T
        squared *= -2
        squared += norms
        squared += row_norms(rows, squared=True)[:, None]
        out[part] = np.maximum(squared, 0, out=squared)
    return out


def nearest_rows(X, points) -> np.ndarray:
    """For each point the row of X nearest to it, no row twice: a taken row goes to the point that is nearest to it.

    Parameters
    ----------
    X : (n, d) dense or CSR
    points : (m, d) with m <= n

    Returns
    -------
    (m,) indices of rows, all different
    """
    squared = squared_to_landmarks(X, points)
    chosen = squared.argmin(axis=0)
    taken: dict[int, int] = {}
    for point in np.argsort(squared[chosen, np.arange(len(chosen))], kind="stable"):
        if int(chosen[point]) in taken:
            free = squared[:, point].copy()
            free[list(taken)] = np.inf
            chosen[point] = free.argmin()
        taken[int(chosen[point])] = int(point)
    return chosen
