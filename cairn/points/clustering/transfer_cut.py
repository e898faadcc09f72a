"""The spectrum of a graph whose edges join rows to landmarks, from a matrix of landmarks only.

Rows i and landmarks j are joined by weights z_ij, a row's sum 1. With E = Z^T Z (p, p) and D = diag(E 1) = diag(Z^T 1),
the eigenvectors of the large bipartite graph follow from the small problem (Li, Wu & Chang 2012, "Segmentation using
superpixels: a bipartite graph partitioning approach", theorem 1; Huang et al. 2019, equations 12 to 17)

    E v = lambda D v,        rows' eigenvectors:  u = Z v

which are the left singular vectors of Z D^{-1/2} that Landmark-based Spectral Clustering takes (Chen & Cai 2011). E is
a sum over rows: blocks may be added in any order and on any machine.

The first eigenvector is known, v = 1 with lambda = 1, so it is set and the others are sought at right angles to it.
Where the graph falls apart and lambda = 1 is multiple, every row then still has a part that is not rounding error.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

__all__ = ["spectrum", "unit_rows"]


def spectrum(products: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues and their eigenvectors.

    Parameters
    ----------
    products : (p, p) E = Z^T Z, symmetric, not negative
    count : how many, from 1 to p

    Returns
    -------
    eigenvalues : (count,) descending, in [0, 1]; the first is 1
    vectors : (p, count) v, at right angles and of mean square 1 in D (so that u = Z v has mean square lambda: what is
        mostly noise counts for less); the first is 1; the others are 0 in landmarks that no row is near
    """
    degrees = products.sum(axis=1)
    root = np.sqrt(degrees)
    inverse = np.divide(1, root, out=np.zeros_like(root), where=root > 0)
    total = degrees.sum()
    trivial = root / np.sqrt(total)
    normalised = products * inverse[:, None] * inverse - np.outer(trivial, trivial)
    p = len(products)
    eigenvalues, vectors = np.ones(1), np.ones((p, 1))
    if count > 1:
        rest, found = eigh((normalised + normalised.T) / 2, subset_by_index=[p - count + 1, p - 1])
        rest, found = np.clip(rest[::-1], 0, 1), found[:, ::-1]
        # The sign of an eigenvector is free; without a rule it would differ between machines.
        found = found * np.sign(found[np.abs(found).argmax(axis=0), np.arange(count - 1)])
        eigenvalues = np.concatenate([eigenvalues, rest])
        vectors = np.column_stack([vectors, found * inverse[:, None] * np.sqrt(total)])
    return eigenvalues, vectors


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows (n, k) divided by their length (Ng, Jordan & Weiss 2002, step 4)."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
