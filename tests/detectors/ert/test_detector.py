from dataclasses import replace

import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.detectors.checks import check_detector
from cairn.detectors.contract import Run
from cairn.detectors.ert.detector import Ert
from cairn.detectors.mean_shape import MeanShape
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton
from tests.conftest import draw_kites

SMALL = {"stages": 4, "trees": 25, "oversampling": 8, "size": 40, "pixels": 80}


def small(**more):
    return Ert(**{**SMALL, **more})


def error(found, data):
    return np.linalg.norm(found.points - data.landmarks.points, axis=-1).mean()


@pytest.fixture(scope="module")
def data():
    return draw_kites(60)


@pytest.fixture(scope="module")
def fresh():
    return draw_kites(20, seed=5)


@pytest.fixture(scope="module")
def fitted(data):
    return small().fit(data)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"starts": 3, "second": 0.05},
        {"leaves": "float32", "rank": 0, "turned": True, "mirrored": False, "averaging": 2, "share": 0.5},
    ],
)
def test_keeps_the_contract(settings):
    check_detector(lambda: small(**settings), draw_kites(8))


def test_keeps_the_contract_on_the_whole_picture():
    check_detector(lambda: small(uses_box=False), draw_kites(8, share=0.8, wander=0.1))


def test_beats_the_mean_shape_by_far_on_new_pictures(data, fresh, fitted):
    images, boxes = (
        list(fresh.images),
        [box_geometry.shift(b, 0.1, np.random.default_rng(i)) for i, b in enumerate(fresh.boxes)],
    )
    mean = MeanShape().fit(data).predict(images, boxes)
    assert error(fitted.predict(images, boxes), fresh) < 0.5 * error(mean, fresh)


def test_int8_leaves_answer_as_float_leaves_do(data, fresh):
    whole, exact = (small(leaves=kind).fit(data) for kind in ("int8", "float32"))
    images, boxes = list(fresh.images), fresh.boxes
    assert abs(error(whole.predict(images, boxes), fresh) - error(exact.predict(images, boxes), fresh)) < 0.2


def test_a_point_without_labels_in_some_pictures_is_learnt_from_the_others(data, fresh):
    points = data.landmarks.points.copy()
    points[::2, 1] = np.nan
    some = Dataset(data.images, replace(data.landmarks, points=points))
    found = small().fit(some).predict(list(fresh.images), fresh.boxes)
    away = np.linalg.norm(found.points - fresh.landmarks.points, axis=-1).mean(axis=0)
    assert away[1] < 2 * away[[0, 2, 3]].mean() + 0.3


def test_a_point_that_is_never_labelled_is_never_found(data, fresh):
    points = data.landmarks.points.copy()
    points[:, 1] = np.nan
    some = Dataset(data.images, replace(data.landmarks, points=points))
    found = small().fit(some).predict(list(fresh.images), fresh.boxes)
    assert np.isnan(found.points[:, 1]).all()
    assert (found.confidence[:, 1] == 0).all()
    assert np.isfinite(found.points[:, [0, 2, 3]]).all()


def test_one_point_alone_can_be_learnt():
    data = draw_kites(40)
    one = Skeleton(("top",), name="one")
    labels = data.landmarks
    tops = Landmarks(one, labels.points[:, :1], labels.boxes, labels.image_index)
    detector = small().fit(Dataset(data.images, tops))
    found = detector.predict(list(data.images), tops_boxes(tops))
    assert np.linalg.norm(found.points - tops.points, axis=-1).mean() < 1.5


def tops_boxes(labels):
    return [labels.boxes[i : i + 1] for i in range(len(labels))]


def test_the_same_seed_gives_the_same_trees_on_any_number_of_threads(data):
    import numba

    few = data.take_images(range(10))
    many = small(trees=5).fit(few)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = small(trees=5).fit(few)
    finally:
        numba.set_num_threads(threads)
    other = small(trees=5).fit(few, run=Run(seed=1))
    for name, array in many.cascade_.to_arrays().items():
        assert np.array_equal(array, one.cascade_.to_arrays()[name]), name
    assert not np.array_equal(many.cascade_.leaves, other.cascade_.leaves)


def test_a_picture_twice_as_large_gives_points_twice_as_far(fresh, fitted):
    import cv2

    image, box = fresh.images[0], fresh.boxes[0]
    large = Image(cv2.resize(image.pixels, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR))
    here = fitted.predict([image], [box]).points
    there = fitted.predict([large], [2 * box + 0.5]).points
    assert np.abs(there - (2 * here + 0.5)).mean() < 1.0


def test_the_mirrored_picture_gives_mirrored_points(fresh, fitted):
    image, box = fresh.images[0], fresh.boxes[0]
    width = image.size[0]
    mirror = Image(np.ascontiguousarray(image.pixels[:, ::-1]))
    turned = np.array([[width - 1 - box[0, 2], box[0, 1], width - 1 - box[0, 0], box[0, 3]]])
    here = fitted.predict([image], [box]).points[0]
    there = fitted.predict([mirror], [turned]).points[0][list(fresh.skeleton.flip)]
    there[:, 0] = width - 1 - there[:, 0]
    assert np.abs(here - there).max() < 0.6


def test_a_search_that_starts_at_the_truth_stays_near(fresh, fitted):
    found = fitted.predict(list(fresh.images), fresh.boxes, init=fresh.landmarks.points)
    assert error(found, fresh) < 1.5


def test_steps_are_trees(data):
    few = data.take_images(range(6))
    detector = small().fit(few, run=Run(steps=20))
    assert detector.cascade_.n_trees == 5
    assert detector.fitted_.steps == 20


def test_minutes_that_are_too_few_grow_fewer_trees(data):
    few = data.take_images(range(6))
    small(trees=1).fit(few)  # compiles
    detector = small(trees=4000).fit(few, run=Run(minutes=0.01))
    assert detector.cascade_.n_trees < 4000


def test_walls_get_little_confidence(fresh, fitted):
    rng = np.random.default_rng(0)
    noise = [Image(rng.integers(90, 110, i.pixels.shape).astype(np.uint8)) for i in fresh.images]
    on_walls = fitted.predict(noise, fresh.boxes).confidence.mean()
    assert on_walls < 0.3 < 0.6 < fitted.predict(list(fresh.images), fresh.boxes).confidence.mean()


def test_views_that_disagree_widen_the_covariance(fresh, fitted):
    several = Ert.from_state(fitted.state())
    several.starts = 5
    several._prepare()
    one = Ert.from_state(fitted.state())
    one.mirrored = False
    one._prepare()
    images, boxes = list(fresh.images), fresh.boxes
    more = several.predict(images, boxes).covariance - one.predict(images, boxes).covariance
    assert (np.linalg.eigvalsh(more) > -1e-9).all()
    assert np.trace(more, axis1=-2, axis2=-1).min() > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"depth": 0}, "at least 1"),
        ({"depth": 30}, "at most"),
        ({"leaves": "int4"}, "int8 or float32"),
        ({"shrinkage": 0}, "above 0"),
    ],
)
def test_settings_that_cannot_be_used_are_said(settings, words):
    with pytest.raises(InputError, match=words):
        small(**settings).fit(draw_kites(2))


def test_nothing_to_learn_from_is_said(kites):
    labels = replace(kites.landmarks, points=np.full_like(kites.landmarks.points, np.nan))
    with pytest.raises(InputError, match="nothing to learn"):
        small().fit(Dataset(kites.images, labels))


def test_a_box_at_the_edge_and_beyond_gives_finite_points(fitted):
    image = ImageList([draw_kites(1).images[0]])[0]
    boxes = np.array([[-30.0, -30, 20, 20], [110, 90, 160, 150], [5000, 5000, 5100, 5100], [-1e4, -1e4, 1e4, 1e4]])
    assert np.isfinite(fitted.predict([image], [boxes]).points).all()
