"""Farthest first: each landmark is the row farthest from all landmarks before it (Gonzalez 1985).

No choice of as many landmarks leaves a row less than half as far from its nearest one. De Silva & Tenenbaum (2004) call
it MaxMin. It looks for the rim of the data, outliers among it.
"""

from __future__ import annotations

import numpy as np

from cairn.points.distances import squared_to_row
from cairn.points.selectors.contract import RowSelector

__all__ = ["MaxMinLandmarks", "farthest_first"]


def farthest_first(distances_to, first: int, count: int) -> np.ndarray:
    """At most `count` rows, each the farthest from those before; ends early where all others coincide with one.

    Parameters
    ----------
    distances_to : callable, index of a row -> (n,) distances of all rows to it
    first : index of the first row
    """
    chosen = [first]
    nearest = np.array(distances_to(first), np.float64)
    while len(chosen) < count:
        row = int(nearest.argmax())
        if not nearest[row] > 0:
            break
        chosen.append(row)
        np.minimum(nearest, distances_to(row), out=nearest)
    return np.array(chosen, np.intp)


class MaxMinLandmarks(RowSelector):
    """Landmarks chosen farthest first, the first of them at random.

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
        return farthest_first(lambda row: squared_to_row(X, row), int(rng.integers(X.shape[0])), count)
