"""Pieces of a graph are tied by their closest rows."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from cairn.points.embedding.components import join_components
from cairn.points.embedding.neighbours import Neighbours


def pieces(*groups):
    """Rows of groups, each a chain, in the search's order, and the graph."""
    X = np.concatenate(groups)
    label = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    search = Neighbours(X)
    label = label[search.order]
    edges = np.concatenate(
        [np.stack([np.flatnonzero(label == i)[:-1], np.flatnonzero(label == i)[1:]], 1) for i in set(label)]
    )
    length = np.linalg.norm(search.rows[edges[:, 0]] - search.rows[edges[:, 1]], axis=1)
    graph = sparse.csr_array((length, tuple(edges.T.astype(np.int32))), shape=(len(X), len(X)))
    return graph.maximum(graph.T).tocsr(), search, label


@pytest.mark.parametrize("sizes", [(30, 20), (300, 30), (400, 300)])
def test_two_pieces_get_the_shortest_tie(sizes):
    rng = np.random.default_rng(0)
    graph, search, label = pieces(rng.normal(0, 1, (sizes[0], 2)), rng.normal(9, 1, (sizes[1], 2)))
    joined, before = join_components(graph, search)
    assert before == 2
    assert connected_components(joined)[0] == 1
    ties = sparse.triu(joined - graph).tocoo()
    shortest = cdist(search.rows[label == 0], search.rows[label == 1]).min()
    np.testing.assert_allclose(ties.data[np.abs(ties.data) > 1e-12], shortest)


def test_many_pieces_small_and_large_and_one_within_another():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 500)
    ring = 30 * np.column_stack([np.cos(angle), np.sin(angle)])
    small = [rng.normal(rng.uniform(-200, 200, 2), 1, (6, 2)) for _ in range(40)]
    graph, search, _ = pieces(ring, rng.normal(0, 1, (400, 2)), rng.normal(100, 1, (300, 2)), *small)
    joined, before = join_components(graph, search)
    assert before == 43
    assert connected_components(joined)[0] == 1
    assert joined.nnz - graph.nnz <= 2 * 42


def test_one_piece_is_left_alone():
    graph, search, _ = pieces(np.random.default_rng(0).normal(size=(50, 2)))
    joined, before = join_components(graph, search)
    assert before == 1
    assert joined is graph
