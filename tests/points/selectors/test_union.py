"""Two selectors together."""

import numpy as np

from cairn.points import KMeansLandmarks, LocalLandmarks, MaxMinLandmarks, RandomLandmarks, UnionLandmarks


def test_holds_both_and_no_row_twice():
    X = np.random.default_rng(0).normal(size=(100, 2))
    first, second = RandomLandmarks(30, random_state=0), MaxMinLandmarks(30, random_state=0)
    found = UnionLandmarks(first, second).fit(X)
    expected = set(first.fit(X).indices_) | set(second.fit(X).indices_)
    assert set(found.indices_) == expected
    assert len(found.indices_) == len(expected) < 60
    assert set(found.indices_[found.sources_ == 0]) == set(first.indices_)


def test_labels_reach_the_local_part():
    X = np.concatenate([np.random.default_rng(0).normal(size=(500, 2)), [[0.1, 0.1], [0.2, 0.2]]])
    y = np.repeat([0, 1], [500, 2])
    local = LocalLandmarks(4, regions="y")
    assert {500, 501} <= set(UnionLandmarks(RandomLandmarks(5), local, random_state=0).fit(X, y).indices_)


def test_rows_and_means():
    X = np.random.default_rng(0).normal(size=(100, 2))
    found = UnionLandmarks(RandomLandmarks(5), KMeansLandmarks(6), random_state=0).fit(X)
    assert found.indices_ is None
    assert found.points_.shape == (11, 2)


def test_settings_of_the_parts_are_reached():
    union = UnionLandmarks(RandomLandmarks(5), MaxMinLandmarks(6)).set_params(second__n_landmarks=9)
    assert union.get_params()["second__n_landmarks"] == 9
