from dataclasses import replace

import numpy as np
import pytest

from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

TRIANGLE = Skeleton(("a", "b", "c"), parts={"base": (0, 1)})


def some(n=4, seed=0, **more):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 100, (n, 3, 2))
    points[0, 1] = np.nan
    return Landmarks(TRIANGLE, points, rng.uniform(0, 100, (n, 4)), np.arange(n) // 2, **more)


def full(n=4):
    rng = np.random.default_rng(1)
    return some(
        n,
        visibility=np.full((n, 3), 2),
        presence=rng.uniform(size=(n, 3)),
        confidence=rng.uniform(size=(n, 3)),
        covariance=rng.uniform(size=(n, 3, 2, 2)),
        plausible=np.ones(n),
        plausible_parts=np.zeros((n, 1)),
        plausible_points=np.ones((n, 3)),
        altered=np.zeros((n, 3)),
        score=rng.uniform(size=n),
        track_id=np.arange(n),
    )


def test_lists_become_arrays_of_the_stated_types():
    one = Landmarks(TRIANGLE, [[[1, 2], [3, 4], [5, 6]]], [[0, 0, 9, 9]], [0], visibility=[[0, 1, 3]], plausible=[1])
    assert one.points.dtype == np.float64
    assert one.boxes.dtype == np.float64
    assert one.image_index.dtype == np.int64
    assert one.visibility.dtype == np.uint8
    assert one.plausible.dtype == bool
    assert one.confidence is None


def test_labelled_is_where_both_coordinates_are():
    points = [[[1, 2], [np.nan, 2], [np.nan, np.nan]]]
    assert Landmarks(TRIANGLE, points, [[0, 0, 9, 9]], [0]).labelled.tolist() == [[True, False, False]]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("points", np.zeros((4, 2, 2)), r"\(4, 2, 2\); expected \(N, 3, 2 or 3\)"),
        ("points", np.zeros((3, 2)), "expected"),
        ("points", np.zeros((4, 3, 4)), "expected"),
        ("boxes", np.zeros((3, 4)), r"expected \(4, 4\)"),
        ("boxes", np.zeros((4, 5)), "expected"),
        ("image_index", np.zeros(3), r"expected \(4,\)"),
        ("confidence", np.zeros(4), r"confidence has shape \(4,\); expected \(4, 3\)"),
        ("covariance", np.zeros((4, 3, 3, 3)), r"expected \(4, 3, 2, 2\)"),
        ("plausible_parts", np.zeros((4, 3)), r"expected \(4, 1\)"),
        ("score", np.zeros((4, 1)), r"expected \(4,\)"),
    ],
)
def test_an_array_that_does_not_fit_is_named(field, value, words):
    with pytest.raises(ValueError, match=words):
        replace(some(), **{field: value})


def test_depth_goes_with_boxes_of_the_picture_or_of_the_volume():
    for box_columns in (4, 6):
        one = Landmarks(
            TRIANGLE, np.zeros((2, 3, 3)), np.zeros((2, box_columns)), [0, 0], covariance=np.zeros((2, 3, 3, 3))
        )
        assert one.points.shape == (2, 3, 3)


@pytest.mark.parametrize("rows", [[2, 0], np.array([True, False, True, False]), [], slice(None)])
def test_take_keeps_every_array_in_step(rows):
    everything = full()
    index = np.arange(4)[rows if isinstance(rows, slice) else np.asarray(rows, bool if len(rows) == 4 else int)]
    taken = everything.take(index if isinstance(rows, slice) else rows)
    assert len(taken) == len(index)
    for name in everything._arrays():
        np.testing.assert_array_equal(getattr(taken, name), getattr(everything, name)[index], err_msg=name)


def test_concatenating_what_was_taken_apart():
    everything = full()
    assert Landmarks.concatenate([everything.take([0]), everything.take([1, 2, 3])]).equals(everything)


def test_concatenating_keeps_only_what_all_have():
    both = Landmarks.concatenate([some(score=np.ones(4), confidence=np.ones((4, 3))), some(score=np.zeros(4))])
    assert both.score.tolist() == [1] * 4 + [0] * 4
    assert both.confidence is None


def test_different_skeletons_do_not_mix():
    with pytest.raises(ValueError, match="different skeletons"):
        Landmarks.concatenate([some(), Landmarks.empty(Skeleton.anonymous(3))])
    with pytest.raises(ValueError, match="nothing"):
        Landmarks.concatenate([])


def test_empty_fits_to_others():
    empty = Landmarks.empty(TRIANGLE)
    assert len(empty) == 0
    assert Landmarks.concatenate([empty, some()]).equals(some())
    assert Landmarks.empty(TRIANGLE, 3, 3).boxes.shape == (0, 6)


def test_equality_knows_nan_and_every_array():
    assert full().equals(full())
    for name in full()._arrays():
        other = getattr(full(), name).copy()
        flat = other.reshape(-1)
        flat[-1] = not flat[-1]
        assert not full().equals(replace(full(), **{name: other})), name
    assert not full().equals(replace(full(), score=None))
    assert not some().equals(some().take([0, 1]))
    assert not some().equals("landmarks")


def test_rows_can_be_said_of_other_images():
    moved = some().with_image_index([3, 3, 3, 9])
    assert moved.image_index.tolist() == [3, 3, 3, 9]
    np.testing.assert_array_equal(moved.points, some().points)
