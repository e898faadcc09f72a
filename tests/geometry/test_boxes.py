import numpy as np
import pytest

from cairn.geometry import boxes


def test_around_is_tight_and_ignores_missing_points():
    points = [[[1, 2], [5, 3], [np.nan, 9]], [[np.nan, 0], [np.nan, 0], [np.nan, 0]]]
    found = boxes.around(points)
    np.testing.assert_array_equal(found[0], [1, 2, 5, 3])
    assert np.isnan(found[1]).all()


def test_a_whole_picture_reaches_the_outer_edges_of_its_pixels():
    np.testing.assert_array_equal(boxes.whole(4, 2), [[-0.5, -0.5, 3.5, 1.5]])
    np.testing.assert_array_equal(boxes.sides(boxes.whole(4, 2)), [[4, 2]])


def test_boxes_of_several_pictures_are_stacked_with_the_picture_of_each():
    one = np.array([[0.0, 0, 1, 1]])
    found, index = boxes.stacked([[], one, np.empty((0, 4)), [[1, 2, 3, 4], [5, 6, 7, 8]]])
    np.testing.assert_array_equal(found, [[0, 0, 1, 1], [1, 2, 3, 4], [5, 6, 7, 8]])
    assert index.tolist() == [1, 3, 3]
    found, _ = boxes.stacked([one])
    found[:] = 9
    assert one.tolist() == [[0, 0, 1, 1]]
    assert boxes.stacked([])[0].shape == (0, 4)


def test_iou_by_hand():
    a = [[0, 0, 2, 2]]
    b = [[1, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6], [np.nan] * 4, [2, 2, 0, 0]]
    np.testing.assert_allclose(boxes.iou(a, b), [[1 / 7, 1, 0, 0, 0]])


def test_iou_of_volumes_by_hand():
    assert boxes.iou([[0, 0, 0, 2, 2, 2]], [[0, 0, 1, 2, 2, 3]])[0, 0] == pytest.approx(1 / 3)


def test_expand_keeps_the_centre():
    np.testing.assert_allclose(boxes.expand([[0, 0, 2, 4]], 2), [[-1, -2, 3, 6]])


def test_shift_moves_by_the_stated_share_of_the_side():
    moved = boxes.shift([[0, 0, 10, 10]] * 50, 0.06, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(moved[:, :2], axis=1), 0.6)
    np.testing.assert_allclose(boxes.sides(moved), 10)
    assert np.ptp(np.arctan2(moved[:, 1], moved[:, 0])) > 4  # every direction


@pytest.mark.parametrize("box", [[3, 0, 1, 4], [0, 0, 0, 4], [0, 0, np.nan, 1], [0, 0, np.inf, 1]])
def test_upside_down_empty_and_unfinished_boxes_are_not_valid(box):
    assert not boxes.is_valid([box])[0]
    assert boxes.is_valid([[0, 0, 1, 1]])[0]
