import numpy as np

from cairn.points.checks import check_selector
from cairn.points.selectors.hybrid import HybridLandmarks
from cairn.points.selectors.random import RandomLandmarks


def mean_square(rows, points):
    return (np.linalg.norm(rows[:, None] - points, axis=-1).min(axis=1) ** 2).mean()


def test_keeps_the_contract():
    check_selector(HybridLandmarks(5))


def test_stands_nearer_to_the_rows_than_random_landmarks():
    rows = np.random.default_rng(0).normal(size=(1500, 4))
    hybrid = HybridLandmarks(60, random_state=0).fit(rows).points_
    random = RandomLandmarks(60, random_state=0).fit(rows).points_
    assert mean_square(rows, hybrid) < 0.8 * mean_square(rows, random)


def test_distinct_rows_are_found_among_copies():
    rows = np.concatenate([np.zeros((5000, 2)), np.random.default_rng(0).normal(size=(30, 2))])
    points = HybridLandmarks(20, random_state=0).fit(rows).points_
    assert len(np.unique(points, axis=0)) == 20
