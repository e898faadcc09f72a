"""Spectral clustering of the means of small clusters: KASP (Yan, Huang & Jordan 2009, "Fast approximate spectral
clustering", algorithm 2).

The rows are gathered into many small k-means clusters, their means are clustered spectrally, and every row gets the
label of the mean nearest to it. The means' graph joins each to its nearest others, with local scales (Zelnik-Manor &
Perona 2004) in place of the paper's one width for all.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from cairn.points.clustering.affinity import landmark_scales, sparse_weights
from cairn.points.clustering.choose import chosen_landmarks
from cairn.points.clustering.eigengap import clusters_by_eigengap
from cairn.points.clustering.landmark_graph import big_blocks
from cairn.points.clustering.nearest import NearestLandmarks
from cairn.points.clustering.numbering import order_of_clusters
from cairn.points.clustering.parameters import whole_number
from cairn.points.clustering.transfer_cut import spectrum, unit_rows

__all__ = ["KASP"]


class KASP(ClusterMixin, BaseEstimator):
    """k-means-based approximate spectral clustering.

    ``fit`` takes all rows. ``partial_fit`` and ``merge`` add rows in pieces: the landmarks of the first block (or given
    ones) gather the rows nearest to them, and their means, which are sums and counts, are what is clustered.

    Parameters
    ----------
    n_clusters : int or None; None counts the clusters by the gap in the spectrum of the means
    n_landmarks : int or None; None is 1,000, but at most half of the distinct rows
    n_neighbors : int, other means that a mean is joined to
    selector : name of a selector, selector, or array (n_landmarks, n_features) of landmarks; k-means of all rows as in
        the paper, which costs more than all the rest: with millions of rows take "hybrid"
    n_init : int, starts of k-means in the spectral coordinates
    max_clusters : int, most clusters that ``n_clusters=None`` may find
    random_state : int, RandomState or None

    Attributes
    ----------
    labels_ : (n_samples,) int32, after ``fit``; what ``predict`` says of the same rows
    landmarks_ : (n_landmarks, n_features) float64, the means
    landmark_labels_ : (n_landmarks,) int32
    n_clusters_ : int
    eigenvalues_ : descending from 1
    """

    def __init__(
        self,
        n_clusters=8,
        *,
        n_landmarks=None,
        n_neighbors=5,
        selector="kmeans",
        n_init=10,
        max_clusters=30,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.n_landmarks = n_landmarks
        self.n_neighbors = n_neighbors
        self.selector = selector
        self.n_init = n_init
        self.max_clusters = max_clusters
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
        self._gather(X)
        self._solve()
        self.labels_ = self._labels(X)
        return self

    def partial_fit(self, X, y=None):
        """Add rows (n_samples, n_features) to what was fitted before; the first block chooses the landmarks."""
        first = not hasattr(self, "_seeds")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=first)
        if first:
            self._start(X)
        self._gather(X)
        self._unsolve()
        return self

    def merge(self, other):
        """Add the rows that another KASP, fitted over the same landmarks, has seen; ValueError where they differ."""
        check_is_fitted(self)
        check_is_fitted(other)
        if not np.array_equal(self._seeds, other._seeds):
            raise ValueError("The pieces were fitted with other landmarks: give all the same landmarks as selector.")
        self._sums_so_far += other._sums_so_far
        self._counts += other._counts
        self._unsolve()
        return self

    def predict(self, X):
        """Labels (n_samples,) int32 of rows (n_samples, n_features)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        if not hasattr(self, "landmark_labels_"):  # rows were added since
            self._solve()
        return self._labels(X)

    def _start(self, X):
        whole_number("n_clusters", self.n_clusters, or_none=True)
        for name in ("n_neighbors", "n_init", "max_clusters"):
            whole_number(name, getattr(self, name))
        self._unsolve()
        self._seeds = chosen_landmarks(self.selector, self.n_landmarks, X, self.random_state, self.n_clusters or 1)
        self._sums_so_far = np.zeros(self._seeds.shape)
        self._counts = np.zeros(len(self._seeds), np.int64)

    def _gather(self, X):
        sums, counts = self._sums("means", X)
        self._sums_so_far += sums
        self._counts += counts

    def _begin(self, X, rng=None):
        self._start(X)

    def _rounds(self):
        return ("means",)

    def _sums(self, round_, X):
        search = NearestLandmarks(self._seeds)
        sums, counts = np.zeros(self._seeds.shape), np.zeros(len(self._seeds), np.int64)
        for part in big_blocks(X.shape[0]):
            nearest = search.query(X[part], 1)[1][:, 0]
            gathered = sparse_weights(np.ones((len(nearest), 1)), nearest[:, None], len(self._seeds))
            more = gathered.T @ X[part]
            sums += more.toarray() if sparse.issparse(more) else more
            counts += np.bincount(nearest, minlength=len(counts))
        return sums, counts

    def _use(self, round_, sums):
        self._sums_so_far, self._counts = sums
        self._unsolve()

    def _unsolve(self):
        for name in ("labels_", "landmarks_", "landmark_labels_", "n_clusters_", "eigenvalues_"):
            if hasattr(self, name):
                delattr(self, name)

    def _solve(self):
        used = self._counts > 0
        self.landmarks_ = self._sums_so_far[used] / self._counts[used, None]
        if len(self.landmarks_) < (self.n_clusters or 1):
            raise ValueError(
                f"Found {len(self.landmarks_)} distinct means of rows, fewer than n_clusters={self.n_clusters}: "
                "ask for fewer clusters."
            )
        self._search = NearestLandmarks(self.landmarks_)
        graph = _means_graph(self._search, self.n_neighbors)
        self.eigenvalues_, vectors = spectrum(graph, min((self.n_clusters or self.max_clusters) + 1, len(graph)))
        self.n_clusters_ = self.n_clusters or clusters_by_eigengap(self.eigenvalues_)
        means = KMeans(self.n_clusters_, n_init=self.n_init, random_state=check_random_state(self.random_state))
        labels = means.fit_predict(unit_rows(vectors[:, : self.n_clusters_]))
        self.landmark_labels_ = np.argsort(order_of_clusters(labels, self.n_clusters_))[labels].astype(np.int32)

    def _labels(self, X):
        labels = np.empty(X.shape[0], np.int32)
        for part in big_blocks(X.shape[0]):
            labels[part] = self.landmark_labels_[self._search.query(X[part], 1)[1][:, 0]]
        return labels

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_seeds")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _means_graph(search: NearestLandmarks, k: int) -> np.ndarray:
    """Affinity (p, p) of the landmarks: exp(-d^2 / (s_i s_j)) where one is among the k nearest of the other."""
    p = len(search.landmarks)
    k = min(k, p - 1)
    graph = np.eye(p)
    if k == 0:
        return graph
    scales = landmark_scales(search, k)
    distances, nearest = search.query(search.landmarks, k + 1)
    rows = np.arange(p)[:, None]
    graph[rows, nearest] = np.exp(-(distances**2) / (scales[:, None] * scales[nearest]))
    return np.maximum(graph, graph.T)
