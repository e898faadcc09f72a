import json
import time
from dataclasses import replace

import numpy as np
import pytest

from cairn.calibration.confidence import Calibration, reference_lengths
from cairn.errors import InputError
from cairn.landmarks import Landmarks
from cairn.metrics.calibration import auroc, ece
from cairn.metrics.distance import point_errors
from cairn.skeleton import Skeleton

EYES = Skeleton(names=("left", "right", "nose", "mouth"), normalisers={"inter_ocular": ((0,), (1,))})
SHAPE = np.array([[0, 0], [100, 0], [50, 50], [50, 90]], float)
SPREAD = np.array([1.0, 1.0, 2.0, 3.0])  # px, of each point in an easy row


def made(rows, seed, *, overconfident=1.0, skeleton=EYES, raw=True):
    """Predictions whose true spread is known; the detector states it too small by the factor `overconfident`."""
    rng = np.random.default_rng(seed)
    truth = SHAPE + rng.uniform(-50, 50, (rows, 1, 2))
    spread = SPREAD * np.exp(rng.normal(0.5, 0.5, (rows, 1)) + rng.normal(0, 0.4, (rows, 4)))
    points = truth + rng.normal(size=truth.shape) * spread[..., None]
    boxes = np.tile([-60.0, -60, 160, 150], (rows, 1))
    stated = spread / overconfident
    covariance = stated[..., None, None] ** 2 * np.eye(2)
    confidence = 1 / (1 + stated) if raw else None
    predicted = Landmarks(skeleton, points, boxes, np.arange(rows), confidence=confidence, covariance=covariance)
    return predicted, Landmarks(skeleton, truth, boxes, np.arange(rows))


def outcomes(predicted, truth, threshold=0.05):
    return point_errors(predicted.points, truth.points) < threshold * reference_lengths(truth)[:, None]


@pytest.mark.parametrize(("rows", "bound"), [(1000, 0.02), (150, 0.05), (30, 0.09)])
def test_confidence_keeps_its_word_on_fresh_data(rows, bound):
    calibration = Calibration.fit(*made(rows, 0, overconfident=4))
    predicted, truth = made(3000, 1, overconfident=4)
    right = outcomes(predicted, truth)
    assert ece(predicted.confidence, right) > 0.12  # what the detector says itself
    assert ece(calibration.apply(predicted).confidence, right) < bound


def test_it_knows_the_bad_points_from_the_good():
    calibration = Calibration.fit(*made(300, 0))
    predicted, truth = made(2000, 1)
    assert auroc(calibration.apply(predicted).confidence, outcomes(predicted, truth)) > 0.8


def test_covariance_becomes_as_large_as_the_errors():
    calibration = Calibration.fit(*made(400, 0, overconfident=4))
    np.testing.assert_allclose(calibration.covariance_scale, 16, rtol=0.2)
    predicted, truth = made(2000, 1, overconfident=4)
    offset = predicted.points - truth.points
    covariance = calibration.apply(predicted).covariance
    square = np.einsum("nki,nkij,nkj->nk", offset, np.linalg.inv(covariance), offset)
    np.testing.assert_allclose(square.mean(axis=0), 2, rtol=0.2)


def test_a_few_gross_errors_do_not_swell_every_region():
    predicted, truth = made(400, 0)
    clean = Calibration.fit(predicted, truth).covariance_scale
    points = predicted.points.copy()
    points[::50] += 1000
    np.testing.assert_allclose(
        Calibration.fit(replace(predicted, points=points), truth).covariance_scale, clean, rtol=0.2
    )


def test_more_spread_never_gives_more_confidence():
    calibration = Calibration.fit(*made(400, 0, raw=False))
    predicted, _ = made(1, 3, raw=False)
    covariance = np.linspace(0.1, 400, 200)[:, None, None, None] * np.ones((1, 4, 1, 1)) * np.eye(2)
    row = predicted.take(np.zeros(200, int))
    confidence = calibration.apply(replace(row, covariance=covariance)).confidence
    assert (np.diff(confidence, axis=0) < 0).all()


def test_a_misleading_detector_does_not_turn_the_scale():
    predicted, truth = made(300, 0)
    upside_down = replace(predicted, covariance=1 / predicted.covariance.clip(1e-9) * np.eye(2), confidence=None)
    calibration = Calibration.fit(upside_down, truth)
    assert (calibration.slopes == 0).all()


def test_five_rows_give_something_sensible():
    calibration = Calibration.fit(*made(5, 0))
    predicted, truth = made(500, 1)
    confidence = calibration.apply(predicted).confidence
    assert ((confidence > 0) & (confidence < 1)).all()
    assert ece(confidence, outcomes(predicted, truth)) < 0.25


def test_nothing_ever_went_wrong_is_not_a_promise():
    predicted, truth = made(5, 0)
    exact = replace(predicted, points=truth.points)
    confidence = Calibration.fit(exact, truth).apply(exact).confidence
    assert ((confidence > 0.7) & (confidence < 0.99)).all()
    many, truth = made(1000, 0)
    many = replace(many, points=truth.points)
    assert Calibration.fit(many, truth).apply(many).confidence.min() > 0.97


def test_points_without_a_place_have_confidence_0_and_labels_may_be_missing():
    predicted, truth = made(200, 0)
    holes, missing = predicted.points.copy(), truth.points.copy()
    holes[::3, 2] = np.nan
    missing[1::3, 0] = np.nan  # an eye, so the reference is not known either
    predicted, truth = replace(predicted, points=holes), replace(truth, points=missing)
    found = Calibration.fit(predicted, truth).apply(predicted)
    assert (found.confidence[::3, 2] == 0).all()
    assert np.isfinite(found.confidence).all()
    assert (found.confidence[predicted.labelled] > 0).all()


def test_a_covariance_that_is_missing_or_flat_does_no_harm():
    predicted, truth = made(50, 0)
    covariance = predicted.covariance.copy()
    covariance[0] = np.nan
    covariance[1] = 0
    covariance[2, :, 0, 0] = 0
    predicted = replace(predicted, covariance=covariance)
    calibration = Calibration.fit(predicted, truth)
    assert np.isfinite(calibration.covariance_scale).all()
    assert np.isfinite(calibration.apply(predicted).confidence).all()


def test_a_detector_without_any_figure_gets_each_points_rate():
    predicted, truth = made(1000, 0, raw=False)
    predicted = replace(predicted, covariance=None)
    found = Calibration.fit(predicted, truth).apply(predicted)
    assert found.covariance is None
    np.testing.assert_allclose(found.confidence[0], outcomes(predicted, truth).mean(axis=0), atol=0.03)


def test_without_normaliser_the_box_is_the_yardstick():
    plain = Skeleton.anonymous(4)
    predicted, truth = made(10, 0, skeleton=plain)
    assert reference_lengths(truth) == pytest.approx(np.full(10, np.sqrt(220 * 210)))
    assert Calibration.fit(predicted, truth).normaliser == "box_size"
    assert Calibration.fit(*made(10, 0)).normaliser == "inter_ocular"


def test_moving_and_enlarging_the_picture_changes_no_confidence():
    calibration = Calibration.fit(*made(200, 0))
    predicted, _ = made(20, 1)
    larger = replace(predicted, points=predicted.points * 3 + 40, covariance=predicted.covariance * 9)
    np.testing.assert_allclose(calibration.apply(larger).confidence, calibration.apply(predicted).confidence)


@pytest.mark.parametrize("rows", [5, 500])
def test_json_loses_nothing(rows):
    calibration = Calibration.fit(*made(rows, 0))
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert again.equals(calibration)
    predicted, _ = made(20, 1)
    assert again.apply(predicted).equals(calibration.apply(predicted))


def test_damaged_json_is_refused():
    data = Calibration.fit(*made(5, 0)).to_json()
    for wrong in ({"slopes": [1.0]}, {"slopes": "much"}, {"intercepts": [[1.0]]}, {"colour": 1}):
        with pytest.raises(InputError, match="damaged"):
            Calibration.from_json({**data, **wrong})


def test_nothing_to_learn_from_is_said():
    predicted, truth = made(5, 0)
    with pytest.raises(InputError, match="both labelled and predicted"):
        Calibration.fit(predicted, replace(truth, points=truth.points * np.nan))


def test_other_points_are_refused():
    calibration = Calibration.fit(*made(5, 0))
    with pytest.raises(ValueError, match="4 points cannot be applied to 2"):
        calibration.apply(Landmarks.empty(Skeleton.anonymous(2)))


def test_no_rows_stay_no_rows():
    assert len(Calibration.fit(*made(5, 0)).apply(Landmarks.empty(EYES))) == 0


def test_a_thousand_rows_take_milliseconds():
    calibration = Calibration.fit(*made(200, 0))
    predicted, _ = made(1000, 1)
    start = time.perf_counter()
    calibration.apply(predicted)
    assert time.perf_counter() - start < 0.5


def test_the_box_that_the_detector_was_given_changes_nothing():
    plain = Skeleton.anonymous(4)
    predicted, truth = made(100, 0, skeleton=plain)
    calibration = Calibration.fit(predicted, truth)
    whole = replace(predicted, boxes=np.tile([-0.5, -0.5, 1999.5, 1499.5], (100, 1)))
    assert np.array_equal(calibration.apply(whole).confidence, calibration.apply(predicted).confidence)


def test_three_rows_alike_do_not_make_certainty_of_a_fourth():
    truth = SHAPE + np.zeros((3, 1, 1))
    points = truth + np.array([[[3.0, 0]], [[4, 0]], [[9, 0]]])
    spread = np.array([9.9, 9.95, 10.0])[:, None] * np.ones(4)
    covariance = spread[..., None, None] ** 2 * np.eye(2)
    boxes = np.tile([0.0, 0, 100, 90], (3, 1))
    predicted = Landmarks(EYES, points, boxes, np.arange(3), covariance=covariance)
    calibration = Calibration.fit(predicted, Landmarks(EYES, truth, boxes, np.arange(3)))
    for factor in (0.97, 1.03):  # of the spread
        confidence = calibration.apply(replace(predicted, covariance=covariance * factor**2)).confidence
        assert ((confidence > 0.2) & (confidence < 0.9)).all()
