from dataclasses import replace

import numpy as np

from cairn.evaluation.checks.labels import label_findings, placeholders
from cairn.geometry import boxes as box_geometry
from cairn.images import ImageList
from cairn.landmarks import Landmarks


def found(data):
    return [(f.kind, f.row, f.names) for f in label_findings(data) if f.severity != "note"]


def test_good_labels_have_only_their_counts(good):
    (note,) = label_findings(good)
    assert note.sentence == "60 objects, each point 60 labels"


def test_zeros_for_missing_are_found_but_a_point_in_the_corner_is_not(with_points, points):
    points[3, 2] = points[7, 5] = 0.0
    assert found(with_points(points)) == [("placeholder", 3, ("left_eye",)), ("placeholder", 7, ("left_mouth",))]
    points[7, 5] = [20, 20]
    assert not placeholders(with_points(points)).any()  # once may be real


def test_a_point_that_never_moves_is_found(with_points, points):
    points[:, 4] = np.array([40.0, 30.0]) + np.random.default_rng(0).normal(0, 0.3, (60, 2))
    assert found(with_points(points)) == [("constant_point", None, ("nose",))]


def test_a_fixed_camera_before_a_fixed_object_is_no_mistake(with_points, points):
    still = np.broadcast_to(points[0], points.shape) + np.random.default_rng(0).normal(0, 0.3, points.shape)
    assert [kind for kind, _, _ in found(with_points(still))] == []


def test_labels_left_over_from_another_picture_are_found(with_points, points):
    points[8] = points[2]
    assert found(with_points(points)) == [("copied_labels", 8, ())]


def test_one_object_labelled_twice_is_found(good):
    labels = good.landmarks
    twice = Landmarks.concatenate([labels, replace(labels.take([5]), points=labels.points[[5]] + 0.4)])
    data = replace(good, landmarks=twice, images=ImageList(good.images.sources))
    assert found(data) == [("labelled_twice", 60, ())]


def test_visibility_and_coordinates_must_agree(with_points, points):
    visibility = np.full(points.shape[:2], 2, np.uint8)
    points[1, 0], visibility[1, 0] = np.nan, 1
    visibility[2, 3] = 0
    assert found(with_points(points, visibility=visibility)) == [
        ("visibility", 1, ("left_ear",)),
        ("visibility", 2, ("right_eye",)),
    ]


def test_boxes_upside_down_or_elsewhere_are_found(good):
    boxes = good.landmarks.boxes.copy()
    boxes[4] = boxes[4, [2, 3, 0, 1]]
    boxes[6] += 90
    boxes[9, 2:] -= boxes[9, :2]  # width and height
    data = replace(good, landmarks=replace(good.landmarks, boxes=boxes))
    assert [(kind, row) for kind, row, _ in found(data)] == [("bad_box", 4), ("bad_box", 6), ("bad_box", 9)] or {
        row for _, row, _ in found(data)
    } == {4, 6, 9}


def test_a_point_that_few_objects_have_is_said(with_points, points):
    points[3:, 7] = np.nan
    data = with_points(points)
    data = replace(data, landmarks=replace(data.landmarks, boxes=box_geometry.around(points)))
    assert found(data) == [("rare_point", None, ("chin",))]
