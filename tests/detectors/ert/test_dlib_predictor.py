"""Imported trees at work: held to the contract, and to dlib where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from cairn.detectors.checks import check_fitted_detector
from cairn.detectors.ert.cascade import Cascade
from cairn.detectors.ert.dlib_file import write_dlib
from cairn.detectors.ert.dlib_predictor import DlibPredictor
from cairn.images import Image
from cairn.skeleton import Skeleton
from tests.conftest import KITE, draw_kites


def kite_trees(seed: int = 0, points: int = 4) -> Cascade:
    """Trees that nobody trained: they look around the points, and move them by hundredths of the box."""
    rng = np.random.default_rng(seed)
    stages, trees, nodes, pixels = 4, 10, 7, 30
    return Cascade(
        mean=rng.uniform(0.1, 0.9, (points, 2)),
        anchors=rng.integers(0, points, (stages, pixels)),
        offsets=rng.normal(0, 0.2, (stages, pixels, 2)),
        first=rng.integers(0, pixels, (stages, trees, nodes)),
        second=rng.integers(0, pixels, (stages, trees, nodes)),
        thresholds=rng.normal(0, 40, (stages, trees, nodes)),
        leaves=rng.normal(0, 0.02, (stages, trees, nodes + 1, 2 * points)),
    )


@pytest.mark.parametrize("settings", [{}, {"nudge": 0.0}, {"tight": True}])
def test_it_keeps_the_contract(settings):
    check_fitted_detector(DlibPredictor.of(kite_trees(), KITE, **settings), draw_kites(6, share=0.5))


@pytest.mark.parametrize("points", [1, 2, 4, 40])
def test_points_are_dlibs_before_it_rounds_them(tmp_path, points):
    """dlib rounds to whole pixels; on a picture in which each pixel is 51 x 51, to 1/51 of one.

    Pixel i of the picture is pixels 51 i to 51 i + 50 of the large one, whose middle is 51 i + 25.
    """
    dlib = pytest.importorskip("dlib")
    cascade = kite_trees(points, points)
    write_dlib(cascade, tmp_path / "x.dat")
    theirs = dlib.shape_predictor(str(tmp_path / "x.dat"))
    ours = DlibPredictor.of(cascade, Skeleton(tuple(f"p{i}" for i in range(points))), nudge=0)
    grey = np.random.default_rng(points).integers(0, 256, (50, 60)).astype(np.uint8)
    large = np.ascontiguousarray(grey.repeat(51, axis=0).repeat(51, axis=1))
    for box in ([10, 8, 45, 40], [-6, 20, 30, 61], [0, 0, 59, 49]):
        parts = theirs(large, dlib.rectangle(*(51 * b + 25 for b in box))).parts()
        exact = (np.array([(p.x, p.y) for p in parts]) - 25) / 51
        found = ours.predict([Image(grey)], [np.array([box])]).points[0]
        assert np.abs(found - exact).max() <= 0.5 / 51 + 1e-4


def test_colour_is_made_grey_as_dlib_does(tmp_path):
    dlib = pytest.importorskip("dlib")
    write_dlib(kite_trees(5), tmp_path / "x.dat")
    theirs, ours = dlib.shape_predictor(str(tmp_path / "x.dat")), DlibPredictor.of(kite_trees(5), KITE)
    rng = np.random.default_rng(0)
    for _ in range(10):
        picture = rng.integers(0, 256, (300, 300, 3)).astype(np.uint8)
        low = rng.integers(-30, 100, 2)
        box = np.array([*low, *(low + rng.integers(80, 220, 2))])
        parts = theirs(picture, dlib.rectangle(*map(int, box))).parts()
        found = ours.predict([Image(picture)], [box[None]]).points[0]
        np.testing.assert_array_equal(np.floor(found + 0.5), [(p.x, p.y) for p in parts])


def test_a_tight_box_is_the_one_around_the_mean_shape():
    still = Cascade(**{**kite_trees().to_arrays(), "leaves": np.zeros_like(kite_trees().leaves)})
    box = np.array([[20.0, 10, 70, 90]])
    found = DlibPredictor.of(still, KITE, tight=True).predict([Image(np.zeros((100, 100), np.uint8))], [box])
    np.testing.assert_allclose(found.points[0].min(axis=0), box[0, :2], atol=1e-4)
    np.testing.assert_allclose(found.points[0].max(axis=0), box[0, 2:], atol=1e-4)


def test_trees_that_learned_from_tight_boxes_take_them_as_they_are():
    mean = np.array([[0.5, 0.02], [0.97, 0.4], [0.5, 0.99], [0.01, 0.4]])
    still = {**kite_trees().to_arrays(), "mean": mean, "leaves": np.zeros_like(kite_trees().leaves)}
    picture, box = Image(np.zeros((100, 100), np.uint8)), np.array([[20.0, 10, 70, 90]])
    found = DlibPredictor.of(Cascade(**still), KITE, tight=True).predict([picture], [box])
    np.testing.assert_allclose(found.points[0], mean * [50, 80] + [20, 10], atol=1e-4)


def test_confidence_falls_where_the_answer_hangs_on_the_box():
    calm = Cascade(**{**kite_trees().to_arrays(), "thresholds": np.full_like(kite_trees().thresholds, 255)})
    picture, box = (
        Image(np.random.default_rng(0).integers(0, 256, (90, 90)).astype(np.uint8)),
        np.array([[20, 20, 70, 70.0]]),
    )
    nervous = DlibPredictor.of(kite_trees(), KITE).predict([picture], [box])
    same = DlibPredictor.of(calm, KITE).predict([picture], [box])  # moves with its box, and with nothing else
    assert nervous.confidence.mean() < same.confidence.mean() < 1
    assert np.trace(nervous.covariance[0, 0]) > np.trace(same.covariance[0, 0]) > 0


def test_sums_that_overflow_are_a_failure_and_no_number():
    wild = Cascade(**{**kite_trees().to_arrays(), "leaves": np.full_like(kite_trees().leaves, 3e38)})
    picture, box = Image(np.zeros((90, 90), np.uint8)), np.array([[20, 20, 70, 70.0]])
    found = DlibPredictor.of(wild, KITE).predict([picture], [box])
    assert np.isnan(found.points).all()
    assert (found.confidence == 0).all()


def test_a_skeleton_of_another_size_is_refused():
    with pytest.raises(ValueError, match="4"):
        DlibPredictor.of(kite_trees(), Skeleton(("a", "b")))
