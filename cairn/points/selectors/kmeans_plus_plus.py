"""Rows drawn one after another, each with probability in proportion to its squared distance to those before it
(Arthur & Vassilvitskii 2007, k-means++)."""

from __future__ import annotations

import numpy as np

from cairn.points.distances import squared_to_row
from cairn.points.selectors.contract import RowSelector

__all__ = ["KMeansPlusPlusLandmarks"]


class KMeansPlusPlusLandmarks(RowSelector):
    """Landmarks drawn as the seeds of k-means++ are: spread out, yet seldom outliers. No row, and no copy of it, twice.

    Parameters
    ----------
    n_landmarks : int or None (100, or as many as there are different rows)
    random_state : int, RandomState or None

    Attributes
    ----------
    indices_ : (n_landmarks,) rows of X, in the order of their choice
    points_ : (n_landmarks, n_features)
    """

    def __init__(self, n_landmarks=None, *, random_state=None):
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _rows(self, X, count, rng):
        chosen = [int(rng.integers(X.shape[0]))]
        nearest = squared_to_row(X, chosen[0])
        while len(chosen) < count:
            sums = np.cumsum(nearest)
            if sums[-1] == 0:
                break
            # side="right" cannot fall on a row of weight 0, but for the end of the sum, where rounding may lead
            row = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
            if row == len(sums) or nearest[row] == 0:
                row = int(nearest.argmax())
            chosen.append(row)
            np.minimum(nearest, squared_to_row(X, row), out=nearest)
        return chosen
