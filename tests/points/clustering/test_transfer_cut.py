import numpy as np
from numpy.testing import assert_allclose

from cairn.points.clustering.transfer_cut import spectrum, unit_rows


def weights(seed=0, n=60, p=8):
    z = np.random.default_rng(seed).uniform(size=(n, p)) ** 4
    return z / z.sum(axis=1, keepdims=True)


def test_eigenvalues_are_squares_of_those_of_the_large_bipartite_graph():
    z = weights()
    n, p = z.shape
    large = np.zeros((n + p, n + p))
    large[:n, n:], large[n:, :n] = z, z.T
    root = np.sqrt(large.sum(axis=1))
    reference = np.linalg.eigvalsh(large / root[:, None] / root)[::-1]
    eigenvalues, _ = spectrum(z.T @ z, 5)
    assert_allclose(eigenvalues, reference[:5] ** 2, atol=1e-12)


def test_vectors_solve_the_small_problem_and_are_at_right_angles():
    z = weights(1)
    products = z.T @ z
    degrees = np.diag(z.sum(axis=0))
    eigenvalues, vectors = spectrum(products, 8)
    assert_allclose(products @ vectors, degrees @ vectors * eigenvalues, atol=1e-10)
    assert_allclose(vectors.T @ degrees @ vectors, len(z) * np.eye(8), atol=1e-9)
    assert_allclose(vectors[:, 0], 1)


def test_separate_parts_have_one_place_each():
    z = np.zeros((6, 4))
    z[:3, :2], z[3:, 2:] = 0.5, [0.3, 0.7]
    eigenvalues, vectors = spectrum(z.T @ z, 2)
    assert_allclose(eigenvalues, 1)
    places = unit_rows(z @ vectors)
    assert_allclose(places[:3], places[[0]].repeat(3, axis=0))
    assert_allclose(places[0] @ places[5], 0, atol=1e-12)


def test_a_landmark_without_rows_does_no_harm():
    z = np.zeros((5, 3))
    z[:, 0], z[:, 1] = 0.4, 0.6
    eigenvalues, vectors = spectrum(z.T @ z, 3)
    assert np.isfinite(vectors).all()
    assert_allclose(vectors[2], [1, 0, 0])
    assert_allclose(eigenvalues[1:], 0, atol=1e-12)
