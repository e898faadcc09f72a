"""Means of clusters of a random sample: nearly as good as k-means landmarks, at a cost that does not grow with rows.

Source: Huang et al. 2019, "Ultra-scalable spectral clustering and ensemble clustering", section 3.1.1 ("hybrid
representative selection"): 10 candidates are drawn at random for each landmark, then k-means makes them few.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from cairn.points.distinct import distinct_rows
from cairn.points.selectors.contract import LandmarkSelector

__all__ = ["HybridLandmarks"]


class HybridLandmarks(LandmarkSelector):
    """Landmarks that are the means of k-means clusters of a random sample.

    Parameters
    ----------
    n_landmarks : int or None (100, or all rows where there are fewer)
    candidates : int, rows drawn for each landmark
    max_iter : int, most rounds of Lloyd's algorithm; landmarks need no convergence
    random_state : int, RandomState or None

    Attributes
    ----------
    points_ : (n_landmarks, n_features)
    indices_ : None
    n_iter_ : int, rounds that were run
    """

    def __init__(self, n_landmarks=None, *, candidates=10, max_iter=10, random_state=None):
        self.n_landmarks = n_landmarks
        self.candidates = candidates
        self.max_iter = max_iter
        self.random_state = random_state

    def _choose(self, X, y, count, rng):
        sample = _drawn(X, count * self.candidates, rng)
        if sample.shape[0] < count:  # most of the draw are copies: draw among the distinct rows
            sample = _drawn(X[distinct_rows(X)[0]], count * self.candidates, rng)
        self.n_iter_ = 1
        if sample.shape[0] <= count:
            return None, sample.toarray() if hasattr(sample, "toarray") else sample
        # Random rows to start from: k-means++ costs more than all rounds of Lloyd and gains nothing here.
        model = KMeans(
            count, init="random", n_init=1, max_iter=self.max_iter, random_state=int(rng.integers(2**31 - 1))
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            centres = model.fit(sample).cluster_centers_
        self.n_iter_ = model.n_iter_
        return None, centres[distinct_rows(centres)[0]].astype(X.dtype, copy=False)


def _drawn(X, wanted: int, rng: np.random.Generator):
    """The distinct rows among `wanted` drawn ones, all where there are fewer; in the order of X."""
    rows = np.arange(X.shape[0])
    if wanted < X.shape[0]:
        rows = np.sort(rng.choice(X.shape[0], wanted, replace=False, shuffle=False))
    sample = X[rows]
    return sample[distinct_rows(sample)[0]]
