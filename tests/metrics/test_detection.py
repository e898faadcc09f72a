import numpy as np
import pytest

from cairn.geometry.boxes import iou
from cairn.metrics.detection import average_precision, false_boxes, found, recall_by_size

# Picture 1: two faces; one box right, one on the first face again, one on nothing. Picture 2: one face, no box.
TRUTH = [np.array([[0, 0, 10, 10], [100, 0, 140, 40]]), np.array([[0, 0, 100, 100]])]
BOXES = [np.array([[1, 0, 11, 10], [0, 0, 10, 9], [300, 300, 310, 310]]), np.empty((0, 4))]
SCORES = [np.array([0.9, 0.8, 0.7]), np.empty(0)]
OVERLAPS = [iou(b, t) for b, t in zip(BOXES, TRUTH, strict=True)]


def test_each_truth_knows_the_box_that_found_it():
    by = found(OVERLAPS, SCORES)
    assert [b.tolist() for b in by] == [[0, -1], [-1]]
    assert [b.tolist() for b in found(OVERLAPS, SCORES, 0.85)] == [[1, -1], [-1]]  # 9/11 < 0.85, 9/10 is not


def test_a_second_box_on_the_same_face_is_false():
    assert false_boxes(OVERLAPS, SCORES).tolist() == [2, 0]


def test_recall_by_size():
    hit = np.concatenate(found(OVERLAPS, SCORES)) >= 0
    recall, count = recall_by_size(hit, [10, 40, 100])
    np.testing.assert_array_equal(recall, [1, 0, 0])
    assert count.tolist() == [1, 1, 1]
    recall, count = recall_by_size([True], [32])
    np.testing.assert_array_equal(recall, [np.nan, 1, np.nan])


def test_average_precision_by_hand():
    # three truths, the best box right: precision 1 at recalls 0 ... 0.33, which are 34 of 101
    assert average_precision(OVERLAPS, SCORES) == pytest.approx(34 / 101)


def test_picture_without_an_object():
    nothing = [np.zeros((2, 0))]
    assert false_boxes(nothing, [np.ones(2)]).tolist() == [2]
    assert np.isnan(average_precision(nothing, [np.ones(2)]))
