"""Means of clusters: the landmarks that lie nearest to all rows in the mean square (Lloyd 1982; Sculley 2010).

Zhang & Kwok (2010) bound the error of the Nystroem method by just this mean square, which is why k-means landmarks are
the usual choice for embedding and clustering. They are no rows of X.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from cairn.points.distinct import distinct_rows
from cairn.points.selectors.contract import LandmarkSelector

__all__ = ["KMeansLandmarks", "MiniBatchKMeansLandmarks"]


def _centres(model: KMeans | MiniBatchKMeans, X) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters: refused by fit
        centres = model.fit(X).cluster_centers_
    return centres[distinct_rows(centres)[0]].astype(X.dtype, copy=False)


class KMeansLandmarks(LandmarkSelector):
    """Landmarks that are the means of k-means clusters.

    Parameters
    ----------
    n_landmarks : int or None (100, or all rows where there are fewer)
    max_iter : int, most rounds of Lloyd's algorithm; landmarks need no convergence
    random_state : int, RandomState or None

    Attributes
    ----------
    points_ : (n_landmarks, n_features)
    indices_ : None
    n_iter_ : int, rounds that were run
    """

    def __init__(self, n_landmarks=None, *, max_iter=20, random_state=None):
        self.n_landmarks = n_landmarks
        self.max_iter = max_iter
        self.random_state = random_state

    def _choose(self, X, y, count, rng):
        seed = int(rng.integers(2**31 - 1))
        model = KMeans(count, n_init=1, max_iter=self.max_iter, random_state=seed)
        points = _centres(model, X)
        self.n_iter_ = model.n_iter_
        return None, points


class MiniBatchKMeansLandmarks(LandmarkSelector):
    """Landmarks that are the means of clusters, found from small batches: for many rows.

    Parameters
    ----------
    n_landmarks : int or None (100, or all rows where there are fewer)
    batch_size : int, rows of a batch
    max_iter : int, most passes over the rows
    random_state : int, RandomState or None

    Attributes
    ----------
    points_ : (n_landmarks, n_features)
    indices_ : None
    n_iter_ : int, rounds that were run
    """

    def __init__(self, n_landmarks=None, *, batch_size=4096, max_iter=20, random_state=None):
        self.n_landmarks = n_landmarks
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.random_state = random_state

    def _choose(self, X, y, count, rng):
        model = MiniBatchKMeans(
            count,
            n_init=1,
            batch_size=max(self.batch_size, count),
            max_iter=self.max_iter,
            random_state=int(rng.integers(2**31 - 1)),
        )
        points = _centres(model, X)
        self.n_iter_ = model.n_iter_
        return None, points
