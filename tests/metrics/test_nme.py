import numpy as np
import pytest

from cairn.metrics.nme import box_diagonal, geometric_mean, mean_of_found, missed_share, nme, reference_length

nan, inf = np.nan, np.inf


def test_mean_distance_over_the_reference():
    # distances 5 and 10 px, reference 50 px: (5 + 10) / 2 / 50
    assert nme([[[3, 4], [10, 0]]], [[[0, 0], [0, 0]]], [50]) == pytest.approx([0.15])


def test_an_unlabelled_point_leaves_the_mean():
    assert nme([[[3, 4], [10, 0]]], [[[0, 0], [nan, nan]]], [50]) == pytest.approx([0.1])


def test_a_missed_point_makes_the_object_infinite_so_that_it_cannot_flatter():
    values = nme([[[3, 4], [nan, nan]], [[3, 4], [0, 0]]], np.zeros((2, 2, 2)), [50, 50])
    np.testing.assert_allclose(values, [inf, 0.05])
    assert mean_of_found(values) == pytest.approx(0.05)
    assert missed_share(values) == 0.5


def test_without_labels_or_reference_there_is_no_value():
    truth = [[[nan, nan]], [[0, 0]], [[0, 0]], [[0, 0]]]
    np.testing.assert_array_equal(nme(np.ones((4, 1, 2)), truth, [10, nan, 0, -3]), [nan] * 4)
    assert np.isnan(mean_of_found([nan, inf]))
    assert np.isnan(missed_share([nan]))


def test_moving_or_scaling_everything_changes_nothing():
    rng = np.random.default_rng(0)
    predicted, truth = rng.normal(size=(2, 5, 7, 2))
    reference = reference_length(truth, ((0, 1), (4,)))
    once = nme(predicted, truth, reference)
    moved = truth * 3 + 100
    np.testing.assert_allclose(nme(predicted * 3 + 100, moved, reference_length(moved, ((0, 1), (4,)))), once)


def test_reference_length_is_between_centroids():
    points = np.array([[[0, 0], [0, 2], [30, 41]], [[0, 0], [nan, nan], [1, 1]]])
    np.testing.assert_allclose(reference_length(points, ((0, 1), (2,))), [50, nan])


def test_box_lengths():
    boxes = [[0, 0, 3, 4], [10, 10, 5, 20], [nan, 0, 1, 1]]
    np.testing.assert_allclose(box_diagonal(boxes), [5, nan, nan])
    np.testing.assert_allclose(geometric_mean(boxes), [np.sqrt(12), nan, nan])
    assert geometric_mean([[0, 0, 0, 2, 4, 8]]) == pytest.approx([4])
