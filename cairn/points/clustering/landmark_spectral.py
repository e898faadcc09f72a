"""Spectral clustering of many rows through a few landmarks.

Rows are joined to their nearest landmarks only, and the spectrum of that graph follows from a matrix of the size of the
number of landmarks: Landmark-based Spectral Clustering (LSC-K; Chen & Cai 2011, "Large scale spectral clustering with
landmark-based representation"), with the landmarks of U-SPEC (k-means of a random sample; Huang et al. 2019,
"Ultra-scalable spectral clustering and ensemble clustering") and, where asked, its approximate search. With weights
whose sum is 1 in every row the two methods have the same eigenvectors. Time O(n p d), memory O(n k + p^2) for n rows,
p landmarks, d columns and k neighbours.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from cairn.points.clustering.choose import chosen_landmarks
from cairn.points.clustering.eigengap import clusters_by_eigengap
from cairn.points.clustering.landmark_graph import LandmarkGraph, big_blocks, project
from cairn.points.clustering.numbering import order_of_clusters
from cairn.points.clustering.parameters import whole_number
from cairn.points.clustering.transfer_cut import spectrum, unit_rows

__all__ = ["LandmarkSpectralClustering"]


class LandmarkSpectralClustering(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Spectral clustering through landmarks, with labels for new rows, in one pass or in pieces.

    ``fit`` takes all rows. ``partial_fit`` adds rows block by block, and ``merge`` adds what another estimator has
    seen; both only add up, and the clusters are found when they are first asked for. The landmarks come from the first
    block, so pieces that are to be merged need the same landmarks: give them as ``selector``.

    Parameters
    ----------
    n_clusters : int or None; None counts the clusters by the gap in the spectrum
    n_landmarks : int or None; None is 1,000, but at most half of the distinct rows
    n_neighbors : int, landmarks that a row is joined to, at least 2
    selector : name of a selector, selector, or array (n_landmarks, n_features) of landmarks
    search : "exact" or "approximate" (which pays where rows have hundreds of columns)
    n_init : int, starts of k-means in the spectral coordinates
    max_clusters : int, most clusters that ``n_clusters=None`` may find
    sample_size : int, most rows that k-means looks at
    random_state : int, RandomState or None

    Attributes
    ----------
    labels_ : (n_samples,) int32, after ``fit``; what ``predict`` says of the same rows
    landmarks_ : (n_landmarks, n_features) float64
    n_clusters_ : int
    eigenvalues_ : descending from 1; one more than the clusters where there are landmarks enough
    landmark_vectors_ : (n_landmarks, n_clusters) spectral coordinates of the landmarks, before rows are made unit
    cluster_centers_ : (n_clusters, n_clusters) in the spectral coordinates of ``transform``
    n_samples_seen_ : int
    """

    def __init__(
        self,
        n_clusters=8,
        *,
        n_landmarks=None,
        n_neighbors=5,
        selector="hybrid",
        search="exact",
        n_init=10,
        max_clusters=30,
        sample_size=50_000,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.n_landmarks = n_landmarks
        self.n_neighbors = n_neighbors
        self.selector = selector
        self.search = search
        self.n_init = n_init
        self.max_clusters = max_clusters
        self.sample_size = sample_size
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find clusters.

        Parameters
        ----------
        X : (n_samples, n_features) float32 or float64, CSR or memory-mapped where you like; others are converted
        y : ignored

        Returns
        -------
        self
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        self._start(X)
        joined = [self._graph.add(X[part]) for part in big_blocks(X.shape[0])]
        self._solve()
        self.n_samples_seen_ = self._graph.rows
        self.labels_ = np.concatenate([self._labels(*block) for block in joined])
        return self

    def partial_fit(self, X, y=None):
        """Add rows to what was fitted before.

        Parameters
        ----------
        X : (n_samples, n_features); the first block chooses the landmarks, where they are not given
        y : ignored

        Returns
        -------
        self
        """
        first = not hasattr(self, "_graph")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=first)
        if first:
            self._start(X)
        for part in big_blocks(X.shape[0]):
            self._graph.add(X[part])
        self._unsolve()
        self.n_samples_seen_ = self._graph.rows
        return self

    def merge(self, other):
        """Add the rows that another estimator was fitted on; in any order, with the same answer to rounding.

        Parameters
        ----------
        other : LandmarkSpectralClustering, fitted over the same landmarks; it is left as it is

        Returns
        -------
        self

        Raises
        ------
        ValueError : where the landmarks differ
        """
        check_is_fitted(self)
        check_is_fitted(other)
        self._graph.merge(other._graph)
        self._unsolve()
        self.n_samples_seen_ = self._graph.rows
        return self

    def predict(self, X):
        """Labels of rows.

        Parameters
        ----------
        X : (n_samples, n_features)

        Returns
        -------
        (n_samples,) int32
        """
        X = self._checked(X)
        return np.concatenate([self._labels(*self._graph.join(X[part])) for part in big_blocks(X.shape[0])])

    def transform(self, X):
        """Spectral coordinates, each row of length 1.

        Parameters
        ----------
        X : (n_samples, n_features)

        Returns
        -------
        (n_samples, n_clusters) of X's dtype
        """
        X = self._checked(X)
        out = np.empty((X.shape[0], self.n_clusters_), X.dtype)
        for part in big_blocks(X.shape[0]):
            out[part] = self._coordinates(*self._graph.join(X[part]))
        return out

    def _start(self, X):
        whole_number("n_clusters", self.n_clusters, or_none=True)
        whole_number("n_neighbors", self.n_neighbors, 2)  # a row with one landmark joins nothing
        for name in ("n_init", "max_clusters", "sample_size"):
            whole_number(name, getattr(self, name))
        self._unsolve()
        landmarks = chosen_landmarks(self.selector, self.n_landmarks, X, self.random_state, self.n_clusters or 1)
        self._graph = LandmarkGraph(landmarks, self.n_neighbors, self.search, self.sample_size)
        self.landmarks_ = landmarks

    def _begin(self, X, rng=None):
        self._start(X)

    def _rounds(self):
        return ("graph",)

    def _sums(self, round_, X):
        graph = self._graph.empty()
        for part in big_blocks(X.shape[0]):
            graph.add(X[part])
        return graph.products, graph.rows, graph.sample

    def _use(self, round_, sums):
        self._graph.products, self._graph.rows, self._graph.sample = sums
        self._unsolve()
        self.n_samples_seen_ = self._graph.rows

    def _unsolve(self):
        for name in ("labels_", "n_clusters_", "eigenvalues_", "landmark_vectors_", "cluster_centers_"):
            if hasattr(self, name):
                delattr(self, name)

    def _solve(self):
        """The clusters of the rows so far."""
        count = self.n_clusters or self.max_clusters
        self.eigenvalues_, vectors = spectrum(self._graph.products, min(count + 1, len(self.landmarks_)))
        self.n_clusters_ = self.n_clusters or clusters_by_eigengap(self.eigenvalues_)
        self.landmark_vectors_ = vectors[:, : self.n_clusters_]
        sample = self._graph.sample
        rows = self._coordinates(*sample.columns)
        if len(rows) < self.n_clusters_:
            raise ValueError(
                f"Found {len(rows)} distinct rows in X (n_samples={self._graph.rows}), fewer than "
                f"n_clusters={self.n_clusters_}: ask for fewer clusters."
            )
        means = KMeans(self.n_clusters_, n_init=self.n_init, random_state=check_random_state(self.random_state))
        means.fit(rows, sample_weight=sample.counts)
        self.cluster_centers_ = means.cluster_centers_[order_of_clusters(means.labels_, self.n_clusters_)]

    def _coordinates(self, nearest, weights):
        return unit_rows(project(self.landmark_vectors_, nearest, weights))

    def _labels(self, nearest, weights):
        # Rows and distances are short here, so squares are compared by products alone.
        products = self._coordinates(nearest, weights) @ self.cluster_centers_.T
        products -= (self.cluster_centers_**2).sum(axis=1) / 2
        return products.argmax(axis=1).astype(np.int32)

    def _checked(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        if not hasattr(self, "cluster_centers_"):  # rows were added since
            self._solve()
        return X

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_graph")

    @property
    def _n_features_out(self):
        if not hasattr(self, "n_clusters_"):
            self._solve()
        return self.n_clusters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
