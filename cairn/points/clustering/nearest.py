"""The few landmarks nearest to each row, exactly or nearly.

``exact``: a k-d tree where rows have few columns (Bentley 1975), all distances in cache-sized chunks otherwise.
``approximate``: from coarse to fine (Huang et al. 2019, "Ultra-scalable spectral clustering and ensemble clustering",
section 3.1.2): the nearest of about sqrt(p) groups of landmarks, the nearest landmark in it, then the nearest among the
landmarks around that one. Costs O(n sqrt(p) d) where the exact search costs O(n p d).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.extmath import row_norms

__all__ = ["SEARCHES", "NearestLandmarks"]

SEARCHES = ("exact", "approximate")
TREE_COLUMNS = 4
"""A k-d tree is faster than all distances up to here; measured with 1,000 landmarks."""
FAR = 1_000
"""Landmarks this much farther from the origin than from their mean are moved to it: squares lose such distances."""
WIDENING = 10
"""Landmarks looked at around the nearest one, for each that is wanted (the paper's K' = 10 K)."""


class NearestLandmarks:
    """A search among fixed landmarks.

    Parameters
    ----------
    landmarks : (p, d), all different
    search : one of `SEARCHES`
    """

    def __init__(self, landmarks: np.ndarray, search: str = "exact") -> None:
        if search not in SEARCHES:
            raise ValueError(f"search={search!r}: expected one of {', '.join(SEARCHES)}.")
        self.landmarks = np.asarray(landmarks, np.float64)
        self._tree = self._coarse = None
        if self.landmarks.shape[1] <= TREE_COLUMNS:
            self._tree = cKDTree(self.landmarks)
        elif search == "approximate" and len(self.landmarks) > 2 * WIDENING:
            self._coarse = _CoarseToFine(self.landmarks)
        centre = self.landmarks.mean(axis=0)
        far = (centre**2).sum() > FAR**2 * ((self.landmarks - centre) ** 2).sum(axis=1).mean()
        self._centre = centre if far else None
        if self._tree is None:
            self._all = NearestNeighbors(algorithm="brute").fit(self.landmarks)
            self._moved = NearestNeighbors(algorithm="brute").fit(self.landmarks - centre) if far else self._all

    def query(self, rows, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k landmarks nearest to each row.

        Parameters
        ----------
        rows : (n, d) dense or CSR; CSR rows are always searched exactly
        k : at most p

        Returns
        -------
        distances : (n, k) float64, ascending
        nearest : (n, k) int32, indices of landmarks
        """
        if sparse.issparse(rows) and self._tree is None:
            distances, nearest = self._all.kneighbors(rows.astype(np.float64, copy=False), k)
            return distances, nearest.astype(np.int32)
        rows = np.asarray(rows.toarray() if sparse.issparse(rows) else rows, np.float64)
        if self._tree is not None:
            distances, nearest = self._tree.query(rows, np.arange(1, k + 1))
        elif self._coarse is not None:
            distances, nearest = self._coarse.query(rows, k)
        else:
            distances, nearest = self._moved.kneighbors(rows if self._centre is None else rows - self._centre, k)
        return distances, nearest.astype(np.int32)


class _CoarseToFine:
    """Groups of landmarks, and the landmarks around each landmark."""

    def __init__(self, landmarks: np.ndarray) -> None:
        self._centre = landmarks.mean(axis=0)  # products of rows far from the origin would lose digits
        self._landmarks = landmarks - self._centre
        count = int(np.sqrt(len(landmarks)))
        groups = KMeans(count, init="random", n_init=1, max_iter=10, random_state=0).fit(self._landmarks)
        self._groups = groups.cluster_centers_
        self._members = [np.flatnonzero(groups.labels_ == group) for group in range(count)]
        self._around: dict[int, np.ndarray] = {}

    def _neighbours(self, k: int) -> np.ndarray:
        if k not in self._around:
            wanted = min(WIDENING * k, len(self._landmarks))
            search = NearestNeighbors(n_neighbors=wanted, algorithm="brute").fit(self._landmarks)
            self._around[k] = search.kneighbors(self._landmarks, return_distance=False)
        return self._around[k]

    def query(self, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        rows = rows - self._centre
        everywhere = np.arange(len(self._groups))
        groups = _nearest_of(rows, self._groups, everywhere, 1)[1][:, 0]
        first = np.empty(len(rows), np.intp)
        for group, here in _each(groups):
            first[here] = _nearest_of(rows[here], self._landmarks, self._members[group], 1)[1][:, 0]
        around = self._neighbours(k)
        squared, nearest = np.empty((len(rows), k)), np.empty((len(rows), k), np.intp)
        for landmark, here in _each(first):
            squared[here], nearest[here] = _nearest_of(rows[here], self._landmarks, around[landmark], k)
        squared += row_norms(rows, squared=True)[:, None]
        return np.sqrt(np.maximum(squared, 0)), nearest


def _each(labels: np.ndarray):
    """Each label that occurs, and the rows that have it."""
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    return zip(present, np.split(order, starts[1:]), strict=True)


def _nearest_of(rows: np.ndarray, points: np.ndarray, candidates: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance less the row's own squared norm, ascending (m, k), and which candidates (m, k)."""
    chosen = points[candidates]
    squared = rows @ (-2 * chosen.T)
    squared += row_norms(chosen, squared=True)
    if k == 1:
        best = squared.argmin(axis=1)[:, None]
    else:
        best = np.argpartition(squared, k - 1, axis=1)[:, :k] if k < len(candidates) else None
        if best is None:
            best = np.broadcast_to(np.arange(k), squared.shape)
        best = np.take_along_axis(best, np.argsort(np.take_along_axis(squared, best, 1), axis=1, kind="stable"), 1)
    return np.take_along_axis(squared, best, 1), candidates[best]
