import numpy as np

from cairn.evaluation.checks.handedness import minority


def test_nobody_is_accused_where_objects_have_no_handedness():
    flat = np.random.default_rng(0).normal(size=(50, 6, 2)) * [10, 0.1]
    assert not minority(flat).any()


def test_the_few_are_the_minority_whichever_hand_it_is(good):
    points = good.landmarks.points.copy()
    points[:7] *= [-1, 1]
    assert np.flatnonzero(minority(points)).tolist() == list(range(7))
    assert np.flatnonzero(minority(points * [-1, 1])).tolist() == list(range(7))


def test_too_few_points_have_no_hand():
    assert not minority(np.random.default_rng(0).normal(size=(20, 2, 2))).any()
