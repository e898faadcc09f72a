"""What every selector of landmarks is.

A selector is a scikit-learn transformer. ``fit(X, y=None)`` leaves

- ``points_`` (n_landmarks, n_features), of X's dtype (CSR where X is sparse and the landmarks are rows), and
- ``indices_`` (n_landmarks,), the rows of X that were chosen, all different; None where landmarks are no rows (means).

The same X and `random_state` give the same landmarks. ``transform(X)`` gives the distances to them.

``n_landmarks=None`` takes `DEFAULT_LANDMARKS`, or as many as X has to give where that is fewer; a number that is asked
for and cannot be had is refused. ``cairn.points.check_selector`` holds a selector to all this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from cairn.points.distances import squared_to_landmarks

__all__ = ["DEFAULT_LANDMARKS", "LandmarkSelector", "generator", "how_many", "refuse_too_few"]

DEFAULT_LANDMARKS = 100


def generator(random_state) -> np.random.Generator:
    """NumPy's Generator, seeded from what scikit-learn calls a random state."""
    return np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))


def how_many(n_landmarks: int | None, rows: int) -> int:
    """The number of landmarks, checked against the number of rows."""
    if n_landmarks is None:
        return min(DEFAULT_LANDMARKS, rows)
    if not isinstance(n_landmarks, Integral) or isinstance(n_landmarks, bool) or n_landmarks < 1:
        raise ValueError(f"n_landmarks={n_landmarks!r}: expected a whole number of at least 1, or None.")
    if n_landmarks > rows:
        raise ValueError(f"n_landmarks={n_landmarks} is more than n_samples={rows}: ask for at most {rows}.")
    return int(n_landmarks)


def refuse_too_few(n_landmarks: int | None, found: int, selector: object) -> None:
    """Raise where a number was asked for and X has fewer different rows than that."""
    if n_landmarks is not None and found < n_landmarks:
        raise ValueError(
            f"{type(selector).__name__} found only {found} different landmarks in X, n_landmarks={n_landmarks} were "
            "asked for: drop repeated rows or ask for fewer."
        )


class LandmarkSelector(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Chooses landmarks of a table; see the module. A subclass says how in `_choose`."""

    n_landmarks: int | None
    random_state: int | np.random.RandomState | None

    @abstractmethod
    def _choose(self, X, y, count: int, rng: np.random.Generator) -> tuple[np.ndarray | None, np.ndarray]:
        """Indices (or None) and points of at most `count` landmarks."""

    def fit(self, X, y=None):
        """Choose landmarks.

        Parameters
        ----------
        X : (n_samples, n_features) array or sparse matrix
        y : (n_samples,) labels, which only `LocalLandmarks` looks at

        Returns
        -------
        self
        """
        self.fit_at_most(X, y)
        refuse_too_few(self.n_landmarks, self.points_.shape[0], self)
        return self

    def fit_at_most(self, X, y=None):
        """`fit` that takes fewer landmarks where X has no `n_landmarks` different ones to give."""
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        count = how_many(self.n_landmarks, X.shape[0])
        self.indices_, self.points_ = self._choose(X, y, count, generator(self.random_state))
        return self

    def transform(self, X):
        """Distances to the landmarks.

        Parameters
        ----------
        X : (n_samples, n_features)

        Returns
        -------
        (n_samples, n_landmarks) of X's dtype
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        squared = squared_to_landmarks(X, self.points_)
        return np.sqrt(squared, out=squared)

    @property
    def _n_features_out(self) -> int:
        return self.points_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class RowSelector(LandmarkSelector):
    """A selector whose landmarks are rows: a subclass says which in `_rows`."""

    @abstractmethod
    def _rows(self, X, count: int, rng: np.random.Generator) -> np.ndarray:
        """Indices of at most `count` different rows."""

    def _choose(self, X, y, count, rng):
        indices = np.asarray(self._rows(X, count, rng), np.intp)
        return indices, X[indices]
