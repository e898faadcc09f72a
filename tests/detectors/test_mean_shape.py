import numpy as np
import pytest

from cairn.detectors.checks import check_detector
from cairn.detectors.mean_shape import MeanShape
from cairn.errors import InputError
from cairn.landmarks import Landmarks
from tests.conftest import KITE, draw_kites


def test_keeps_the_contract():
    check_detector(MeanShape, draw_kites(6))


def test_keeps_the_contract_on_the_whole_picture():
    check_detector(lambda: MeanShape(uses_box=False), draw_kites(6, share=0.8, wander=0.1))


def test_points_are_the_average_in_units_of_the_box(kites):
    one = kites.take([0])
    detector = MeanShape().fit(one)
    found = detector.predict([kites.images[0]], [np.array([[0.0, 0.0, 10.0, 20.0]])])
    points, box = one.landmarks.points[0], one.landmarks.boxes[0]
    expected = (points - box[:2]) / (box[2:] - box[:2]) * [10, 20]
    assert np.allclose(found.points[0], expected)


def test_a_point_that_is_never_labelled_is_never_found(kites):
    points = kites.landmarks.points.copy()
    points[:, 2] = np.nan
    labels = Landmarks(KITE, points, kites.landmarks.boxes, kites.landmarks.image_index)
    data = type(kites)(kites.images, labels)
    found = MeanShape().fit(data).predict([kites.images[0]], [kites.boxes[0]])
    assert np.isnan(found.points[0, 2]).all()
    assert found.confidence[0, 2] == 0
    assert np.isfinite(found.points[0, [0, 1, 3]]).all()


def test_unlabelled_rows_do_not_move_the_mean(kites):
    points = kites.landmarks.points.copy()
    points[1:, 0] = np.nan
    labels = Landmarks(KITE, points, kites.landmarks.boxes, kites.landmarks.image_index)
    found = MeanShape().fit(type(kites)(kites.images, labels)).predict([kites.images[0]], [kites.boxes[0]])
    assert np.allclose(found.points[0, 0], kites.landmarks.points[0, 0])


def test_covariance_is_the_spread_in_pixels():
    data = draw_kites(200)
    detector = MeanShape().fit(data)
    found = detector.predict(list(data.images), data.boxes)
    error = found.points - data.landmarks.points
    observed = np.einsum("nki,nkj->kij", error, error) / len(error)
    assert np.allclose(found.covariance.mean(axis=0), observed, rtol=0.3, atol=0.05)


def test_nothing_to_learn_from_is_said(kites):
    labels = Landmarks(
        KITE, np.full_like(kites.landmarks.points, np.nan), kites.landmarks.boxes, kites.landmarks.image_index
    )
    with pytest.raises(InputError, match="nothing to learn"):
        MeanShape().fit(type(kites)(kites.images, labels))
