"""Kernel principal components through landmarks (Nystroem: Williams & Seeger 2001; Schoelkopf et al. 1998).

With K_mm the landmarks' kernel, ``f(x) = k(x, landmarks) K_mm^(-1/2)`` are features whose inner products are the kernel
on the landmarks' span. They are centred by the mean of *all* rows, and the components are those of all rows: with every
row a landmark this is `sklearn.decomposition.KernelPCA`. (Centring by the landmarks alone is the usual mistake.)
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse
from sklearn.metrics.pairwise import pairwise_kernels

from cairn.points.embedding.contract import signs
from cairn.points.embedding.summed import SummedEmbedding

__all__ = ["LandmarkKernelPCA"]


class LandmarkKernelPCA(SummedEmbedding):
    """Principal components in a kernel's feature space, spanned by landmarks.

    Parameters
    ----------
    n_components : int
    n_landmarks : int or None (100, or all rows where there are fewer)
    selector : a selector or its name; a precomputed X takes "random" or "max-min"
    kernel : "linear", "rbf", "poly", "sigmoid", "cosine", another that `sklearn.metrics.pairwise.pairwise_kernels`
        knows, a callable, or "precomputed"
    gamma : float or None (1 / n_features), of rbf, poly and sigmoid
    degree : of poly
    coef0 : of poly and sigmoid
    random_state : int, RandomState or None

    Attributes
    ----------
    landmarks_, landmark_indices_ : see `LandmarkEmbedding`
    eigenvalues_ : (n_components,) of the centred kernel over all rows, as KernelPCA's; 0 beyond its rank
    """

    def __init__(
        self,
        n_components=2,
        *,
        n_landmarks=None,
        selector="kmeans++",
        kernel="rbf",
        gamma=None,
        degree=3,
        coef0=1,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_landmarks = n_landmarks
        self.selector = selector
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.random_state = random_state

    def _is_pairwise(self):
        return isinstance(self.kernel, str) and self.kernel == "precomputed"

    def _similarity(self, X) -> np.ndarray:
        """(n, m) float64 kernel of a block of rows with the landmarks."""
        if self._is_pairwise():
            return X[:, self.landmark_indices_].astype(np.float64)
        X, landmarks = X.astype(np.float64, copy=False), self.landmarks_.astype(np.float64, copy=False)
        if self.kernel == "rbf" and not sparse.issparse(X) and not sparse.issparse(landmarks):
            # Differences are all that counts, and far from the origin the squares that they come from lose them.
            centre = landmarks.mean(axis=0)
            X, landmarks = X - centre, landmarks - centre
        return self._kernel(X, landmarks)

    def _kernel(self, a, b) -> np.ndarray:
        if callable(self.kernel):
            return pairwise_kernels(a, b, metric=self.kernel)
        settings = {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}
        return pairwise_kernels(a, b, metric=self.kernel, filter_params=True, **settings)

    def _begin(self, X, rng):
        if self._is_pairwise():
            diagonal = np.diagonal(X)
            self._choose_precomputed(X, lambda row: np.maximum(diagonal + diagonal[row] - 2 * X[row], 0), rng)
            between = self.landmarks_.astype(np.float64)
        else:
            self._choose_landmarks(X, rng)
            between = self._similarity(self.landmarks_)
        values, vectors = linalg.eigh((between + between.T) / 2)
        kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0)
        self._root = vectors[:, kept] / np.sqrt(values[kept])
        self._features = between @ self._root
        self._shift = self._features.mean(axis=0)  # near the mean of all rows: small sums, little rounding

    def _rounds(self):
        return ("products",)

    def _sums_of(self, round_, X):
        features = self._similarity(X) @ self._root - self._shift
        return X.shape[0], features.sum(axis=0), features.T @ features

    def _use(self, round_, sums):
        rows, total, gram = sums
        gram = gram - np.outer(total, total) / rows
        m = self.landmarks_.shape[0]
        spread, axes = linalg.eigh(gram)
        spread, axes = spread[::-1][: self.n_components], axes[:, ::-1][:, : self.n_components]
        floor = m * np.finfo(np.float64).eps * max(float(spread[0]), np.finfo(np.float64).tiny) if len(spread) else 0
        axes, spread = axes[:, spread > floor], spread[spread > floor]
        centre = self._shift + total / rows
        axes = axes * signs((self._features - centre) @ axes)
        missing = (0, self.n_components - len(spread))  # components beyond the rank are 0
        self._pull = np.pad(self._root @ axes, ((0, 0), missing))
        self._offset = np.pad(centre @ axes, missing)
        self.eigenvalues_ = np.pad(spread, missing)

    def _embed(self, X):
        return self._similarity(X) @ self._pull - self._offset
