"""Landmarks by strain, everything else by its distances to them."""

import numpy as np
from scipy.spatial.distance import cdist

from cairn.points.embedding.triangulation import triangulation


def test_landmarks_lie_where_their_distances_say_and_are_placed_there():
    Y = np.random.default_rng(0).normal(size=(12, 3))
    squared = cdist(Y, Y) ** 2
    found = triangulation(squared, 3)
    np.testing.assert_allclose(cdist(found.landmarks, found.landmarks) ** 2, squared, atol=1e-10)
    np.testing.assert_allclose(found.place(squared), found.landmarks, atol=1e-10)
    np.testing.assert_allclose(found.landmarks.mean(axis=0), 0, atol=1e-12)


def test_new_rows_are_placed_exactly_where_distances_are_euclidean():
    rng = np.random.default_rng(0)
    Y, X = rng.normal(size=(12, 3)), rng.normal(size=(50, 3))
    found = triangulation(cdist(Y, Y) ** 2, 3)
    placed = found.place(cdist(X, Y) ** 2)
    np.testing.assert_allclose(cdist(placed, found.landmarks), cdist(X, Y), atol=1e-9)
