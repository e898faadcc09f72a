"""Multidimensional scaling by strain, from distances to landmarks only (de Silva & Tenenbaum 2004).

With all rows as landmarks it is classical scaling (Torgerson 1952), at the same scale.
"""

from __future__ import annotations

from cairn.points.embedding.dissimilarity import DistanceEmbedding
from cairn.points.embedding.triangulation import triangulation

__all__ = ["LandmarkMDS"]


class LandmarkMDS(DistanceEmbedding):
    """Classical scaling of landmarks, every other row placed by its distances to them.

    The origin is the landmarks' mean. Nothing is learnt of other rows: `partial_fit` and `merge` only look at them.

    Parameters
    ----------
    n_components : int
    n_landmarks : int or None (100, or all rows where there are fewer)
    selector : a selector or its name; a precomputed X takes "random" or "max-min"
    metric : "euclidean", "precomputed", another name that `sklearn.metrics.pairwise_distances` knows, or a callable
    random_state : int, RandomState or None

    Attributes
    ----------
    landmarks_, landmark_indices_ : see `LandmarkEmbedding`
    landmark_embedding_ : (m, n_components)
    eigenvalues_ : (n_components,) of the landmarks' inner products; 0 where they have no such component
    """

    def __init__(self, n_components=2, *, n_landmarks=None, selector="random", metric="euclidean", random_state=None):
        self.n_components = n_components
        self.n_landmarks = n_landmarks
        self.selector = selector
        self.metric = metric
        self.random_state = random_state

    def _begin(self, X, rng):
        self._choose_landmarks(X, rng)
        self._map = triangulation(self._squared_between_landmarks(), self.n_components)
        self.landmark_embedding_ = self._map.landmarks.astype(X.dtype, copy=False)
        self.eigenvalues_ = self._map.eigenvalues

    def _embed(self, X):
        return self._map.place(self._squared(X))
