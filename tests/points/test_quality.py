"""Figures that say how good an embedding is."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import pdist
from sklearn import manifold
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from cairn.points.quality import pair_distances, residual_variance, sample_pairs, stress, trustworthiness


@pytest.fixture(scope="module")
def digits():
    # A little noise: scikit-learn ranks rows at equal distance by their order.
    X = load_digits().data[:500] + np.random.default_rng(0).normal(0, 1e-3, (500, 64))
    return X, PCA(2, random_state=0).fit_transform(X)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_of_all_rows_trustworthiness_is_scikit_learns(digits, k):
    expected = manifold.trustworthiness(*digits, n_neighbors=k)
    np.testing.assert_allclose(trustworthiness(*digits, n_neighbors=k), expected, rtol=1e-12)
    np.testing.assert_allclose(trustworthiness(sparse.csr_array(digits[0]), digits[1], n_neighbors=k), expected)


def test_a_sample_estimates_it(digits):
    expected = manifold.trustworthiness(*digits)
    found = [trustworthiness(*digits, n_samples=100, random_state=seed) for seed in range(20)]
    assert len(set(found)) == 20
    assert abs(np.mean(found) - expected) < 0.01
    assert found[3] == trustworthiness(*digits, n_samples=100, random_state=3)


def test_too_many_neighbours(digits):
    with pytest.raises(ValueError, match="n_neighbors=250: expected at least 1 and fewer than half of the 500 rows"):
        trustworthiness(*digits, n_neighbors=250)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        trustworthiness(digits[0], digits[1][:-1])


def test_scale_matters_to_stress_and_not_to_residual_variance(digits):
    d = pdist(digits[0])
    assert residual_variance(d, 3 * d) == pytest.approx(0, abs=1e-12)
    assert stress(d, 3 * d) == pytest.approx(2)
    assert stress(d, d) == 0
    assert residual_variance(d, pdist(digits[1])) == pytest.approx(1 - np.corrcoef(d, pdist(digits[1]))[0, 1] ** 2)
    assert residual_variance(d, np.ones_like(d)) == 1
    assert np.isnan(stress([0.0, 0], [1.0, 1]))
    with pytest.raises(ValueError, match="expected the same pairs"):
        stress([1.0], [1.0, 2])


def test_sampled_pairs_estimate_both(digits):
    X, placed = digits
    i, j = sample_pairs(len(X), 50_000, 0)
    assert (i != j).all()
    assert np.bincount(np.concatenate([i, j])).min() > 100
    d, e = pair_distances(X, i, j), pair_distances(placed, i, j)
    np.testing.assert_allclose(d[:9], np.linalg.norm(X[i[:9]] - X[j[:9]], axis=1))
    np.testing.assert_allclose(pair_distances(sparse.csr_array(X), i, j), d)
    assert stress(d, e) == pytest.approx(stress(pdist(X), pdist(placed)), rel=0.02)
    assert residual_variance(d, e) == pytest.approx(residual_variance(pdist(X), pdist(placed)), rel=0.05)
    with pytest.raises(ValueError, match="a pair needs two rows"):
        sample_pairs(1, 5)
