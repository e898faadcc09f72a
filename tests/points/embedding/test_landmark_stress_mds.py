"""Scaling by stress."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits

from cairn.points import LandmarkMDS, LandmarkStressMDS
from cairn.points.embedding.landmark_stress_mds import place_by_stress, smacof


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:300]


def raw(distances, placed):
    return ((cdist(placed, placed) - distances) ** 2).sum() / 2


def test_smacof_never_raises_the_stress_and_reaches_a_minimum(digits):
    distances = cdist(digits[:60], digits[:60])
    points = LandmarkMDS(2).fit_transform(digits[:60])
    stresses = [smacof(distances, points, rounds, -np.inf)[1] for rounds in range(1, 30)]
    assert (np.diff(stresses) <= 0).all()
    placed, stress, _ = smacof(distances, points, 3000, 1e-12)
    np.testing.assert_allclose(stress, raw(distances, placed))
    better = minimize(lambda flat: raw(distances, flat.reshape(-1, 2)), placed.ravel(), options={"maxiter": 3})
    assert better.fun > 0.9999 * stress


def test_a_row_is_put_where_its_own_stress_is_least():
    rng = np.random.default_rng(0)
    landmarks = rng.normal(size=(15, 2))
    distances = np.abs(cdist(rng.normal(size=(40, 2)), landmarks) + rng.normal(0, 0.2, (40, 15)))
    start = rng.normal(size=(40, 2)) * 0.1
    placed = place_by_stress(distances, start, landmarks, 500, 1e-9)

    def own(x, i):
        return ((np.linalg.norm(x - landmarks, axis=1) - distances[i]) ** 2).sum()

    for i in range(40):
        found = minimize(own, placed[i], args=(i,))
        assert own(placed[i], i) <= found.fun * (1 + 1e-6)


def test_rows_that_fit_exactly_are_put_exactly():
    rng = np.random.default_rng(0)
    landmarks, rows = rng.normal(size=(15, 3)), rng.normal(size=(40, 3))
    placed = place_by_stress(cdist(rows, landmarks), rows + 0.3, landmarks, 2000, 1e-12)
    np.testing.assert_allclose(placed, rows, atol=1e-6)


def test_stress_is_below_that_of_strain_and_near_that_of_all_rows(digits):
    distances = cdist(digits, digits)
    everything = smacof(distances, LandmarkMDS(2, n_landmarks=300).fit_transform(digits), 1000, 1e-9)[1]
    strain = raw(distances, LandmarkMDS(2, n_landmarks=100, random_state=0).fit_transform(digits))
    stress = raw(distances, LandmarkStressMDS(2, n_landmarks=100, random_state=0).fit_transform(digits))
    assert stress < 0.6 * strain
    assert stress < 1.1 * everything


def test_all_rows_as_landmarks_is_smacof(digits):
    model = LandmarkStressMDS(2, n_landmarks=300, max_iter=3000, tol=1e-10).fit(digits)
    placed = model.transform(digits)
    assert np.abs(placed - model.landmark_embedding_[np.argsort(model.landmark_indices_)]).max() < 0.02 * placed.std()
    distances = cdist(digits, digits)
    np.testing.assert_allclose(model.stress_, np.sqrt(2 * raw(distances, placed) / (distances**2).sum()), rtol=1e-4)
