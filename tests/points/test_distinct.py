"""Rows that are the same row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from cairn.points.distinct import distinct_rows


@given(arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 3)), elements=st.integers(-1, 1)))
@settings(max_examples=100, deadline=None)
def test_agrees_with_numpy_in_order_of_first_appearance(X):
    first, inverse = distinct_rows(X)
    expected = np.sort(np.unique(X, axis=0, return_index=True)[1])
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(X[first][inverse], X)
    again = distinct_rows(sparse.csr_array(X))
    np.testing.assert_array_equal(again[0], first)
    np.testing.assert_array_equal(again[1], inverse)


def test_minus_zero_is_zero_and_columns_are_not_exchangeable():
    assert len(distinct_rows(np.array([[0.0, 1], [-0.0, 1]]))[0]) == 1
    assert len(distinct_rows(np.array([[0.0, 1], [1, 0.0]]))[0]) == 2


def test_a_collision_of_hashes_merges_nothing(monkeypatch):
    monkeypatch.setattr("cairn.points.distinct.row_hash", lambda X: np.zeros(X.shape[0], np.uint64))
    X = np.array([[0.0, 1], [2, 3], [0, 1]])
    first, inverse = distinct_rows(X)
    np.testing.assert_array_equal(X[first][inverse], X)
    assert len(first) == 2
    first, inverse = distinct_rows(sparse.csr_array(X))
    np.testing.assert_array_equal(first[inverse], [0, 1, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearly_the_same_is_not_the_same(dtype):
    X = np.array([[1, 2], [np.nextafter(dtype(1), dtype(2)), 2]], dtype)
    assert len(distinct_rows(X)[0]) == 2
