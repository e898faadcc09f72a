"""How much a row belongs to each of the landmarks nearest to it.

The weights of row i over its k nearest landmarks are (Chen & Cai 2011, "Large scale spectral clustering with
landmark-based representation", equation 6, with the local scales of Zelnik-Manor & Perona 2004)

    z_ij = exp(-d_ij^2 / (s_i s_j)) / sum_j exp(-d_ij^2 / (s_i s_j))

with s_i the mean of the row's k distances and s_j the mean distance of landmark j to its own k nearest landmarks. Both
are known from the row and the landmarks alone, so a row's weights do not depend on the rows that it came with: blocks
can be computed anywhere.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cairn.points.clustering.nearest import NearestLandmarks

__all__ = ["landmark_scales", "row_weights", "sparse_weights"]


def landmark_scales(search: NearestLandmarks, k: int) -> np.ndarray:
    """Mean distance of each landmark to its k nearest others.

    Parameters
    ----------
    search : among p landmarks, all different
    k : at least 1; where there are fewer others, all of them

    Returns
    -------
    (p,) > 0; 1 where there is one landmark only
    """
    p = len(search.landmarks)
    if p == 1:
        return np.ones(1)
    # The nearest landmark of a landmark is itself, at distance 0.
    return search.query(search.landmarks, min(k + 1, p))[0][:, 1:].mean(axis=1)


def row_weights(distances: np.ndarray, nearest: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Weights of rows over their nearest landmarks.

    Parameters
    ----------
    distances : (n, k) >= 0
    nearest : (n, k) indices of landmarks
    scales : (p,) > 0, of the landmarks

    Returns
    -------
    (n, k) >= 0, each row's sum 1
    """
    own = distances.mean(axis=1, keepdims=True)
    own[own == 0] = 1  # k = 1 and the row is its landmark
    exponents = distances**2 / (own * scales[nearest])
    exponents -= exponents.min(axis=1, keepdims=True)  # far from all landmarks every exponential would be 0
    weights = np.exp(-exponents)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def sparse_weights(weights: np.ndarray, nearest: np.ndarray, p: int) -> sparse.csr_array:
    """The weights (n, k) of rows over p landmarks as a sparse (n, p) matrix."""
    n, k = weights.shape
    ends = np.arange(0, n * k + 1, k, dtype=np.int64 if n * k > np.iinfo(np.int32).max else np.int32)
    return sparse.csr_array((weights.ravel(), nearest.ravel(), ends), shape=(n, p))
