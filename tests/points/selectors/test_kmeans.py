"""Means of clusters."""

import numpy as np
import pytest

from cairn.points import KMeansLandmarks, MiniBatchKMeansLandmarks, RandomLandmarks


@pytest.mark.parametrize("make", [KMeansLandmarks, MiniBatchKMeansLandmarks])
def test_lie_nearer_to_all_rows_than_random_ones(make):
    X = np.random.default_rng(0).normal(size=(1000, 4))
    ours = make(30, random_state=0).fit(X)
    assert ours.indices_ is None
    error = (ours.transform(X).min(axis=1) ** 2).mean()
    assert error < 0.8 * (RandomLandmarks(30, random_state=0).fit_transform(X).min(axis=1) ** 2).mean()


@pytest.mark.parametrize("make", [KMeansLandmarks, MiniBatchKMeansLandmarks])
def test_find_clear_clusters(make):
    centres = np.array([[0.0, 0], [50, 0], [0, 50]])
    X = np.concatenate([c + np.random.default_rng(0).normal(size=(100, 2)) for c in centres])
    points = make(3, random_state=0).fit(X).points_
    np.testing.assert_allclose(points[np.lexsort(points.round(-1).T)], centres, atol=0.5)
