"""Rows by their leverage."""

import numpy as np
import pytest

from cairn.points import LeverageLandmarks
from cairn.points.selectors.leverage import leverage_scores


def test_without_ridge_it_is_the_diagonal_of_the_hat_matrix():
    X = np.random.default_rng(0).normal(size=(50, 4))
    hat = X @ np.linalg.pinv(X)
    np.testing.assert_allclose(leverage_scores(X), np.diag(hat), atol=1e-10)
    np.testing.assert_allclose(leverage_scores(X).sum(), 4)


def test_ridge_leverage_from_its_formula():
    X = np.random.default_rng(0).normal(size=(50, 4))
    gram = X.T @ X
    ridge = 0.3 * np.trace(gram) / 4
    expected = np.einsum("ij,jk,ik->i", X, np.linalg.inv(gram + ridge * np.eye(4)), X)
    np.testing.assert_allclose(leverage_scores(X, 0.3), expected, atol=1e-10)


def test_columns_that_say_the_same_add_nothing():
    X = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(leverage_scores(np.column_stack([X, X[:, 0]])), leverage_scores(X), atol=1e-9)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_an_odd_row_has_the_most_leverage_and_is_drawn_most(kernel):
    X = np.random.default_rng(0).normal(size=(200, 2)) * [1, 0.01]
    X[50] = [0, 40]
    made = [LeverageLandmarks(20, kernel=kernel, n_features=20, random_state=s).fit(X) for s in range(20)]
    assert all(m.scores_[50] > 0.9 > 4 * np.median(m.scores_) for m in made)
    assert sum(50 in m.indices_ for m in made) >= 15


def test_a_table_of_one_value_is_drawn_uniformly():
    found = [LeverageLandmarks(1, random_state=seed).fit(np.ones((5, 2))).indices_[0] for seed in range(100)]
    assert len(set(found)) == 5


def test_unknown_kernel():
    with pytest.raises(ValueError, match="kernel='cubic': expected 'linear' or 'rbf'"):
        LeverageLandmarks(2, kernel="cubic").fit(np.eye(3))
