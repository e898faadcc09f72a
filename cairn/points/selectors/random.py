"""Rows drawn at random, each as likely as another, none twice: the floor that other selectors must beat."""

from __future__ import annotations

from cairn.points.selectors.contract import RowSelector

__all__ = ["RandomLandmarks"]


class RandomLandmarks(RowSelector):
    """Landmarks drawn at random from the rows, without replacement.

    Parameters
    ----------
    n_landmarks : int or None (100, or all rows where there are fewer)
    random_state : int, RandomState or None

    Attributes
    ----------
    indices_ : (n_landmarks,) rows of X, increasing
    points_ : (n_landmarks, n_features)
    """

    def __init__(self, n_landmarks=None, *, random_state=None):
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _rows(self, X, count, rng):
        chosen = rng.choice(X.shape[0], count, replace=False, shuffle=False)
        chosen.sort()  # neighbours in memory are read together
        return chosen
