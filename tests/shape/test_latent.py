"""Against the textbook formulas with whole matrices."""

import numpy as np
import pytest

from cairn.shape.latent import Latent, pose_directions


def make(recipe):
    k, d = recipe.mean.shape
    pose = pose_directions(recipe.mean, True)
    modes = recipe.modes.reshape(3, -1).T
    latent = Latent(recipe.mean, modes, recipe.sd**2, 0.01**2, pose)
    covariance = modes @ np.diag(recipe.sd**2 - 0.01**2) @ modes.T + 0.01**2 * np.eye(k * d) + pose @ pose.T
    return latent, covariance


def test_pose_directions_are_counted_right():
    rng = np.random.default_rng(0)
    for d, scale, count in ((2, True, 4), (2, False, 3), (3, True, 7), (3, False, 6)):
        shape = rng.normal(size=(6, d))
        directions = pose_directions(shape - shape.mean(axis=0), scale)
        assert directions.shape == (6 * d, count)
        np.testing.assert_allclose(directions.T @ directions, np.eye(count), atol=1e-12)


@pytest.mark.parametrize("noisy", [False, True])
def test_conditioning_is_that_of_the_whole_gaussian(recipe, noisy, monkeypatch):
    monkeypatch.setattr("cairn.shape.latent._POSE_PRIOR", 1.0)  # as flat as the matrices below can bear
    rng = np.random.default_rng(1)
    latent, prior = make(recipe)
    k, d = recipe.mean.shape
    points = recipe.draw(5, rng, laid=True)
    seen = rng.random((5, k)) < 0.7
    seen[:, :4] = True
    root = 0.05 * rng.normal(size=(5, k, d, d))
    error = root @ np.swapaxes(root, -1, -2)
    found = latent.condition(points, seen, error if noisy else None, covariance=True, joint=True)
    for i in range(5):
        there = np.repeat(seen[i], d)
        own = np.zeros((k * d, k * d))
        if noisy:
            for p in range(k):
                own[p * d : p * d + d, p * d : p * d + d] = error[i, p]
        gain = prior[:, there] @ np.linalg.inv((prior + own)[np.ix_(there, there)])
        expected = recipe.mean.ravel() + gain @ (points[i] - recipe.mean).ravel()[there]
        spread = prior - gain @ prior[there]
        np.testing.assert_allclose(found.points[i].ravel(), expected, atol=1e-9)
        for p in range(k):
            block = spread[p * d : p * d + d, p * d : p * d + d]
            np.testing.assert_allclose(found.covariance[i, p], block, atol=1e-9)
    if not noisy:
        blocks = np.stack([found.joint[p * d : p * d + d, p * d : p * d + d] for p in range(k)])
        np.testing.assert_allclose(blocks, found.covariance.sum(axis=0), atol=1e-9)


def test_many_rows_in_blocks_are_as_one_row(recipe, monkeypatch):
    rng = np.random.default_rng(2)
    latent, _ = make(recipe)
    points, seen = recipe.draw(20, rng, laid=True), rng.random((20, len(recipe.mean))) < 0.8
    whole = latent.condition(points, seen, covariance=True)
    monkeypatch.setattr("cairn.shape.latent._BLOCK", 1)
    single = latent.condition(points, seen, covariance=True)
    np.testing.assert_allclose(single.points, whole.points)
    np.testing.assert_allclose(single.covariance, whole.covariance, atol=1e-12)


def test_density_of_some_points_leaves_every_pose_free(recipe):
    rng = np.random.default_rng(3)
    latent, _ = make(recipe)
    points = recipe.draw(4, rng, laid=True)
    points[:, 1] = np.nan
    moves = pose_directions(recipe.mean, True).reshape(*recipe.mean.shape, -1)
    pushed = points + 0.2 * moves @ rng.normal(size=moves.shape[-1])
    np.testing.assert_allclose(latent.log_density(pushed), latent.log_density(points), atol=1e-7)


def test_products_that_are_too_many_are_made_row_by_row(recipe, monkeypatch):
    rng = np.random.default_rng(4)
    latent, _ = make(recipe)
    points, seen = recipe.draw(6, rng, laid=True), np.ones((6, len(recipe.mean)), bool)
    error = np.tile(0.01 * np.eye(recipe.mean.shape[1]), (6, len(recipe.mean), 1, 1))
    before = latent.condition(points, seen, error, covariance=True)
    monkeypatch.setattr("cairn.shape.latent._MOST_PRODUCTS", 1)
    after = latent.condition(points, seen, error, covariance=True)
    np.testing.assert_allclose(after.points, before.points, atol=1e-9)
    np.testing.assert_allclose(after.covariance, before.covariance, atol=1e-12)
