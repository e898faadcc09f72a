"""Spectral embedding by landmarks."""

import numpy as np
import pytest

from cairn.points import LandmarkSpectralEmbedding


def graph(model, X):
    """W of all rows with all, from the definition."""
    Z = model._weights(X).toarray()
    return Z / np.where(Z.sum(axis=0) > 0, Z.sum(axis=0), 1) @ Z.T


def test_components_are_eigenvectors_of_the_graph_by_way_of_landmarks():
    X = np.random.default_rng(0).uniform(size=(200, 2)) * [3, 1]
    model = LandmarkSpectralEmbedding(3, n_landmarks=40, random_state=0)
    placed = model.fit_transform(X)
    W = graph(model, X)
    np.testing.assert_allclose(W.sum(axis=1), 1)
    np.testing.assert_allclose(W @ placed, placed * model.eigenvalues_, atol=1e-10)
    np.testing.assert_allclose(placed.T @ placed, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(placed.sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(model.eigenvalues_, np.linalg.eigvalsh(W)[::-1][1:4], atol=1e-9)


def test_a_closed_curve_becomes_a_circle():
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    X = np.column_stack([np.cos(angle), np.sin(angle), np.cos(2 * angle)])
    placed = LandmarkSpectralEmbedding(2, n_landmarks=60, random_state=0).fit_transform(X)
    radius = np.linalg.norm(placed, axis=1)
    assert radius.std() < 0.05 * radius.mean()
    turned = np.unwrap(np.arctan2(*placed.T))
    assert abs(abs(turned[-1] - turned[0]) - 2 * np.pi) < 0.1


def test_pieces_are_told_apart_and_said():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (200, 2)), rng.normal(50, 1, (100, 2))])
    model = LandmarkSpectralEmbedding(1, n_landmarks=30, random_state=0)
    with pytest.warns(UserWarning, match="is in 2 pieces"):
        placed = model.fit_transform(X)
    np.testing.assert_allclose(model.eigenvalues_, 1)
    assert placed[:200].max() - placed[:200].min() < 1e-6
    assert np.sign(placed[0]) != np.sign(placed[-1])


def test_as_many_components_as_landmarks_are_refused():
    with pytest.raises(ValueError, match="is more than the 2 that 3 landmarks of n_samples=9 can give"):
        LandmarkSpectralEmbedding(3, n_landmarks=3, selector="random").fit(np.random.default_rng(0).normal(size=(9, 2)))
