import numpy as np
from numpy.testing import assert_allclose

from cairn.points.clustering.affinity import landmark_scales, row_weights, sparse_weights
from cairn.points.clustering.nearest import NearestLandmarks


def test_weights_are_the_formula_worked_by_hand():
    # one row at distances 1 and 3 from two landmarks of scale 2: its own scale is 2
    weights = row_weights(np.array([[1.0, 3.0]]), np.array([[0, 1]]), np.array([2.0, 2.0]))
    raw = np.exp([-1 / 4, -9 / 4])
    assert_allclose(weights, [raw / raw.sum()])


def test_a_row_far_from_everything_still_has_weights():
    weights = row_weights(np.array([[1e9, 1e9 + 1]]), np.array([[0, 1]]), np.array([1e-3, 1e-3]))
    assert_allclose(weights.sum(axis=1), 1)


def test_a_row_on_its_only_landmark_belongs_to_it():
    assert_allclose(row_weights(np.zeros((1, 1)), np.zeros((1, 1), int), np.ones(1)), 1)


def test_weights_do_not_change_with_the_unit_of_length():
    rng = np.random.default_rng(0)
    landmarks, rows = rng.normal(size=(20, 3)), rng.normal(size=(10, 3))

    def weights(unit):
        search = NearestLandmarks(landmarks * unit)
        return row_weights(*search.query(rows * unit, 4), landmark_scales(search, 4))

    assert_allclose(weights(1.0), weights(1000.0), rtol=1e-9)


def test_scale_of_a_landmark_is_its_mean_distance_to_others():
    search = NearestLandmarks(np.array([[0.0], [1.0], [3.0]]))
    assert_allclose(landmark_scales(search, 2), [2.0, 1.5, 2.5])
    assert_allclose(landmark_scales(search, 9), [2.0, 1.5, 2.5])  # fewer others than asked for
    assert_allclose(landmark_scales(NearestLandmarks(np.zeros((1, 2))), 3), [1.0])


def test_sparse_weights_stand_where_the_landmarks_are():
    dense = sparse_weights(np.array([[0.25, 0.75]]), np.array([[2, 0]]), 4).toarray()
    assert_allclose(dense, [[0.75, 0, 0.25, 0]])
