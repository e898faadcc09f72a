"""Many landmark spectral clusterings that vote: U-SENC (Huang et al. 2019, "Ultra-scalable spectral clustering and
ensemble clustering", section 3.2).

Each member finds its own, larger number of clusters over its own landmarks. Rows and the clusters of all members make a
bipartite graph in which a row is joined to the cluster that it fell into in each member, and that graph is cut as in
`transfer_cut`. Rows with the same labels in all members have the same place in it, so k-means looks at each such
pattern once, with its count.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from cairn.points.clustering.affinity import sparse_weights
from cairn.points.clustering.eigengap import clusters_by_eigengap
from cairn.points.clustering.landmark_graph import big_blocks
from cairn.points.clustering.landmark_spectral import LandmarkSpectralClustering
from cairn.points.clustering.parameters import whole_number
from cairn.points.clustering.row_sample import RowSample
from cairn.points.clustering.transfer_cut import spectrum, unit_rows
from cairn.points.distinct import distinct_rows, row_hash

__all__ = ["LandmarkSpectralEnsemble"]


class LandmarkSpectralEnsemble(ClusterMixin, BaseEstimator):
    """Ensemble of landmark spectral clusterings.

    Parameters
    ----------
    n_clusters : int or None; None counts the clusters by the gap in the spectrum of the votes
    n_members : int
    member_clusters : (int, int), least and most clusters of a member, drawn evenly; at most the root of the number of
        rows, and their distinct number, and at least `n_clusters`
    n_landmarks, n_neighbors, selector, search : of the members, see `LandmarkSpectralClustering`
    n_init : int, starts of k-means in the spectral coordinates of the votes; members start once
    max_clusters : int, most clusters that ``n_clusters=None`` may find
    sample_size : int, most rows, and most patterns of votes, that k-means looks at
    random_state : int, RandomState or None

    Attributes
    ----------
    labels_ : (n_samples,) int32; what ``predict`` says of the same rows
    members_ : list of LandmarkSpectralClustering, fitted, without their labels
    n_clusters_ : int
    eigenvalues_ : descending from 1
    cluster_centers_ : (n_clusters, n_clusters) in the spectral coordinates of the votes
    """

    def __init__(
        self,
        n_clusters=8,
        *,
        n_members=20,
        member_clusters=(20, 60),
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
        self.n_members = n_members
        self.member_clusters = member_clusters
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
        whole_number("n_clusters", self.n_clusters, or_none=True)
        for name in ("n_members", "n_init", "max_clusters", "sample_size"):
            whole_number(name, getattr(self, name))
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        random = check_random_state(self.random_state)
        least, most = self._member_range(X)
        votes = np.empty((X.shape[0], self.n_members), np.int32)
        self.members_, self._offsets = [], np.zeros(self.n_members + 1, np.int32)
        for number in range(self.n_members):
            member = self._member(int(random.randint(least, most + 1)), int(random.randint(2**31 - 1))).fit(X)
            votes[:, number] = member.labels_ + self._offsets[number]
            self._offsets[number + 1] = self._offsets[number] + member.n_clusters_
            del member.labels_
            self.members_.append(member)
        self._solve(votes, random)
        self.labels_ = np.concatenate([self._labels(votes[part]) for part in big_blocks(len(votes))])
        return self

    def predict(self, X):
        """Labels (n_samples,) int32 of rows (n_samples, n_features)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        labels = np.empty(X.shape[0], np.int32)
        for part in big_blocks(X.shape[0]):
            votes = np.stack([member.predict(X[part]) for member in self.members_], axis=1)
            labels[part] = self._labels(votes + self._offsets[:-1])
        return labels

    def _member_range(self, X):
        try:
            least, most = self.member_clusters
        except (TypeError, ValueError):
            least = most = None
        if least is None or not 1 <= least <= most:
            raise ValueError(
                f"member_clusters={self.member_clusters!r}: expected two whole numbers, the least and the most."
            )
        most = min(most, int(np.sqrt(X.shape[0])), len(distinct_rows(X)[0]))
        most = max(self.n_clusters or 1, most)
        return max(self.n_clusters or 1, min(least, most)), most

    def _member(self, clusters, seed):
        return LandmarkSpectralClustering(
            clusters,
            n_landmarks=self.n_landmarks,
            n_neighbors=self.n_neighbors,
            selector=self.selector,
            search=self.search,
            n_init=1,
            sample_size=self.sample_size,
            random_state=seed,
        )

    def _solve(self, votes, random):
        clusters = int(self._offsets[-1])
        products = np.zeros((clusters, clusters))
        patterns = RowSample.of(self.sample_size, np.empty(0, np.uint64), votes[:0])
        for part in big_blocks(len(votes)):
            joined = self._joined(votes[part])
            products += (joined.T @ joined).toarray()
            patterns = patterns.merged(RowSample.of(self.sample_size, row_hash(votes[part]), votes[part]))
        self.eigenvalues_, vectors = spectrum(products, min((self.n_clusters or self.max_clusters) + 1, clusters))
        self.n_clusters_ = self.n_clusters or clusters_by_eigengap(self.eigenvalues_)
        self._vectors = vectors[:, : self.n_clusters_]
        rows = self._coordinates(patterns.columns[0])
        if len(rows) < self.n_clusters_:
            raise ValueError(
                f"The members tell only {len(rows)} groups of rows apart, fewer than n_clusters={self.n_clusters_}: "
                "ask for fewer clusters."
            )
        means = KMeans(self.n_clusters_, n_init=self.n_init, random_state=random)
        self.cluster_centers_ = means.fit(rows, sample_weight=patterns.counts).cluster_centers_

    def _joined(self, votes):
        return sparse_weights(np.full(votes.shape, 1 / self.n_members), votes, int(self._offsets[-1]))

    def _coordinates(self, votes):
        return unit_rows(self._joined(votes) @ self._vectors)

    def _labels(self, votes):
        products = self._coordinates(votes) @ self.cluster_centers_.T
        products -= (self.cluster_centers_**2).sum(axis=1) / 2
        return products.argmax(axis=1).astype(np.int32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
