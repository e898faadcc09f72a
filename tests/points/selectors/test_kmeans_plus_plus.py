"""Seeds of k-means++."""

import numpy as np

from cairn.points import KMeansPlusPlusLandmarks


def test_the_second_is_drawn_by_squared_distance_to_the_first():
    X = np.array([[0.0], [1], [3]])
    follows = np.zeros((3, 3))
    for seed in range(3000):
        first, second = KMeansPlusPlusLandmarks(2, random_state=seed).fit(X).indices_
        follows[first, second] += 1
    share = follows / follows.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(share, [[0, 0.1, 0.9], [0.2, 0, 0.8], [9 / 13, 4 / 13, 0]], atol=0.06)


def test_a_small_far_group_is_not_missed():
    X = np.concatenate([np.random.default_rng(0).normal(size=(1000, 2)), [[1000.0, 1000]]])
    found = [1000 in KMeansPlusPlusLandmarks(3, random_state=seed).fit(X).indices_ for seed in range(20)]
    assert all(found)
