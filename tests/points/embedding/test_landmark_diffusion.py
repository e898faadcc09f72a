"""Diffusion maps by landmarks."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cairn.points import LandmarkDiffusionMap


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(200, 2)) * [3, 1]


def up_to_sign(a, b, atol):
    np.testing.assert_allclose(a * np.sign((a * b).sum(axis=0)), b, atol=atol)


def coifman_lafon(X, gamma, alpha, t, count):
    """Their formulas, all to all."""
    kernel = np.exp(-gamma * cdist(X, X) ** 2)
    q = kernel.sum(axis=1)
    kernel /= np.outer(q, q) ** alpha
    degree = kernel.sum(axis=1)
    values, vectors = np.linalg.eigh(kernel / np.sqrt(np.outer(degree, degree)))
    values, vectors = values[::-1], vectors[:, ::-1]
    functions = vectors / np.sqrt(degree)[:, None] * np.sqrt(degree.sum())
    return values[1 : count + 1], (functions * values**t)[:, 1 : count + 1]


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
@pytest.mark.parametrize("t", [0, 1, 3])
def test_all_rows_as_landmarks_is_the_diffusion_map(rows, alpha, t):
    model = LandmarkDiffusionMap(3, t=t, alpha=alpha, gamma=0.5, n_landmarks=200)
    placed = model.fit_transform(rows)
    values, expected = coifman_lafon(rows, 0.5, alpha, t, 3)
    np.testing.assert_allclose(model.eigenvalues_, values, atol=1e-9)
    up_to_sign(placed, expected, 1e-7)


@pytest.mark.parametrize("selector", ["random", "max-min", "kmeans"])
def test_how_landmarks_are_chosen_does_not_bend_the_map(selector):
    X = np.random.default_rng(0).beta(1, 2, size=(1000, 2)) * [6, 1]
    for alpha in (0, 1):
        values, expected = coifman_lafon(X, 3.0, alpha, 1, 2)
        model = LandmarkDiffusionMap(2, alpha=alpha, gamma=3.0, n_landmarks=150, selector=selector, random_state=0)
        placed = model.fit_transform(X)
        np.testing.assert_allclose(model.eigenvalues_, values, atol=0.01)
        assert abs(np.corrcoef(placed[:, 0], expected[:, 0])[0, 1]) > 0.98


def test_density_is_taken_out():
    """Along a segment the first function is a cosine of the place, however unevenly rows lie on it (alpha = 1)."""
    x = np.sort(np.random.default_rng(0).beta(1, 2, 3000) * 0.9)
    X = np.column_stack([x, np.zeros_like(x)])
    ideal = np.cos(np.pi * x / 0.9)
    first = LandmarkDiffusionMap(1, gamma=400, n_landmarks=100, random_state=0).fit_transform(X)[:, 0]
    assert abs(np.corrcoef(first, ideal)[0, 1]) > 0.999


def test_a_row_far_from_all_goes_with_its_nearest_landmark(rows):
    model = LandmarkDiffusionMap(2, n_landmarks=50, random_state=0).fit(rows)
    far = model.transform([[1e4, 0], [-1e4, 0]])
    assert np.isfinite(far).all()
    edges = model.transform(rows[[rows[:, 0].argmax(), rows[:, 0].argmin()]])
    assert (np.sign(far[:, 0]) == np.sign(edges[:, 0])).all()


def test_separate_pieces_are_said():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (200, 2)), rng.normal(500, 1, (100, 2))])
    with pytest.warns(UserWarning, match="never leaves some piece"):
        placed = LandmarkDiffusionMap(1, n_landmarks=30, random_state=0).fit_transform(X)
    assert np.sign(placed[0]) != np.sign(placed[-1])
