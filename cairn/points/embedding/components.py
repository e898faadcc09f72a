"""Joining the pieces of a neighbour graph, so that every row can be reached from every landmark.

A small piece is tied to its nearest row outside, again and again until none is small. Large pieces are tied along the
shortest tree between their means, each pair by its closest rows, as far as going to and fro between them finds them.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from sklearn.metrics.pairwise import euclidean_distances

from cairn.points.embedding.neighbours import Neighbours

__all__ = ["join_components"]

_SMALL = 200
_SAMPLE = 500


def join_components(graph: sparse.csr_array, neighbours: Neighbours) -> tuple[sparse.csr_array, int]:
    """The graph with just enough edges more to be in one piece, and in how many pieces it was.

    Parameters
    ----------
    graph : (n, n) symmetric, distances between neighbours
    neighbours : of the same rows, in the same order
    """
    pieces, label = connected_components(graph, directed=False)
    before = pieces
    while pieces > 1:
        sizes = np.bincount(label)
        small = np.flatnonzero(sizes <= _SMALL)
        edges = _tie_small(label, sizes, small, neighbours) if len(small) else _tie_large(label, sizes, neighbours)
        start, end, length = np.array(edges).T
        length = np.maximum(length, np.finfo(graph.dtype).tiny)  # 0 would be no edge
        extra = sparse.csr_array((length, (start.astype(np.int32), end.astype(np.int32))), shape=graph.shape)
        graph = graph.maximum(extra.maximum(extra.T)).tocsr()
        pieces, label = connected_components(graph, directed=False)
    return graph, before


def _tie_small(label, sizes, small, neighbours: Neighbours) -> list[tuple[int, int, float]]:
    edges = []
    for piece in small:
        rows = np.flatnonzero(label == piece)
        distances, found = neighbours.query(neighbours.rows[rows], int(sizes[piece]) + 1)
        distances = np.where(label[found] == piece, np.inf, distances)
        at, which = np.unravel_index(distances.argmin(), distances.shape)
        edges.append((rows[at], found[at, which], distances[at, which]))
    return edges


def _tie_large(label, sizes, neighbours: Neighbours) -> list[tuple[int, int, float]]:
    rows = neighbours.rows
    members = [np.flatnonzero(label == piece) for piece in range(len(sizes))]
    means = np.concatenate([np.asarray(rows[m].mean(axis=0)).reshape(1, -1) for m in members])
    gaps = euclidean_distances(means) + 1e-9 * (1 + np.abs(means).max())  # concentric pieces: no gap of 0
    tree = minimum_spanning_tree(gaps).tocoo()
    searches: dict[int, Neighbours] = {}
    edges = []
    for a, b in zip(tree.row, tree.col, strict=True):
        for piece in (a, b):
            if piece not in searches:
                searches[piece] = Neighbours(rows[members[piece]], neighbours.metric)
        step = max(1, len(members[a]) // _SAMPLE)
        here = np.arange(len(members[a]))[::step]  # places within a
        best = np.inf
        while True:
            _, there = searches[b].query(rows[members[a][here]], 1)
            there = searches[b].order[there[:, 0]]
            back, here = searches[a].query(rows[members[b][there]], 1)
            here = searches[a].order[here[:, 0]]
            at = int(back[:, 0].argmin())
            if back[at, 0] >= best:
                break
            best, edge = back[at, 0], (members[a][here[at]], members[b][there[at]], back[at, 0])
        edges.append(edge)
    return edges
