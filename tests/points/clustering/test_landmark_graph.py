import numpy as np
import pytest
from numpy.testing import assert_allclose

from cairn.points.clustering.landmark_graph import LandmarkGraph, project

RNG = np.random.default_rng(0)
ROWS, LANDMARKS = RNG.normal(size=(90, 3)), RNG.normal(size=(12, 3))


def graph(*blocks, landmarks=LANDMARKS, k=3):
    made = LandmarkGraph(landmarks, k, "exact", 1000)
    for block in blocks:
        made.add(block)
    return made


def test_products_are_those_of_the_weights():
    made = graph()
    nearest, weights = made.add(ROWS)
    dense = np.zeros((90, 12))
    np.put_along_axis(dense, nearest, weights, 1)
    assert_allclose(made.products, dense.T @ dense, atol=1e-12)
    assert_allclose(project(LANDMARKS, nearest, weights), dense @ LANDMARKS)


def test_blocks_and_pieces_add_up_in_any_order():
    whole = graph(ROWS)
    one, two = graph(ROWS[60:]), graph(ROWS[:10], ROWS[10:60])
    one.merge(two)
    assert one.rows == whole.rows == 90
    assert_allclose(one.products, whole.products, atol=1e-12)
    np.testing.assert_array_equal(one.sample.hashes, whole.sample.hashes)


@pytest.mark.parametrize("other", [{"landmarks": LANDMARKS + 1}, {"landmarks": LANDMARKS[:5]}, {"k": 2}])
def test_pieces_over_other_landmarks_are_refused(other):
    with pytest.raises(ValueError, match="other landmarks or settings"):
        graph(ROWS).merge(graph(ROWS, **other))


def test_more_neighbours_than_landmarks_takes_all():
    assert graph(ROWS, k=50).sample.columns[0].shape == (90, 12)
