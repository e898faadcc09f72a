import numpy as np
import pytest

from cairn.metrics.pck import correct, pck

nan = np.nan
TRUTH = np.array([[[0, 0], [10, 0]], [[0, 0], [10, 0]]], float)
PREDICTED = TRUTH + np.array([[[3, 4], [0, 0]], [[0, 5], [9, 0]]])  # distances 5, 0 and 5, 9


def test_five_px_off_is_right_at_half_of_ten_and_wrong_just_below():
    assert pck(PREDICTED, TRUTH, [10, 10], 0.5).tolist() == [1, 0.5]
    assert pck(PREDICTED, TRUTH, [10, 10], 0.49).tolist() == [0, 0.5]


def test_each_object_has_its_own_reference():
    assert pck(PREDICTED, TRUTH, [10, 20], 0.5).tolist() == [1, 1]


def test_an_unlabelled_point_leaves_the_count():
    truth = TRUTH.copy()
    truth[1, 1] = nan
    assert pck(PREDICTED, truth, [10, 10], 0.5).tolist() == [1, 1]
    truth[:, 1] = nan
    np.testing.assert_array_equal(pck(PREDICTED, truth, [10, 10], 0.5), [1, nan])


def test_a_missing_prediction_lowers_the_score():
    predicted = PREDICTED.copy()
    predicted[0, 0] = nan
    assert pck(predicted, TRUTH, [10, 10], 0.5).tolist() == [0.5, 0.5]


def test_an_object_without_a_reference_does_not_count():
    assert np.isnan(correct(PREDICTED, TRUTH, [nan, 10], 0.5)[0]).all()
    assert pck(PREDICTED, TRUTH, [nan, 10], 0.5).tolist() == [1, 0]


def test_moving_everything_changes_nothing():
    rng = np.random.default_rng(1)
    predicted, truth = rng.normal(size=(2, 6, 4, 2))
    assert pck(predicted + 7, truth + 7, np.ones(6), 1).tolist() == pytest.approx(pck(predicted, truth, np.ones(6), 1))
