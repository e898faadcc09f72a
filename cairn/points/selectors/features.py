"""Features whose inner products are a kernel: what leverage scores and determinantal points look at.

``kernel="linear"`` is the centred row itself. ``kernel="rbf"`` is a Nystroem map from a few random rows (Williams &
Seeger 2001), whose width follows the data: ``gamma=None`` is one over the median squared distance.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.kernel_approximation import Nystroem

from cairn.points.distances import squared_to_landmarks

__all__ = ["kernel_features", "median_gamma"]

_SAMPLE = 300


def median_gamma(X, rng: np.random.Generator) -> float:
    """One over the median squared distance between (a sample of) the rows; 1 where all rows are the same."""
    sample = X[np.sort(rng.choice(X.shape[0], min(_SAMPLE, X.shape[0]), replace=False))]
    squared = squared_to_landmarks(sample, sample)[np.triu_indices(sample.shape[0], 1)]
    squared = squared[squared > 0]
    return 1 / float(np.median(squared)) if squared.size else 1.0


def kernel_features(X, kernel: str, gamma: float | None, n_features: int, rng: np.random.Generator) -> np.ndarray:
    """Dense features (n, m) of X's dtype.

    Parameters
    ----------
    X : (n, d) dense or CSR
    kernel : "linear" or "rbf"
    gamma : of the rbf kernel exp(-gamma |a - b|^2), or None
    n_features : most features of the rbf kernel
    """
    if kernel == "rbf":
        gamma = median_gamma(X, rng) if gamma is None else gamma
        seed = int(rng.integers(2**31 - 1))
        nystroem = Nystroem(gamma=gamma, n_components=min(n_features, X.shape[0]), random_state=seed)
        return nystroem.fit_transform(X).astype(X.dtype, copy=False)
    if kernel == "linear":
        rows = X.toarray() if sparse.issparse(X) else X
        return rows - rows.mean(axis=0)
    raise ValueError(f"kernel={kernel!r}: expected 'linear' or 'rbf'.")
