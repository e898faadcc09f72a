"""Shapes whose mean, modes and noise are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cairn.geometry.procrustes import centroid_size
from cairn.shape.latent import pose_directions


@dataclass
class Recipe:
    """mean (K, D) of unit size, modes (M, K, D) orthonormal and beside the pose, sd (M,), noise sd."""

    mean: np.ndarray
    modes: np.ndarray
    sd: np.ndarray
    noise: float

    def draw(self, n: int, rng: np.random.Generator, *, laid: bool = False) -> np.ndarray:
        """(N, K, D); turned, enlarged and shifted by chance unless `laid`."""
        k, d = self.mean.shape
        scores = rng.normal(size=(n, len(self.sd))) * self.sd
        pose = pose_directions(self.mean, True)
        noise = rng.normal(0, self.noise, (n, k * d))
        noise -= noise @ pose @ pose.T
        shapes = self.mean + np.tensordot(scores, self.modes, 1) + noise.reshape(n, k, d)
        if laid:
            return shapes
        turns = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
        turns[..., 0] *= np.linalg.det(turns)[:, None]
        return shapes @ turns * rng.uniform(20, 200, (n, 1, 1)) + rng.normal(0, 300, (n, 1, d))


def make_recipe(d: int, k: int = 8, seed: int = 0) -> Recipe:
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=(k, d))
    mean -= mean.mean(axis=0)
    mean /= centroid_size(mean)
    pose = pose_directions(mean, True)
    q = np.linalg.qr(np.concatenate([pose, rng.normal(size=(k * d, 3))], axis=1))[0][:, pose.shape[1] :]
    return Recipe(mean, q.T.reshape(3, k, d), np.array([0.1, 0.06, 0.03]), 0.005)


@pytest.fixture(params=[2, 3], ids=["plane", "space"])
def recipe(request) -> Recipe:
    return make_recipe(request.param)


@pytest.fixture
def flat_recipe() -> Recipe:
    return make_recipe(2)
