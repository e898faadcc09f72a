"""Distances in blocks."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from cairn.points import distances
from cairn.points.distances import nearest_rows, squared_to_landmarks, squared_to_row


@pytest.fixture(params=[distances.BLOCK, 64])
def rows(request, monkeypatch):
    """The same answers whatever the size of a block."""
    monkeypatch.setattr(distances, "BLOCK", request.param)
    return np.random.default_rng(0).normal(size=(90, 5))


def test_against_scipy(rows):
    expected = cdist(rows, rows) ** 2
    np.testing.assert_allclose(squared_to_landmarks(rows, rows[:20]), expected[:, :20], atol=1e-12)
    np.testing.assert_allclose(squared_to_row(rows, 7), expected[7], atol=1e-12)
    thin = sparse.csr_array(rows)
    np.testing.assert_allclose(squared_to_landmarks(thin, thin[:20]), expected[:, :20], atol=1e-12)
    np.testing.assert_allclose(squared_to_landmarks(thin, rows[:20]), expected[:, :20], atol=1e-12)
    np.testing.assert_allclose(squared_to_row(thin, 7), expected[7], atol=1e-12)


def test_float32_far_from_the_origin(rows):
    far = (rows + 10_000).astype(np.float32)
    expected = cdist(far.astype(np.float64), far.astype(np.float64)) ** 2
    found = squared_to_landmarks(far, far[:20])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected[:, :20], atol=1e-5)


def test_nearest_rows_are_all_different(rows):
    points = np.concatenate([rows[:30] + 1e-3, rows[:5] + 2e-3])
    found = nearest_rows(rows, points)
    np.testing.assert_array_equal(found[:30], np.arange(30))
    assert len(set(found)) == 35
    np.testing.assert_array_equal(np.sort(nearest_rows(rows, np.zeros((90, 5)))), np.arange(90))
