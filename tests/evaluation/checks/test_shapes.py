import numpy as np
import pytest

from cairn.evaluation.checks.shapes import shape_findings

SIZES = np.tile([160.0, 120.0], (60, 1))


def found(data):
    skip = np.zeros(len(data), bool)
    return [(f.kind, f.row, f.names) for f in shape_findings(data, SIZES[: len(data.images)], skip)]


def test_good_labels_are_not_accused(good):
    assert found(good) == []


@pytest.mark.parametrize("many", [1, 12, 27])
def test_swapped_sides_are_found_up_to_nearly_half_of_the_data(with_points, points, good, many):
    points[:many] = points[:many][:, list(good.skeleton.flip)]
    assert found(with_points(points)) == [("left_right_swapped", row, ()) for row in range(many)]


def test_y_from_the_bottom_and_exchanged_axes_are_told_from_each_other(with_points, points):
    points[4, :, 1] = 119 - points[4, :, 1]
    points[9] = points[9][:, ::-1]
    assert found(with_points(points)) == [("y_from_bottom", 4, ()), ("xy_exchanged", 9, ())]


def test_exchanged_points_are_named(with_points, points):
    points[2, [2, 4]] = points[2, [4, 2]]
    points[8, [0, 1]] = points[8, [1, 0]]
    assert found(with_points(points)) == [
        ("points_exchanged", 2, ("left_eye", "nose")),
        ("points_exchanged", 8, ("left_ear", "right_ear")),
    ]


def test_a_misplaced_point_is_named(with_points, points):
    points[20, 4] += [0, 14]
    assert found(with_points(points)) == [("unlikely_point", 20, ("nose",))]


def test_missing_points_do_no_harm(with_points, points):
    points[::3, 6] = np.nan
    points[1] = np.nan
    points[5, 2:] = np.nan  # two points have no shape
    points[20, 4] += [0, 14]
    assert found(with_points(points)) == [("unlikely_point", 20, ("nose",))]


def test_labels_mean_the_same_in_a_turned_and_larger_world(with_points, points):
    points[20, 4] += [0, 14]
    turned = points @ np.array([[0.0, -3.0], [3.0, 0.0]])
    assert found(with_points(turned)) == [("unlikely_point", 20, ("nose",))]


def test_few_objects_are_not_judged(good):
    few = good.take(np.arange(8))
    assert [kind for kind, _, _ in found(few)] == ["few_objects"]
