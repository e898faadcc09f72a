"""Spectral embedding (Laplacian eigenmaps, Belkin & Niyogi 2003) of a graph through landmarks (Chen & Cai 2011).

Each row is tied to its few nearest landmarks with Gaussian weights that sum to 1: a sparse Z (n, m). With S the column
sums of Z, ``W = Z S^-1 Z'`` is a graph of all rows in which every row has degree 1, so that ``I - W`` is its normalised
Laplacian. Eigenvectors of W come from those of the m x m matrix ``S^-1/2 Z'Z S^-1/2``; the constant one is left out.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

from cairn.points.distances import squared_to_landmarks
from cairn.points.embedding.contract import signs
from cairn.points.embedding.summed import SummedEmbedding

__all__ = ["LandmarkSpectralEmbedding"]


class LandmarkSpectralEmbedding(SummedEmbedding):
    """Smoothest functions on a graph that joins rows by way of landmarks.

    Over the fitted rows every component has length 1 and mean 0, as the eigenvectors of a Laplacian have.

    Parameters
    ----------
    n_components : int
    n_landmarks : int or None (100, or all rows where there are fewer)
    n_nearest : int, landmarks that a row is tied to
    selector : a selector or its name
    gamma : float or None, of the weights exp(-gamma d^2); None is one over twice the mean squared distance of rows to
        their landmarks, for which the rows are gone through once more: `partial_fit` and `merge` need it given
    random_state : int, RandomState or None

    Attributes
    ----------
    landmarks_, landmark_indices_ : see `LandmarkEmbedding`
    gamma_ : float
    eigenvalues_ : (n_components,) of W, in [0, 1]; 1 is a piece that nothing ties to the rest
    """

    def __init__(
        self, n_components=2, *, n_landmarks=None, n_nearest=5, selector="kmeans", gamma=None, random_state=None
    ):
        self.n_components = n_components
        self.n_landmarks = n_landmarks
        self.n_nearest = n_nearest
        self.selector = selector
        self.gamma = gamma
        self.random_state = random_state

    def _begin(self, X, rng):
        if not isinstance(self.n_nearest, (int, np.integer)) or self.n_nearest < 1:
            raise ValueError(f"n_nearest={self.n_nearest!r}: expected a whole number of at least 1.")
        self._choose_landmarks(X, rng)
        self._refuse_components(X, self.landmarks_.shape[0] - 1)
        if self.gamma is not None:
            self.gamma_ = float(self.gamma)

    def _rounds(self):
        return ("graph",) if self.gamma is not None else ("width", "graph")

    def _sums_of(self, round_, X):
        if round_ == "width":
            squared, _ = self._nearest(X)
            return float(squared.sum(dtype=np.float64)), squared.size
        weights = self._weights(X)
        return (weights.T @ weights).toarray(), np.asarray(weights.sum(axis=0))

    def _use(self, round_, sums):
        if round_ == "width":
            total, count = sums
            self.gamma_ = count / (2 * total) if total > 0 else 1.0
            return
        gram, mass = sums
        m = len(mass)
        pieces, _ = connected_components(sparse.csr_array(gram[np.ix_(mass > 0, mass > 0)]), directed=False)
        if pieces > 1:
            warnings.warn(
                f"The graph by way of landmarks is in {pieces} pieces: components tell pieces apart before anything "
                "else; raise n_nearest or n_landmarks.",
                UserWarning,
                stacklevel=4,
            )
        root = np.sqrt(mass)
        scale = np.divide(1, root, out=np.zeros(m), where=mass > 0)  # a landmark that no row is near to has no part
        constant = root / np.linalg.norm(root)
        inner = scale[:, None] * gram * scale - np.outer(constant, constant)  # its eigenvalue was 1 and becomes 0
        values, vectors = linalg.eigh(inner, subset_by_index=[m - self.n_components, m - 1])
        values, vectors = values[::-1], vectors[:, ::-1]
        real = values > m * np.finfo(np.float64).eps
        self.eigenvalues_ = np.where(real, np.minimum(values, 1), 0)
        pull = scale[:, None] * vectors * np.where(real, 1 / np.sqrt(np.where(real, values, 1)), 0)
        self._pull = pull * signs(pull)

    def _nearest(self, X) -> tuple[np.ndarray, np.ndarray]:
        """Squared distances and indices (n, r) of each row's nearest landmarks."""
        squared = squared_to_landmarks(X, self.landmarks_)
        r = min(self.n_nearest, squared.shape[1])
        nearest = np.argpartition(squared, r - 1, axis=1)[:, :r]
        return np.take_along_axis(squared, nearest, axis=1), nearest

    def _weights(self, X) -> sparse.csr_array:
        """Z of a block of rows: (n, m), rows sum to 1."""
        squared, nearest = self._nearest(X)
        exponent = -self.gamma_ * squared.astype(np.float64)
        weights = np.exp(exponent - exponent.max(axis=1, keepdims=True))  # far from all, the nearest still counts
        weights /= weights.sum(axis=1, keepdims=True)
        n, r = nearest.shape
        return sparse.csr_array(
            (weights.ravel(), nearest.ravel(), np.arange(0, n * r + 1, r)), (n, self.landmarks_.shape[0])
        )

    def _embed(self, X):
        return self._weights(X) @ self._pull
