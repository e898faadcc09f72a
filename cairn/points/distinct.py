"""Rows that are the same row.

A row that stands a million times in a table makes neighbour searches quadratic and graphs fall apart, so it is looked
at once. Rows are hashed in 64 bits and compared exactly afterwards.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

__all__ = ["distinct_rows", "row_hash"]


def distinct_rows(X) -> tuple[np.ndarray, np.ndarray]:
    """First occurrence of each distinct row, in the order of X, and where every row went.

    Parameters
    ----------
    X : (n, d) dense or CSR, no NaN

    Returns
    -------
    first : (u,) increasing indices of rows, all different rows
    inverse : (n,) so that ``X[first][inverse]`` equals ``X``
    """
    _, first, inverse = np.unique(row_hash(X), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    first, inverse = first[order], rank[inverse.ravel()]
    if len(first) < X.shape[0] and not _same(X, first[inverse]):
        if sparse.issparse(X):
            return np.arange(X.shape[0]), np.arange(X.shape[0])  # a collision, once in 1e7 tables: none is merged
        _, first, inverse = np.unique(X, axis=0, return_index=True, return_inverse=True)
        inverse = inverse.ravel()
    return first, inverse


def _same(X, other: np.ndarray) -> bool:
    moved = np.flatnonzero(other != np.arange(X.shape[0]))
    step = max(1, (1 << 20) // max(1, X.shape[1]))
    for start in range(0, len(moved), step):
        rows = moved[start : start + step]
        a, b = X[rows], X[other[rows]]
        if (a != b).nnz if sparse.issparse(X) else (a != b).any():
            return False
    return True


def row_hash(X) -> np.ndarray:
    """(n,) uint64: a sum over the row's numbers, each mixed with its column (splitmix64, Steele et al. 2014)."""
    if not sparse.issparse(X):
        total = np.zeros(len(X), np.uint64)
        for column in range(X.shape[1]):
            total += _mix(X[:, column], np.uint64(column))
        return total
    X = X.tocsr()
    mixed = np.where(X.data == 0, np.uint64(0), _mix(X.data, X.indices.astype(np.uint64)))
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return total[X.indptr[1:]] - total[X.indptr[:-1]]


def _mix(values: np.ndarray, column) -> np.ndarray:
    bits = (values.astype(np.float64) + 0.0).view(np.uint64)  # + 0.0: minus zero is zero
    with np.errstate(over="ignore"):
        bits = bits + (column + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))
