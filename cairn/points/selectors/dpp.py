"""Determinantal points: sets of k rows with probability in proportion to det(L_S), which rows that resemble each other
make small (Kulesza & Taskar 2012).

- `DPPLandmarks` draws such a set exactly for ``L = F F'`` with F a few kernel features (their "dual" representation,
  section 3.3, and the k-DPP of 2011): memory is O(n m), never n x n.
- `GreedyDPPLandmarks` adds the row that raises the determinant most, from the kernel itself (Chen, Zhang & Zhou 2018):
  pivoted Cholesky, memory O(n k).

Rows that are the same count once, whichever of them is looked at: no set holds two of them.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from cairn.points.distances import blocks, squared_to_row
from cairn.points.distinct import distinct_rows
from cairn.points.selectors.contract import RowSelector
from cairn.points.selectors.features import kernel_features, median_gamma

__all__ = ["DPPLandmarks", "GreedyDPPLandmarks"]


class DPPLandmarks(RowSelector):
    """Landmarks drawn from a k-DPP with an rbf kernel.

    Parameters
    ----------
    n_landmarks : int or None (100, or the rank of the features where that is lower)
    gamma : float or None, of the rbf kernel; None is one over the median squared distance
    n_features : int or None, features that stand for the kernel; None is three for each landmark. Fewer different
        features than landmarks cannot tell so many rows apart: raise gamma, then
    random_state : int, RandomState or None

    Attributes
    ----------
    indices_ : (n_landmarks,) rows of X, in the order of their draw
    points_ : (n_landmarks, n_features)
    """

    def __init__(self, n_landmarks=None, *, gamma=None, n_features=None, random_state=None):
        self.n_landmarks = n_landmarks
        self.gamma = gamma
        self.n_features = n_features
        self.random_state = random_state

    def _rows(self, X, count, rng):
        first, _ = distinct_rows(X)
        rows = X if len(first) == X.shape[0] else X[first]
        return first[self._distinct(rows, min(count, len(first)), rng)]

    def _distinct(self, X, count, rng):
        width = 3 * count if self.n_features is None else self.n_features
        features = kernel_features(X, "rbf", self.gamma, width, rng)
        gram = np.zeros((features.shape[1],) * 2)
        for part in blocks(*features.shape):
            rows = features[part].astype(np.float64, copy=False)
            gram += rows.T @ rows
        values, vectors = linalg.eigh(gram)
        kept = values > len(values) * np.finfo(features.dtype).eps * max(values[-1], 0)
        values, vectors = values[kept], vectors[:, kept]
        count = min(count, len(values))
        picked = _draw_eigenvectors(values, count, rng)
        basis = features @ (vectors[:, picked] / np.sqrt(values[picked]))  # (n, k), orthonormal columns
        return _draw_projection(np.asarray(basis, np.float64), rng)


def _draw_eigenvectors(values: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Which `count` eigenvectors: k-DPPs, Kulesza & Taskar 2011, algorithm 1, with logarithms of the polynomials."""
    logs = np.log(values / values.max())
    n = len(values)
    table = np.full((count + 1, n + 1), -np.inf)  # log of the elementary symmetric polynomials e_l(1..m)
    table[0] = 0
    for m in range(1, n + 1):
        table[1:, m] = np.logaddexp(table[1:, m - 1], logs[m - 1] + table[:-1, m - 1])
    picked: list[int] = []
    for m in range(n, 0, -1):
        left = count - len(picked)
        if left == 0:
            break
        if np.log(rng.random()) < logs[m - 1] + table[left - 1, m - 1] - table[left, m]:
            picked.append(m - 1)
    return np.array(picked, np.intp)


def _draw_projection(basis: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many rows as the basis has columns, from the DPP whose kernel projects on them.

    Each row is drawn in proportion to what is left of its norm once the rows before are projected out.
    """
    n, k = basis.shape
    left = np.einsum("ij,ij->i", basis, basis)
    directions = np.empty((k, k))
    chosen = np.empty(k, np.intp)
    for step in range(k):
        left[chosen[:step]] = 0
        np.maximum(left, 0, out=left)
        sums = np.cumsum(left)
        row = min(int(np.searchsorted(sums, rng.random() * sums[-1], side="right")), n - 1)
        if left[row] == 0:
            row = int(left.argmax())
        chosen[step] = row
        direction = basis[row] - directions[:step].T @ (directions[:step] @ basis[row])
        directions[step] = direction / np.linalg.norm(direction)
        left -= (basis @ directions[step]) ** 2
    return chosen


class GreedyDPPLandmarks(RowSelector):
    """Landmarks that greedily make the determinant of their rbf kernel large; the first is drawn at random.

    Parameters
    ----------
    n_landmarks : int or None (100, or as many as the kernel can tell apart)
    gamma : float or None, of the rbf kernel; None is one over the median squared distance
    random_state : int, RandomState or None

    Attributes
    ----------
    indices_ : (n_landmarks,) rows of X, in the order of their choice
    points_ : (n_landmarks, n_features)
    """

    def __init__(self, n_landmarks=None, *, gamma=None, random_state=None):
        self.n_landmarks = n_landmarks
        self.gamma = gamma
        self.random_state = random_state

    def _rows(self, X, count, rng):
        first, _ = distinct_rows(X)
        rows = X if len(first) == X.shape[0] else X[first]
        return first[self._distinct(rows, min(count, len(first)), rng)]

    def _distinct(self, X, count, rng):
        gamma = median_gamma(X, rng) if self.gamma is None else self.gamma
        n = X.shape[0]
        factor = np.empty((count, n), X.dtype)  # rows of the Cholesky factor
        left = np.ones(n)
        chosen = [int(rng.integers(n))]
        while len(chosen) < count:
            step, row = len(chosen) - 1, chosen[-1]
            column = np.exp(-gamma * squared_to_row(X, row))
            column -= factor[:step, row] @ factor[:step]
            column /= np.sqrt(left[row])
            factor[step] = column
            left -= column**2
            left[chosen] = 0
            best = int(left.argmax())
            if left[best] <= n * np.finfo(X.dtype).eps:  # what remains is rounding
                break
            chosen.append(best)
        return chosen
