"""Distances from rows to landmarks by whatever measure was asked for."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.utils.validation import check_non_negative

from cairn.points.distances import squared_to_landmarks
from cairn.points.distinct import distinct_rows
from cairn.points.embedding.summed import SummedEmbedding

__all__ = ["DistanceEmbedding"]


class DistanceEmbedding(SummedEmbedding):
    """An embedding of distances: ``metric`` is "euclidean", any of scikit-learn's, a callable, or "precomputed"."""

    metric: object

    def _is_pairwise(self) -> bool:
        return isinstance(self.metric, str) and self.metric == "precomputed"

    def _checked(self, X, reset: bool):
        X = super()._checked(X, reset)
        if self._is_pairwise():
            check_non_negative(X, f"{type(self).__name__}, whose precomputed X holds distances")
            if reset and np.diagonal(X).any():
                raise ValueError("X is precomputed and its diagonal is not 0: expected distances, not similarities.")
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self._is_pairwise()
        return tags

    def _choose_landmarks(self, X, rng):
        if self._is_pairwise():
            self._choose_precomputed(X, lambda row: X[row], rng)
        else:
            super()._choose_landmarks(X, rng)
            self._warn_of_copies()

    def _warn_of_copies(self) -> None:
        """Landmarks drawn at random from a table of copies may all be the same row, and the answer one point."""
        drawn = self.landmarks_.shape[0]
        different = len(distinct_rows(self.landmarks_)[0])
        if different <= self.n_components and different < drawn:
            warnings.warn(
                f"Only {different} of {drawn} landmarks differ, too few for {self.n_components} components: most rows "
                "are the same; take selector='max-min' or 'kmeans++', which take no row twice.",
                UserWarning,
                stacklevel=5,
            )

    def _squared(self, X) -> np.ndarray:
        """(n, m) float64 squared distances of a block of rows to the landmarks."""
        if self._is_pairwise():
            return X[:, self.landmark_indices_].astype(np.float64) ** 2
        if self.metric == "euclidean":
            return squared_to_landmarks(X, self.landmarks_).astype(np.float64, copy=False)
        return pairwise_distances(X, self.landmarks_, metric=self.metric).astype(np.float64, copy=False) ** 2

    def _squared_between_landmarks(self) -> np.ndarray:
        squared = self.landmarks_.astype(np.float64) ** 2 if self._is_pairwise() else self._squared(self.landmarks_)
        np.fill_diagonal(squared, 0)
        return squared
