"""Two selectors' landmarks together: some for the whole table and some for its regions, say."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import clone

from cairn.points.distinct import distinct_rows
from cairn.points.selectors.contract import LandmarkSelector
from cairn.points.selectors.kmeans_plus_plus import KMeansPlusPlusLandmarks
from cairn.points.selectors.local import LocalLandmarks

__all__ = ["UnionLandmarks"]


class UnionLandmarks(LandmarkSelector):
    """The landmarks of two selectors, each once; a union may be part of another.

    Parameters
    ----------
    first : a selector; None is `KMeansPlusPlusLandmarks`
    second : a selector; None is `LocalLandmarks`
    random_state : int, RandomState or None; given to each of them that has none of its own

    Attributes
    ----------
    indices_ : (n_landmarks,) rows of X; None where one of the two gives none
    points_ : (n_landmarks, n_features), all different
    sources_ : (n_landmarks,) 0 where the first chose it, 1 where only the second did
    """

    n_landmarks = None  # follows from the two

    def __init__(self, first=None, second=None, *, random_state=None):
        self.first = first
        self.second = second
        self.random_state = random_state

    def _choose(self, X, y, count, rng):
        parts = []
        for given, fallback in ((self.first, KMeansPlusPlusLandmarks), (self.second, LocalLandmarks)):
            selector = fallback() if given is None else clone(given)
            seed = int(rng.integers(2**31 - 1))
            if selector.random_state is None:
                selector.set_params(random_state=seed)
            parts.append(selector.fit(X, y))
        points = [part.points_ for part in parts]
        stack = sparse.vstack(points, format="csr") if any(map(sparse.issparse, points)) else np.concatenate(points)
        kept, _ = distinct_rows(stack)
        self.sources_ = np.repeat([0, 1], [part.shape[0] for part in points])[kept]
        if any(part.indices_ is None for part in parts):
            return None, stack[kept]
        return np.concatenate([part.indices_ for part in parts])[kept], stack[kept]
