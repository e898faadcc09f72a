import numpy as np
import pytest

from cairn.points.clustering.choose import chosen_landmarks
from cairn.points.selectors import SELECTORS, RandomLandmarks

ROWS = np.random.default_rng(0).normal(size=(50, 3))


def test_half_of_a_small_table_by_itself():
    assert len(chosen_landmarks("hybrid", None, ROWS, 0, 2)) == 25
    assert len(chosen_landmarks("hybrid", None, np.repeat(ROWS[:10], 100, axis=0), 0, 2)) == 5


def test_a_selector_keeps_its_own_number():
    assert len(chosen_landmarks(RandomLandmarks(7), None, ROWS, 0, 2)) == 7
    assert len(chosen_landmarks(RandomLandmarks(7), 9, ROWS, 0, 2)) == 9


def test_given_landmarks_are_taken_without_copies():
    np.testing.assert_array_equal(chosen_landmarks(ROWS[[3, 3, 1]], None, ROWS, 0, 2), ROWS[[3, 1]])


@pytest.mark.parametrize("name", list(SELECTORS))
def test_every_name_chooses_without_a_number(name):
    assert 2 <= len(chosen_landmarks(name, None, ROWS, 0, 2)) <= 50


def test_means_that_single_precision_rounds_to_one_point_are_one_landmark():
    far = (np.random.default_rng(0).normal(size=(400, 2)) + 4e6).astype(np.float32)  # a grid of 1/4
    found = chosen_landmarks("kmeans", None, far, 0, 2)
    different = len(np.unique(far, axis=0))
    assert different / 4 < len(found) <= (different + 1) // 2
    assert len(np.unique(found, axis=0)) == len(found)


@pytest.mark.parametrize(
    ("selector", "n_landmarks", "rows", "message"),
    [
        ("hybrid", 51, ROWS, "n_landmarks=51 is more than n_samples=50"),
        ("hybrid", 0, ROWS, "n_landmarks=0: expected a whole number"),
        ("nearest", None, ROWS, "expected a selector or one of"),
        (ROWS[:, :2], None, ROWS, "landmarks have 2 columns, X has 3 features"),
        (ROWS * np.nan, None, ROWS, "NaN"),
        ("hybrid", None, np.ones((1000, 3)), "Found 1 distinct rows"),
        (ROWS[:1], None, ROWS, "Found 1 distinct landmarks"),
    ],
)
def test_what_cannot_be_done_is_said(selector, n_landmarks, rows, message):
    with pytest.raises(ValueError, match=message):
        chosen_landmarks(selector, n_landmarks, rows, 0, 2)
