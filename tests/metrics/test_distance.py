import numpy as np
import pytest

from cairn.metrics.distance import point_errors

nan, inf = np.nan, np.inf


def test_error_is_the_distance_in_px_and_in_mm_where_the_spacing_is_known():
    truth, predicted = [[[10, 10], [0, 0]]], [[[13, 14], [0, 2]]]
    assert point_errors(predicted, truth).tolist() == [[5, 2]]
    assert point_errors(predicted, truth, spacing=(2, 0.5)).tolist() == [[np.hypot(6, 2), 1]]


def test_unlabelled_points_do_not_count_and_missed_ones_are_infinitely_wrong():
    truth = [[[nan, nan], [0, 0], [nan, 1]]]
    predicted = [[[1, 1], [nan, nan], [nan, nan]]]
    np.testing.assert_array_equal(point_errors(predicted, truth), [[nan, inf, nan]])


def test_a_predicted_infinity_is_missed():
    assert point_errors([[[inf, 0]]], [[[0, 0]]]).tolist() == [[inf]]


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 2, 2\)"):
        point_errors(np.zeros((1, 2, 2)), np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match="spacing"):
        point_errors(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), spacing=(1, 0))
