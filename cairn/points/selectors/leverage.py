"""Rows drawn in proportion to their leverage: how much each alone bends a fit to all.

With features F the ridge leverage of row i is ``f_i' (F'F + a I)^-1 f_i`` (Alaoui & Mahoney 2015); ``a = 0`` gives the
statistical leverage of Mahoney & Drineas (2009). Their sum is the effective dimension. What the features of a kernel
miss of a row, ``k(x, x) - f_i' f_i``, counts over a, as in Musco & Musco (2017): else an odd row that no feature knows
would seem to have no leverage.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from cairn.points.distances import blocks
from cairn.points.selectors.contract import RowSelector
from cairn.points.selectors.features import kernel_features

__all__ = ["LeverageLandmarks", "leverage_scores"]


def leverage_scores(features: np.ndarray, ridge: float = 0.0, missed: np.ndarray | None = None) -> np.ndarray:
    """Ridge leverage of each row.

    Parameters
    ----------
    features : (n, m)
    ridge : >= 0, as a share of the mean eigenvalue of F'F
    missed : (n,) >= 0, what the features lack of each row's squared length, if anything; only with a ridge

    Returns
    -------
    (n,) in [0, 1]
    """
    gram = np.zeros((features.shape[1],) * 2)
    for part in blocks(*features.shape):
        rows = features[part].astype(np.float64, copy=False)
        gram += rows.T @ rows
    values, vectors = linalg.eigh(gram)
    kept = values > len(values) * np.finfo(features.dtype).eps * max(values[-1], 0)
    if not kept.any():
        return np.zeros(len(features))
    ridge = ridge * float(values.mean())
    root = vectors[:, kept] / np.sqrt(values[kept] + ridge)
    scores = np.empty(len(features))
    for part in blocks(*features.shape):
        projected = features[part] @ root
        np.einsum("ij,ij->i", projected, projected, out=scores[part])
    if missed is not None and ridge > 0:
        scores += missed / ridge
    return np.clip(scores, 0, 1)


class LeverageLandmarks(RowSelector):
    """Landmarks drawn in proportion to their leverage, without replacement.

    Parameters
    ----------
    n_landmarks : int or None (100, or all rows where there are fewer)
    kernel : "linear" or "rbf"
    gamma : float or None, of the rbf kernel; None is one over the median squared distance
    ridge : float, share of the mean eigenvalue; larger is nearer to a uniform draw
    n_features : int, most features that stand for the rbf kernel
    random_state : int, RandomState or None

    Attributes
    ----------
    indices_ : (n_landmarks,) rows of X, increasing
    points_ : (n_landmarks, n_features)
    scores_ : (n_samples,) the leverage of each row
    """

    def __init__(self, n_landmarks=None, *, kernel="linear", gamma=None, ridge=0.01, n_features=200, random_state=None):
        self.n_landmarks = n_landmarks
        self.kernel = kernel
        self.gamma = gamma
        self.ridge = ridge
        self.n_features = n_features
        self.random_state = random_state

    def _rows(self, X, count, rng):
        features = kernel_features(X, self.kernel, self.gamma, self.n_features, rng)
        missed = None
        if self.kernel == "rbf":
            length = np.einsum("ij,ij->i", features, features, dtype=np.float64)
            missed = np.maximum(1 - length, 0)
        self.scores_ = leverage_scores(features, self.ridge, missed)
        # The `count` largest of log p + Gumbel noise are a draw without replacement (Efraimidis & Spirakis 2006). A row
        # without leverage is drawn last, where all are, by chance alone.
        floor = np.finfo(float).tiny
        keys = np.log(np.maximum(self.scores_, floor)) + rng.gumbel(size=len(self.scores_))
        return np.sort(np.argpartition(-keys, count - 1)[:count])
