"""Scaling by strain."""

import warnings

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from cairn.points import LandmarkMDS, LandmarkStressMDS


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(200, 5)) * [5, 3, 1, 0.5, 0.1]


def up_to_sign(a, b, atol):
    turn = np.sign((a * b).sum(axis=0))
    np.testing.assert_allclose(a * turn, b, atol=atol)


def classical(distances, n_components):
    """Torgerson's formula, all to all."""
    n = len(distances)
    centre = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-centre @ distances**2 @ centre / 2)
    return (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :n_components]


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "precomputed"])
def test_all_rows_as_landmarks_is_classical_scaling(rows, metric):
    distances = cdist(rows, rows, "cityblock" if metric == "cityblock" else "euclidean")
    placed = LandmarkMDS(3, n_landmarks=200, metric=metric).fit_transform(
        distances if metric == "precomputed" else rows
    )
    up_to_sign(placed, classical(distances, 3), 1e-8)


def test_of_euclidean_distances_it_is_principal_components(rows):
    up_to_sign(LandmarkMDS(2, n_landmarks=200).fit_transform(rows), PCA(2).fit_transform(rows), 1e-8)


@pytest.mark.parametrize("selector", ["random", "max-min", "kmeans", "greedy-dpp"])
def test_distances_are_kept_whole_where_the_dimension_is_enough(rows, selector):
    placed = LandmarkMDS(5, n_landmarks=20, selector=selector, random_state=0).fit_transform(rows)
    np.testing.assert_allclose(cdist(placed, placed), cdist(rows, rows), atol=1e-6)


def test_precomputed_distances_of_new_rows(rows):
    between = cdist(rows, rows)
    model = LandmarkMDS(5, n_landmarks=20, metric="precomputed", random_state=0).fit(between[:150, :150])
    placed = model.transform(between[:, :150])
    np.testing.assert_allclose(cdist(placed, placed), between, atol=1e-6)


def test_components_that_the_landmarks_do_not_have_are_zero():
    line = np.arange(30.0)[:, None] * [[1, 2]]
    model = LandmarkMDS(3, n_landmarks=10, random_state=0)
    placed = model.fit_transform(line)
    assert (placed[:, 1:] == 0).all()
    assert (model.eigenvalues_[1:] == 0).all()
    np.testing.assert_allclose(np.abs(np.diff(placed[:, 0])), np.sqrt(5))


@pytest.mark.parametrize("make", [LandmarkMDS, LandmarkStressMDS])
def test_landmarks_that_are_all_the_same_row_are_warned_of(make):
    X = np.concatenate([np.repeat([[1.0, 2, 3]], 100_000, axis=0), np.random.default_rng(0).normal(size=(50, 3))])
    with pytest.warns(UserWarning, match="Only 1 of 20 landmarks differ, too few for 2 components"):
        make(n_landmarks=20, random_state=0).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        placed = make(n_landmarks=20, selector="kmeans++", random_state=0).fit_transform(X)
    assert np.linalg.matrix_rank(placed - placed.mean(axis=0)) == 2
