"""Farthest first."""

import numpy as np
from scipy.spatial.distance import cdist

from cairn.points import MaxMinLandmarks


def test_each_landmark_is_the_farthest_from_those_before():
    X = np.random.default_rng(0).normal(size=(200, 3))
    chosen = MaxMinLandmarks(20, random_state=0).fit(X).indices_
    distances = cdist(X, X)
    for i in range(1, 20):
        assert chosen[i] == distances[:, chosen[:i]].min(axis=1).argmax()


def test_ends_of_a_line_come_first():
    X = np.linspace(0, 1, 101)[:, None]
    chosen = MaxMinLandmarks(5, random_state=0).fit(X).indices_
    assert {0, 100} <= set(chosen[1:3]) | {chosen[0]}
    gaps = np.diff(np.sort(X[chosen, 0]))
    assert gaps.max() <= 0.51
