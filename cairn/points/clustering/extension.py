"""Any clusterer or embedder of scikit-learn, fitted on landmarks and extended to all rows.

The estimator sees the landmarks only, so its cost is that of a small table. A row then takes after those nearest to it:

- a label by vote, each landmark weighing as in `affinity`;
- coordinates by the weights that rebuild the row best from its nearest landmarks, their sum 1 (locally linear
  reconstruction; Roweis & Saul 2000, "Nonlinear dimensionality reduction by locally linear embedding"; used for
  landmarks by Silva, Marques & Lemos 2006, "Selecting landmark points for sparse manifold learning"). An embedding that
  is affine near a row is extended nearly exactly, and a landmark keeps its own coordinates.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone, is_clusterer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from cairn.points.clustering.affinity import landmark_scales, row_weights
from cairn.points.clustering.choose import chosen_landmarks
from cairn.points.clustering.landmark_graph import big_blocks
from cairn.points.clustering.nearest import NearestLandmarks
from cairn.points.clustering.parameters import whole_number
from cairn.points.distances import blocks

__all__ = ["LandmarkExtension"]


def _clusters(extension):
    return is_clusterer(extension.estimator)


def _embeds(extension):
    return not is_clusterer(extension.estimator)


class LandmarkExtension(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An estimator that is fitted on landmarks and speaks for all rows.

    A clusterer gives `labels_`, `fit_predict` and `predict`; anything else with `fit_transform` gives `embedding_`,
    `fit_transform` and `transform`.

    Parameters
    ----------
    estimator : clusterer or embedder of scikit-learn; it needs no `predict` or `transform` of its own
    n_landmarks : int or None; None is 1,000, but at most half of the distinct rows
    n_neighbors : int, landmarks that a row takes after
    selector : name of a selector, selector, or array (n_landmarks, n_features) of landmarks
    search : "exact" or "approximate" (which pays where rows have hundreds of columns)
    random_state : int, RandomState or None; of the landmarks, the estimator keeps its own

    Attributes
    ----------
    estimator_ : fitted on the landmarks
    landmarks_ : (n_landmarks, n_features) float64
    labels_ : (n_samples,) where the estimator clusters; its own labels, -1 for noise among them
    embedding_ : (n_samples, n_components) of X's dtype, where it embeds
    """

    def __init__(
        self,
        estimator,
        *,
        n_landmarks=None,
        n_neighbors=5,
        selector="hybrid",
        search="exact",
        random_state=None,
    ):
        self.estimator = estimator
        self.n_landmarks = n_landmarks
        self.n_neighbors = n_neighbors
        self.selector = selector
        self.search = search
        self.random_state = random_state

    def fit(self, X, y=None):
        """Fit the estimator on landmarks of X and extend it to X.

        Parameters
        ----------
        X : (n_samples, n_features) float32 or float64, CSR or memory-mapped where you like; others are converted
        y : ignored

        Returns
        -------
        self
        """
        whole_number("n_neighbors", self.n_neighbors)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.landmarks_ = chosen_landmarks(self.selector, self.n_landmarks, X, self.random_state, 2)
        self._search = NearestLandmarks(self.landmarks_, self.search)
        self._k = min(self.n_neighbors, len(self.landmarks_))
        self._scales = landmark_scales(self._search, self._k)
        self.estimator_ = clone(self.estimator)
        if _clusters(self):
            labels = np.asarray(self.estimator_.fit_predict(self.landmarks_))
            self._classes, self._landmark_classes = np.unique(labels, return_inverse=True)
            self.labels_ = self._vote(X)
        else:
            self._landmark_coordinates = np.asarray(self.estimator_.fit_transform(self.landmarks_), np.float64)
            self.embedding_ = self._rebuild(X)
        return self

    @available_if(_clusters)
    def fit_predict(self, X, y=None):
        """Fit, and the labels (n_samples,) of the rows."""
        return self.fit(X).labels_

    @available_if(_clusters)
    def predict(self, X):
        """Labels (n_samples,) of rows (n_samples, n_features)."""
        return self._vote(self._checked(X))

    def fit_transform(self, X, y=None):
        """Fit, and the coordinates (n_samples, n_components) of the rows."""
        return self.fit(X).embedding_

    def transform(self, X):
        """Coordinates (n_samples, n_components), of X's dtype, of rows (n_samples, n_features)."""
        return self._rebuild(self._checked(X))

    def _checked(self, X):
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)

    def _vote(self, X):
        labels = np.empty(X.shape[0], self._classes.dtype)
        for part in big_blocks(X.shape[0]):
            distances, nearest = self._search.query(X[part], self._k)
            weights = row_weights(distances, nearest, self._scales)
            votes = np.zeros((len(weights), len(self._classes)))
            np.add.at(votes, (np.arange(len(votes))[:, None], self._landmark_classes[nearest]), weights)
            labels[part] = self._classes[votes.argmax(axis=1)]
        return labels

    def _rebuild(self, X):
        out = np.empty((X.shape[0], self._landmark_coordinates.shape[1]), X.dtype)
        for part in blocks(X.shape[0], self._k * X.shape[1]):
            nearest = self._search.query(X[part], self._k)[1]
            rows = X[part].toarray() if sparse.issparse(X) else X[part]
            weights = reconstruction_weights(rows, self.landmarks_, nearest)
            out[part] = np.einsum("nk,nkc->nc", weights, self._landmark_coordinates[nearest])
        return out

    @property
    def _n_features_out(self):
        return self._landmark_coordinates.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if _clusters(self):
            tags.estimator_type, tags.transformer_tags = "clusterer", None
        else:
            tags.estimator_type, tags.transformer_tags.preserves_dtype = "transformer", ["float64", "float32"]
        return tags


# The class statement has wrapped these two so that they heed `set_output`, which a decorator within it would undo.
for _name in ("fit_transform", "transform"):
    setattr(LandmarkExtension, _name, available_if(_embeds)(getattr(LandmarkExtension, _name)))


def reconstruction_weights(rows, landmarks, nearest, ridge: float = 1e-3) -> np.ndarray:
    """Weights that rebuild rows from their nearest landmarks, their sum 1.

    w minimises |x - sum_j w_j l_j|^2 + ridge sum_j w_j^2 |x - l_j|^2. With C the Gram matrix of x - l_j, its diagonal
    multiplied by 1 + ridge, w = C^{-1} 1 / (1^T C^{-1} 1) (Roweis & Saul 2000; the penalty by distance is that of Wang
    et al. 2010, "Locality-constrained linear coding").

    Parameters
    ----------
    rows : (n, d)
    landmarks : (p, d)
    nearest : (n, k)
    ridge : share, > 0; needed where there are more neighbours than columns

    Returns
    -------
    (n, k)
    """
    spokes = np.asarray(rows, np.float64)[:, None] - landmarks[nearest]
    gram = np.einsum("njd,nkd->njk", spokes, spokes)
    k = np.arange(nearest.shape[1])
    squared = gram[:, k, k]
    # In shares of each landmark's own distance, so that nothing holds a row back that is its landmark.
    gram[:, k, k] += ridge * squared + 1e-12 * squared.sum(axis=1, keepdims=True) + np.finfo(float).tiny
    weights = np.linalg.solve(gram, np.ones((*nearest.shape, 1)))[:, :, 0]
    return weights / weights.sum(axis=1, keepdims=True)
