"""How well an embedding keeps what it was made from, at any number of rows.

- *Trustworthiness* (Venna & Kaski 2001): are neighbours in the embedding neighbours in the data? 1 is best, about 0.5
  chance. Its sum over rows is estimated from a sample of them, each still ranked among all.
- *Residual variance* (Tenenbaum, de Silva & Langford 2000): one less the squared correlation between the distances that
  were to be kept (Isomap: geodesics) and those in the embedding. 0 is best; scale does not matter.
- *Stress* (Kruskal 1964, with the distances that were to be kept below the line): the root of
  ``sum (d - e)^2 / sum d^2``. 0 is best; scale matters.

The last two take pairs of distances: all of them, those to landmarks, or of `sample_pairs`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from cairn.points.distances import blocks, squared_to_landmarks
from cairn.points.selectors.contract import generator

__all__ = ["pair_distances", "residual_variance", "sample_pairs", "stress", "trustworthiness"]


def trustworthiness(
    X, embedding: ArrayLike, *, n_neighbors: int = 5, n_samples: int = 1000, random_state=None
) -> float:
    """Venna & Kaski's trustworthiness from a sample of rows; of all rows where there are no more than that.

    ``1 - 2 / (n k (2n - 3k - 1)) sum_i sum_j (r(i, j) - k)`` over each row's k nearest rows j in the embedding that are
    not among its k nearest in the data, where they have rank r.

    Parameters
    ----------
    X : (n, d) dense or sparse
    embedding : (n, c)
    n_neighbors : k, below n / 2
    n_samples : rows whose neighbours are looked at
    random_state : int, RandomState or None

    Returns
    -------
    in [0, 1]
    """
    X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
    placed: np.ndarray = check_array(embedding, dtype=[np.float64, np.float32])
    check_consistent_length(X, placed)
    n, k = len(placed), n_neighbors
    if not 1 <= k < n / 2:
        raise ValueError(f"n_neighbors={k}: expected at least 1 and fewer than half of the {n} rows.")
    chosen = np.arange(n)
    if n_samples < n:
        chosen = np.sort(generator(random_state).choice(n, n_samples, replace=False))
    excess = 0.0
    for part in blocks(len(chosen), n):
        rows = chosen[part]
        own = np.arange(len(rows))
        near = squared_to_landmarks(placed, placed[rows]).T
        near[own, rows] = np.inf
        found = np.argpartition(near, k, axis=1)[:, :k]
        true = np.ascontiguousarray(squared_to_landmarks(X, X[rows]).T)
        true[own, rows] = np.inf
        for column in found.T:
            rank = 1 + (true < true[own, column][:, None]).sum(axis=1)
            excess += float(np.maximum(rank - k, 0).sum())
    return 1 - 2 * excess / (len(chosen) * k * (2 * n - 3 * k - 1))


def residual_variance(distances: ArrayLike, embedded: ArrayLike) -> float:
    """``1 - R^2`` between distances; 1 where either is constant.

    Parameters
    ----------
    distances, embedded : of the same pairs, the same shape
    """
    a, b = _pairs(distances, embedded)
    a, b = a - a.mean(), b - b.mean()
    below = float((a @ a) * (b @ b))
    return 1 - float(a @ b) ** 2 / below if below > 0 else 1.0


def stress(distances: ArrayLike, embedded: ArrayLike) -> float:
    """``sqrt(sum (d - e)^2 / sum d^2)``; NaN where all distances are 0.

    Parameters
    ----------
    distances, embedded : of the same pairs, the same shape
    """
    d, e = _pairs(distances, embedded)
    below = float(d @ d)
    return float(np.sqrt(((d - e) ** 2).sum() / below)) if below > 0 else float("nan")


def _pairs(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"distances has shape {a.shape} and embedded {b.shape}: expected the same pairs.")
    return a.ravel(), b.ravel()


def sample_pairs(n: int, count: int, random_state=None) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j) of `count` pairs of different rows, drawn at random with replacement.

    Parameters
    ----------
    n : rows, at least 2
    count : pairs
    random_state : int, RandomState or None
    """
    if n < 2:
        raise ValueError(f"n={n}: a pair needs two rows.")
    rng = generator(random_state)
    i = rng.integers(n, size=count)
    return i, (i + rng.integers(1, n, size=count)) % n


def pair_distances(X, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """(p,) float64 Euclidean distances between rows i and rows j of X (n, d), dense or CSR."""
    out = np.empty(len(i))
    for part in blocks(len(i), X.shape[1]):
        if sparse.issparse(X):
            gap = (X[i[part]] - X[j[part]]).astype(np.float64)
            out[part] = np.sqrt(np.asarray(gap.multiply(gap).sum(axis=1)).ravel())
        else:
            gap = np.asarray(X[i[part]], np.float64) - X[j[part]]
            out[part] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
    return out
