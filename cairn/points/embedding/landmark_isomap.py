"""Isomap from landmarks' geodesics only (Tenenbaum, de Silva & Langford 2000; de Silva & Tenenbaum 2003).

Rows are joined to their nearest rows; the shortest ways along that graph are found from the landmarks (Dijkstra), m n
of them instead of n^2; their squares are triangulated. With all rows as landmarks it is `sklearn.manifold.Isomap`.

Triangulation fits squares, so that long ways weigh most. Where it has put the rows, raw stress can take over and fit
the ways themselves (`placing="stress"`): on a rolled sheet what is left of them unexplained is less than half.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from cairn.points.distances import blocks, nearest_rows
from cairn.points.distinct import distinct_rows
from cairn.points.embedding.components import join_components
from cairn.points.embedding.contract import LandmarkEmbedding
from cairn.points.embedding.landmark_stress_mds import STEP, place_by_stress, smacof
from cairn.points.embedding.neighbours import Neighbours
from cairn.points.embedding.triangulation import triangulation

__all__ = ["LandmarkIsomap"]

_TOGETHER = 1 << 23
"""Geodesics in float64 that are held at once while they are found: 64 MiB."""
_ROUNDS = 300
_TOLERANCE = 1e-6
"""Of placing by stress: those of `LandmarkStressMDS`."""


class LandmarkIsomap(LandmarkEmbedding):
    """Isomap by landmarks: unrolls a curved sheet at sizes where all-to-all geodesics do not fit.

    Rows that are the same are one point of the graph. Where the graph falls into pieces they are tied by their closest
    rows, with a warning. A new row goes by its nearest rows' geodesics, as in scikit-learn.

    Parameters
    ----------
    n_components : int
    n_neighbors : int, neighbours of each row in the graph
    n_landmarks : int or None (100, or all different rows where there are fewer)
    selector : a selector or its name; the row nearest to each k-means centre is taken
    metric : "euclidean" or another that `sklearn.neighbors.NearestNeighbors` knows
    placing : "strain", as in Isomap; or "stress", which goes on from there as `LandmarkStressMDS` does
    random_state : int, RandomState or None

    Attributes
    ----------
    embedding_ : (n_samples, n_components)
    landmarks_ : (m, n_features)
    landmark_indices_ : (m,) rows of X
    geodesics_ : (different rows, m) of X's dtype, from the landmarks, in the order of the search tree
    n_connected_components_ : int, pieces of the graph before they were tied
    eigenvalues_ : (n_components,) of the landmarks' inner products
    """

    def __init__(
        self,
        n_components=2,
        *,
        n_neighbors=8,
        n_landmarks=None,
        selector="kmeans++",
        metric="euclidean",
        placing="strain",
        random_state=None,
    ):
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.n_landmarks = n_landmarks
        self.selector = selector
        self.metric = metric
        self.placing = placing
        self.random_state = random_state

    def _fit(self, X, rng):
        if self.placing not in ("strain", "stress"):
            raise ValueError(f"placing={self.placing!r}: expected 'strain' or 'stress'.")
        first, inverse = distinct_rows(X)
        rows = X if len(first) == X.shape[0] else X[first]
        self._refuse_neighbours(X, rows)
        self._choose_landmarks(rows, rng)
        places = self.landmark_indices_
        if places is None:
            places = nearest_rows(rows, self.landmarks_)
            self.landmarks_ = rows[places]
        self.landmark_indices_ = first[places]

        self._search = Neighbours(rows, self.metric)
        place_of = np.empty(rows.shape[0], np.intp)
        place_of[self._search.order] = np.arange(rows.shape[0])
        graph = self._graph(X)
        self.geodesics_ = _geodesics(graph, place_of[places], X.dtype)
        del graph
        between = self.geodesics_[place_of[places]].astype(np.float64)
        self._map = triangulation(between**2, self.n_components)
        self.eigenvalues_ = self._map.eigenvalues
        if self.placing == "stress":
            self._places, *_ = smacof((between + between.T) / 2, self._map.landmarks, _ROUNDS, _TOLERANCE)
        placed = np.empty((rows.shape[0], self.n_components), X.dtype)
        for part in blocks(rows.shape[0], self._block_width(X)):
            placed[part] = self._place(self.geodesics_[part].astype(np.float64))
        self.embedding_ = placed[place_of[inverse]]

    def _refuse_neighbours(self, X, rows) -> None:
        if not isinstance(self.n_neighbors, (int, np.integer)) or self.n_neighbors < 1:
            raise ValueError(f"n_neighbors={self.n_neighbors!r}: expected a whole number of at least 1.")
        if rows.shape[0] <= self.n_neighbors:
            raise ValueError(
                f"n_neighbors={self.n_neighbors} needs more than that many different rows; X has {rows.shape[0]} in "
                f"n_samples={X.shape[0]}."
            )

    def _graph(self, X) -> sparse.csr_array:
        """Symmetric graph over the different rows, in the search's order, in one piece."""
        n, k = self._search.rows.shape[0], self.n_neighbors
        weights, found = np.empty((n, k), X.dtype), np.empty((n, k), np.int32)
        for part in blocks(n, 16 * (k + 1)):
            distances, nearest = self._search.query(self._search.rows[part], k + 1)
            # A row is the first of its own neighbours, whatever rounding says.
            distances[nearest == np.arange(part.start, part.stop)[:, None]] = -1
            order = np.argsort(distances, axis=1, kind="stable")[:, 1:]
            weights[part] = np.take_along_axis(distances, order, axis=1)
            found[part] = np.take_along_axis(nearest, order, axis=1)
        # A sparse graph takes 0 for no edge, and other measures than Euclid's may find different rows 0 apart.
        np.maximum(weights, np.finfo(weights.dtype).tiny, out=weights)
        graph = sparse.csr_array((weights.ravel(), found.ravel(), np.arange(0, n * k + 1, k, dtype=np.int32)), (n, n))
        graph = graph.maximum(graph.T).tocsr()
        graph, self.n_connected_components_ = join_components(graph, self._search)
        if self.n_connected_components_ > 1:
            warnings.warn(
                f"The graph of {k} neighbours is in {self.n_connected_components_} pieces, which were tied by their "
                "closest rows: distances between pieces mean little; raise n_neighbors or embed each piece by itself.",
                UserWarning,
                stacklevel=4,
            )
        return graph

    def fit_transform(self, X, y=None):
        """Fit, and embed the fitted rows; what `transform` gives for them, without another search."""
        return self.fit(X).embedding_

    def _place(self, ways: np.ndarray) -> np.ndarray:
        placed = self._map.place(ways**2)
        if self.placing == "strain":
            return placed
        return place_by_stress(ways, placed, self._places, _ROUNDS, STEP * np.sqrt(_TOLERANCE))

    def _block_width(self, X):
        return (self.n_neighbors + 1) * max(X.shape[1] if not sparse.issparse(X) else 1, self.landmarks_.shape[0])

    def _embed(self, X):
        distances, found = self._search.query(X, self.n_neighbors + 1)
        ways = self.geodesics_[found[:, 0]] + distances[:, :1]
        onward = distances[:, 0] > 0  # a fitted row starts from itself, and from nowhere else
        for j in range(1, self.n_neighbors + 1):
            ways[onward] = np.minimum(ways[onward], self.geodesics_[found[onward, j]] + distances[onward, j, None])
        return self._place(ways.astype(np.float64))


def _geodesics(graph: sparse.csr_array, sources: np.ndarray, dtype) -> np.ndarray:
    """(n, sources) shortest ways, found for a few sources at a time."""
    n = graph.shape[0]
    out = np.empty((n, len(sources)), dtype)
    graph = graph.astype(np.float64, copy=False)
    for part in blocks(len(sources), n * (1 << 20) // _TOGETHER):
        out[:, part] = dijkstra(graph, directed=True, indices=sources[part]).T
    return out
