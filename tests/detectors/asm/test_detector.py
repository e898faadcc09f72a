from dataclasses import replace

import numpy as np
import pytest

from cairn.detectors.asm.detector import Asm
from cairn.detectors.checks import check_detector
from cairn.detectors.mean_shape import MeanShape
from cairn.errors import InputError
from cairn.geometry import boxes
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.model import Model
from cairn.model_file import load
from cairn.skeleton import Skeleton
from tests.conftest import KITE, draw_kites

QUICK = {"sizes": (24, 40), "windows": ((6, 5), (4,)), "steps": 200, "places": 20, "components": 32, "hinges": 7}
QUICK_PROFILES = {"matcher": "profiles", "sizes": (24, 40), "windows": ((6, 6, 6), (4, 4))}
SIZE = {"size": (160, 140), "share": 0.45}


@pytest.fixture(scope="module")
def data():
    return draw_kites(30, seed=1, **SIZE)


@pytest.fixture(scope="module")
def test_data():
    return draw_kites(10, seed=2, **SIZE)


@pytest.fixture(scope="module")
def descriptors(data):
    return Asm(**QUICK).fit(data)


@pytest.fixture(scope="module")
def profiles(data):
    return Asm(**QUICK_PROFILES).fit(data)


@pytest.fixture(params=["descriptors", "profiles"])
def fitted(request):
    return request.getfixturevalue(request.param)


def shifted(data, share):
    moved = boxes.shift(data.landmarks.boxes, share, np.random.default_rng(0))
    return [moved[i : i + 1] for i in range(len(moved))]


def error(detector, data, given):
    found = detector.predict(list(data.images), given)
    return np.linalg.norm(found.points - data.landmarks.points, axis=-1).mean()


@pytest.mark.parametrize("settings", [QUICK, QUICK_PROFILES], ids=["descriptors", "profiles"])
def test_keeps_the_contract(settings):
    check_detector(lambda: Asm(**settings), draw_kites(8, **SIZE))


def test_keeps_the_contract_on_the_whole_picture():
    check_detector(lambda: Asm(uses_box=False, **QUICK), draw_kites(8, share=0.8, wander=0.1))


def test_beats_the_mean_shape_where_boxes_are_off(fitted, data, test_data):
    given = shifted(test_data, 0.1)
    assert error(fitted, test_data, given) < 0.35 * error(MeanShape().fit(data), test_data, given)


def test_brightness_and_contrast_change_little(fitted, test_data):
    plain = fitted.predict(list(test_data.images), test_data.boxes)
    paler = [Image((i.pixels // 2 + 60).astype(np.uint8)) for i in test_data.images]
    other = fitted.predict(paler, test_data.boxes)
    assert np.linalg.norm(plain.points - other.points, axis=-1).mean() < 0.7


def test_a_hidden_corner_is_filled_in_and_said_to_be_unsure(descriptors, test_data):
    found = descriptors.predict(list(test_data.images), test_data.boxes)
    covered = []
    for image, points in zip(test_data.images, test_data.landmarks.points, strict=True):
        pixels = image.pixels.copy()
        x, y = np.round(points[1]).astype(int)
        pixels[max(y - 9, 0) : y + 10, max(x - 9, 0) : x + 10] = 30
        covered.append(Image(pixels))
    hidden = descriptors.predict(covered, test_data.boxes)
    away = np.linalg.norm(hidden.points - test_data.landmarks.points, axis=-1)
    side = np.sqrt(boxes.sides(test_data.landmarks.boxes).prod(axis=1))
    assert (away[:, 1] / side).mean() < 0.12
    spread = [np.trace(f.covariance[:, 1], axis1=1, axis2=2).mean() for f in (found, hidden)]
    assert spread[1] > 1.2 * spread[0]
    assert hidden.confidence[:, 1].mean() < found.confidence[:, 1].mean()


def test_an_empty_picture_gets_low_confidence(fitted, test_data):
    found = fitted.predict(list(test_data.images), test_data.boxes)
    rng = np.random.default_rng(0)
    empty = [Image(rng.integers(0, 60, i.pixels.shape).astype(np.uint8)) for i in test_data.images]
    nothing = fitted.predict(empty, test_data.boxes)
    assert nothing.confidence.mean() < found.confidence.mean() - 0.3


def test_shapes_stay_within_their_limit(fitted, test_data):
    rng = np.random.default_rng(0)
    empty = [Image(rng.integers(0, 255, i.pixels.shape).astype(np.uint8)) for i in test_data.images]
    found = fitted.predict(empty, test_data.boxes)
    model = fitted.shape_
    scores = np.abs(model.transform(found.points)) / np.sqrt(model.variances_)
    assert scores.max() < 3.5  # the limit is 3; noise and the linear pose add a little


def test_a_starting_shape_is_where_the_search_begins(fitted, test_data):
    far = [b + np.tile(3 * boxes.sides(b), 2) for b in test_data.boxes]
    near = fitted.predict(list(test_data.images), far, init=test_data.landmarks.points)
    without = fitted.predict(list(test_data.images), far)
    away = [np.linalg.norm(f.points - test_data.landmarks.points, axis=-1).mean() for f in (near, without)]
    assert away[1] > 30
    assert away[0] < 0.5 * away[1]


def test_no_edges_and_points_that_are_missing(data, test_data):
    skeleton = Skeleton.anonymous(4)
    points = data.landmarks.points.copy()
    points[::3, 1] = np.nan
    points[:, 2] = np.nan  # never labelled
    labels = replace(data.landmarks, skeleton=skeleton, points=points)
    for settings in (QUICK, QUICK_PROFILES):
        found = Asm(**settings).fit(replace(data, landmarks=labels)).predict(list(test_data.images), test_data.boxes)
        assert np.isnan(found.points[:, 2]).all()
        assert (found.confidence[:, 2] == 0).all()
        left = [0, 1, 3]
        away = np.linalg.norm(found.points - test_data.landmarks.points, axis=-1)[:, left]
        assert away.mean() < 4


def test_labels_that_all_lie_to_one_side_are_followed(data, test_data):
    """Mirror images cannot teach that; the kite's flip is on."""
    aside = [2.5, 0.0]
    labels = replace(data.landmarks, points=data.landmarks.points + aside)
    found = Asm(**QUICK_PROFILES).fit(replace(data, landmarks=labels)).predict(list(test_data.images), test_data.boxes)
    away = (found.points - test_data.landmarks.points)[..., 0].mean()
    assert abs(away - aside[0]) < 1


def test_a_model_file_holds_it(descriptors, test_data, tmp_path):
    path = tmp_path / "kite.cairn"
    Model(descriptors, KITE).save(path)
    found = load(path).predict(list(test_data.images), test_data.boxes)
    assert np.array_equal(found.points, descriptors.predict(list(test_data.images), test_data.boxes).points)


def test_too_little_to_learn_from_is_said(data):
    with pytest.raises(InputError, match="needs 2"):
        Asm(**QUICK).fit(data.take([0]))
    with pytest.raises(InputError, match="no matcher"):
        Asm(matcher="sift").fit(data)
    with pytest.raises(InputError, match="3 sizes and 1 lists"):
        Asm(windows=((3,),)).fit(data)
    labels = data.landmarks
    nothing = Landmarks(KITE, np.full_like(labels.points, np.nan), labels.boxes, labels.image_index)
    with pytest.raises(InputError, match="0 rows"):
        Asm(**QUICK).fit(replace(data, landmarks=nothing))
