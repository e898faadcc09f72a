from dataclasses import replace

import numpy as np

from cairn.evaluation.checks.places import normalised_rows, place_findings

SIZES = np.tile([160.0, 120.0], (60, 1))


def found(data, sizes=SIZES):
    return [(f.kind, f.severity, f.row) for f in place_findings(data, sizes)]


def test_points_at_the_very_edge_are_inside(with_points, points):
    points[0, 0], points[0, 1] = [-0.5, -0.5], [159.5, 119.5]
    assert found(with_points(points)) == []


def test_outside_by_a_little_is_a_warning_and_by_much_an_error(with_points, points):
    points[0, 0, 0] = 160.5
    points[1, 0, 1] = -30
    assert found(with_points(points)) == [("outside_picture", "warning", 0), ("outside_picture", "error", 1)]


def test_absent_points_may_be_anywhere(with_points, points):
    points[0, 0] = -500
    visibility = np.full(points.shape[:2], 2, np.uint8)
    visibility[0, 0] = 3
    assert found(with_points(points, visibility=visibility)) == []


def test_fractions_of_the_picture_are_recognised(with_points, points):
    points[3] /= [160, 120]
    data = with_points(points)
    assert found(data) == [("normalised", "error", 3)]
    assert np.flatnonzero(normalised_rows(data, SIZES)).tolist() == [3]


def test_a_picture_that_was_labelled_at_twice_its_size_is_said(with_points, points):
    points[2] = 2 * points[2] + 30
    (one,) = (f for f in place_findings(with_points(points), SIZES) if f.row == 2)
    assert "a picture 2 times as large" in one.sentence


def test_many_points_one_step_beyond_the_last_pixel_are_a_convention(with_points, points):
    points[:5, 0, 0] = 160.0
    kinds = [f.kind for f in place_findings(with_points(points), SIZES)]
    assert kinds.count("offset") == 1


def test_whole_numbers_in_one_source_and_halves_in_another_are_two_origins(good, with_points, points):
    points = np.round(points)
    points[40:] += 0.5
    data = replace(with_points(points), columns={"source": np.array(["a"] * 40 + ["b"] * 20)})
    (one,) = place_findings(data, SIZES)
    assert (one.kind, one.names) == ("offset", ("b", "a"))


def test_pictures_of_unknown_size_accuse_nobody(good):
    assert found(good, np.full((60, 2), np.nan)) == []
