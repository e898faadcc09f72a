"""What every embedding by landmarks is.

A scikit-learn transformer that looks at all rows only through their relation to a few landmarks. ``fit(X)`` leaves

- ``landmarks_`` (m, n_features) and ``landmark_indices_`` (m,) the rows that they are, or None (k-means, or given);
- ``transform(X)`` (n, n_components) of X's dtype, the same for a row whether it was fitted or is new.

Memory is O(n) beyond the answer, for blocks of rows come and go; the sums over blocks are in float64. The sign of each
component is fixed: the landmark that stands out most does so on the positive side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from cairn.points.distances import blocks
from cairn.points.selectors import make_selector
from cairn.points.selectors.contract import generator, how_many, refuse_too_few
from cairn.points.selectors.given import given_landmarks
from cairn.points.selectors.max_min import farthest_first

__all__ = ["LandmarkEmbedding", "refuse_asymmetric", "signs"]


class LandmarkEmbedding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """See the module. A subclass gives `_fit` and `_embed`."""

    n_components: int
    n_landmarks: int | None
    selector: object
    random_state: int | np.random.RandomState | None

    @abstractmethod
    def _fit(self, X, rng: np.random.Generator) -> None:
        """Learn from checked rows."""

    @abstractmethod
    def _embed(self, X) -> np.ndarray:
        """(n, n_components) of checked rows, few enough for a block."""

    def fit(self, X, y=None):
        """Choose landmarks and learn the embedding.

        Parameters
        ----------
        X : (n_samples, n_features) array or sparse matrix; (n_samples, n_samples) where it is precomputed
        y : ignored

        Returns
        -------
        self
        """
        X = self._checked(X, reset=True)
        self._fit(X, generator(self.random_state))
        return self

    def transform(self, X):
        """Embed rows, old or new.

        Parameters
        ----------
        X : (n_samples, n_features); where it is precomputed, (n_samples, fitted rows)

        Returns
        -------
        (n_samples, n_components) of X's dtype
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        out = np.empty((X.shape[0], self._n_features_out), X.dtype)
        for part in blocks(X.shape[0], self._block_width(X)):
            out[part] = self._embed(X[part])
        return out

    def _block_width(self, X) -> int:
        columns = 0 if sparse.issparse(X) else X.shape[1]
        return max(columns, self.landmarks_.shape[0])

    @property
    def _n_features_out(self) -> int:
        return self.n_components

    def _is_pairwise(self) -> bool:
        return False

    def _checked(self, X, reset: bool):
        pairwise = self._is_pairwise()
        X = validate_data(
            self, X, accept_sparse=False if pairwise else "csr", dtype=[np.float64, np.float32], reset=reset
        )
        if pairwise and reset:
            refuse_asymmetric(X)
        return X

    def _choose_landmarks(self, X, rng: np.random.Generator):
        """Set `landmarks_` and `landmark_indices_`."""
        seed = int(rng.integers(2**31 - 1))
        landmarks = given_landmarks(self.selector, X.shape[1])
        if landmarks is not None:
            self.landmark_indices_, self.landmarks_ = None, landmarks.astype(X.dtype, copy=False)
        else:
            selector = make_selector(self.selector, self.n_landmarks, seed).fit(X)
            self.landmark_indices_, self.landmarks_ = selector.indices_, selector.points_
        self._refuse_components(X, self.landmarks_.shape[0])

    def _choose_precomputed(self, X, distances_to, rng: np.random.Generator) -> None:
        """The same from a precomputed matrix, whose rows are no points: at random, or farthest first."""
        count = how_many(self.n_landmarks, len(X))
        if self.selector == "random":
            indices = np.sort(rng.choice(len(X), count, replace=False, shuffle=False))
        elif self.selector == "max-min":
            indices = farthest_first(distances_to, int(rng.integers(len(X))), count)
            refuse_too_few(self.n_landmarks, len(indices), self)
        else:
            raise ValueError(f"selector={self.selector!r}: a precomputed X takes only 'random' or 'max-min'.")
        self.landmark_indices_, self.landmarks_ = indices, X[np.ix_(indices, indices)]
        self._refuse_components(X, len(indices))

    def _refuse_components(self, X, most: int) -> None:
        if not isinstance(self.n_components, Integral) or self.n_components < 1:
            raise ValueError(f"n_components={self.n_components!r}: expected a whole number of at least 1.")
        if self.n_components > most:
            raise ValueError(
                f"n_components={self.n_components} is more than the {most} that {self.landmarks_.shape[0]} landmarks "
                f"of n_samples={X.shape[0]} can give: ask for fewer components or more landmarks."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self._is_pairwise()
        tags.input_tags.pairwise = self._is_pairwise()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def signs(vectors: np.ndarray) -> np.ndarray:
    """1 or -1 for each column, to make its entry of largest size positive."""
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.where(largest < 0, -1.0, 1.0)


def refuse_asymmetric(X: np.ndarray) -> None:
    """Raise where a precomputed matrix is not square or not symmetric."""
    if X.shape[0] != X.shape[1]:
        raise ValueError(f"X is precomputed and has shape {X.shape}: expected as many columns as rows.")
    tolerance = 1e-5 if X.dtype == np.float32 else 1e-8
    largest = max(float(np.abs(X[part]).max()) for part in blocks(*X.shape))
    for part in blocks(*X.shape):
        wrong = np.abs(X[part] - X[:, part].T) > tolerance * largest
        if wrong.any():
            row, column = np.argwhere(wrong)[0] + [part.start, 0]
            raise ValueError(
                f"X is precomputed and not symmetric: X[{row}, {column}] is {X[row, column]:.6g} and "
                f"X[{column}, {row}] is {X[column, row]:.6g}."
            )
