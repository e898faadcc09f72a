"""A sample of the distinct rows of a stream, with how often each of them came.

The sample holds the rows whose 64-bit hashes are smallest (a bottom-k sketch: Cohen & Kaplan 2007, "Summarizing data
using bottom-k sketches"). A hash depends on the content of the row alone, so the sample is the same however the rows
are ordered and divided; and because a row that has left the sample never comes back, the counts of those in it are
exact. Every row is in it while there are no more than its size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

__all__ = ["RowSample"]


@dataclass
class RowSample:
    """At most `size` rows, in order of their hashes.

    Attributes
    ----------
    size : most rows
    hashes : (m,) uint64, ascending
    counts : (m,) int64, how often each came
    columns : what is kept of each row, arrays (m, ...)
    """

    size: int
    hashes: np.ndarray
    counts: np.ndarray
    columns: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, size: int, hashes: np.ndarray, *columns: np.ndarray) -> RowSample:
        """The sample of a block of rows: their hashes (n,) and what to keep of each (n, ...)."""
        kept, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        first = first[:size]
        return cls(size, kept[:size], counts[:size].astype(np.int64), tuple(column[first] for column in columns))

    def __add__(self, other: RowSample) -> RowSample:
        return self.merged(other)

    def merged(self, other: RowSample) -> RowSample:
        """The sample of the rows of both; associative and commutative."""
        hashes, first, inverse = np.unique(
            np.concatenate([self.hashes, other.hashes]), return_index=True, return_inverse=True
        )
        counts = np.zeros(len(hashes), np.int64)
        np.add.at(counts, inverse, np.concatenate([self.counts, other.counts]))
        first = first[: self.size]
        columns = tuple(_stack(pair)[first] for pair in zip(self.columns, other.columns, strict=True))
        return RowSample(self.size, hashes[: self.size], counts[: self.size], columns)


def _stack(pair):
    return sparse.vstack(pair, format="csr") if any(map(sparse.issparse, pair)) else np.concatenate(pair)
