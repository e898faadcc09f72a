"""The graph of rows and landmarks, as sums over rows.

What the spectrum needs of the rows is E = Z^T Z (see `transfer_cut`), and what k-means needs is a sample of them (see
`row_sample`). Both grow by blocks, and two graphs over the same landmarks add up to the graph of all their rows,
whatever the order.
"""

from __future__ import annotations

from copy import copy

import numpy as np

from cairn.points.clustering.affinity import landmark_scales, row_weights, sparse_weights
from cairn.points.clustering.nearest import NearestLandmarks
from cairn.points.clustering.row_sample import RowSample
from cairn.points.distances import blocks
from cairn.points.distinct import row_hash

__all__ = ["LandmarkGraph", "big_blocks", "project"]

BLOCK_ROWS = 16_384


def big_blocks(rows: int):
    """Slices of `BLOCK_ROWS` rows: long enough for sparse products and BLAS."""
    return blocks(rows, (1 << 20) // BLOCK_ROWS)


class LandmarkGraph:
    """Rows joined to their k nearest landmarks.

    Parameters
    ----------
    landmarks : (p, d) float64, all different
    k : landmarks that a row is joined to; all where there are fewer
    search : see `NearestLandmarks`
    sample_size : rows kept, as their weights, for k-means

    Attributes
    ----------
    products : (p, p) E = Z^T Z of the rows so far
    rows : how many
    sample : of their nearest landmarks (m, k) and weights (m, k)
    """

    def __init__(self, landmarks: np.ndarray, k: int, search: str, sample_size: int) -> None:
        self.landmarks = landmarks
        self.k = min(k, len(landmarks))
        self.search = search
        self._nearest = NearestLandmarks(landmarks, search)
        self._scales = landmark_scales(self._nearest, k)
        self.products = np.zeros((len(landmarks), len(landmarks)))
        self.rows = 0
        empty = np.empty((0, self.k))
        self.sample = RowSample.of(sample_size, np.empty(0, np.uint64), empty.astype(np.int32), empty)

    def join(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nearest landmarks (n, k) int32 of the rows of a block (n, d), dense or CSR, and these' weights."""
        distances, nearest = self._nearest.query(block, self.k)
        return nearest, row_weights(distances, nearest, self._scales)

    def add(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Join the rows of a block (n, d) to the sums; returns what `join` does."""
        nearest, weights = self.join(block)
        joined = sparse_weights(weights, nearest, len(self.landmarks))
        products = (joined.T @ joined).tocoo()
        self.products[products.row, products.col] += products.data
        self.rows += block.shape[0]
        sample = RowSample.of(self.sample.size, row_hash(block), nearest, weights)
        self.sample = self.sample.merged(sample)
        return nearest, weights

    def empty(self) -> LandmarkGraph:
        """A graph over the same landmarks, of no rows yet."""
        other = copy(self)
        other.products, other.rows = np.zeros_like(self.products), 0
        other.sample = RowSample.of(
            self.sample.size, self.sample.hashes[:0], *(column[:0] for column in self.sample.columns)
        )
        return other

    def merge(self, other: LandmarkGraph) -> None:
        """Add the rows of another graph over the same landmarks."""
        mine = (self.k, self.search, self.sample.size)
        theirs = (other.k, other.search, other.sample.size)
        if not np.array_equal(self.landmarks, other.landmarks) or mine != theirs:
            raise ValueError(
                "The pieces were fitted with other landmarks or settings: give all the same landmarks as selector."
            )
        self.products += other.products
        self.rows += other.rows
        self.sample = self.sample.merged(other.sample)


def project(vectors: np.ndarray, nearest: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """u = Z v: each row's weighted mean (n, c) of its landmarks' vectors (p, c)."""
    return sparse_weights(weights, nearest, len(vectors)) @ vectors
