"""Determinantal points."""

from itertools import combinations

import numpy as np
import pytest

from cairn.points import DPPLandmarks, GreedyDPPLandmarks, RandomLandmarks


def test_sets_come_up_in_proportion_to_their_determinant():
    X = np.array([[0.0], [0.3], [1], [2]])
    kernel = np.exp(-((X - X.T) ** 2))
    sets = list(combinations(range(4), 2))
    volume = np.array([np.linalg.det(kernel[np.ix_(s, s)]) for s in sets])
    counts = np.zeros(len(sets))
    for seed in range(4000):
        chosen = DPPLandmarks(2, gamma=1.0, n_features=4, random_state=seed).fit(X).indices_
        counts[sets.index(tuple(sorted(chosen)))] += 1
    np.testing.assert_allclose(counts / 4000, volume / volume.sum(), atol=0.03)


def test_greedy_adds_the_row_that_raises_the_determinant_most():
    X = np.random.default_rng(0).normal(size=(60, 2))
    kernel = np.exp(-0.5 * ((X[:, None] - X) ** 2).sum(axis=-1))
    chosen = list(GreedyDPPLandmarks(12, gamma=0.5, random_state=0).fit(X).indices_)
    for i in range(1, 12):
        volumes = [np.linalg.det(kernel[np.ix_([*chosen[:i], r], [*chosen[:i], r])]) for r in range(60)]
        assert np.isclose(max(volumes), volumes[chosen[i]], rtol=1e-6)


def test_lie_farther_apart_than_random_rows():
    X = np.random.default_rng(0).uniform(size=(400, 2))

    def closest(selector):
        distances = selector.fit(X).transform(X)[selector.indices_]
        return distances[~np.eye(len(distances), dtype=bool)].min()

    chance = np.mean([closest(RandomLandmarks(20, random_state=s)) for s in range(5)])
    for make in (DPPLandmarks, GreedyDPPLandmarks):
        assert np.mean([closest(make(20, random_state=s)) for s in range(5)]) > 2 * chance


@pytest.mark.parametrize("make", [DPPLandmarks, GreedyDPPLandmarks])
def test_a_row_that_stands_very_often_hides_no_other(make):
    rows = np.random.default_rng(0).normal(size=(40, 2))
    found = make(20, random_state=0).fit(np.concatenate([np.repeat(rows[:1], 100_000, axis=0), rows]))
    assert len(np.unique(found.points_, axis=0)) == 20
