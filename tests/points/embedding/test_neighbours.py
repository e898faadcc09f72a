"""Nearest rows by tree or by search."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from cairn.points.embedding.neighbours import Neighbours


@pytest.mark.parametrize("columns", [3, 30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_against_all_distances(columns, dtype, form):
    rng = np.random.default_rng(0)
    X, new = rng.normal(50, 1, (300, columns)).astype(dtype), rng.normal(50, 1, (40, columns)).astype(dtype)
    search = Neighbours(form(X))
    distances, found = search.query(form(new), 6)
    expected = cdist(new.astype(float), X.astype(float))
    loose = 0.1 if form is sparse.csr_array and dtype is np.float32 else 1e-5  # scikit-learn's own search
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :6], atol=loose)
    np.testing.assert_allclose(expected[np.arange(40)[:, None], search.order[found]], distances, atol=loose)


@pytest.mark.parametrize("columns", [3, 30])
def test_a_row_is_at_distance_zero_from_itself(columns):
    X = np.random.default_rng(0).normal(1000, 1, (200, columns)).astype(np.float32)
    search = Neighbours(X)
    distances, found = search.query(X, 3)
    assert (distances[:, 0] == 0).all()
    np.testing.assert_array_equal(search.order[found[:, 0]], np.arange(200))
    assert (np.diff(distances, axis=1) >= 0).all()
