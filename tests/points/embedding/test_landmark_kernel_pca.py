"""Kernel principal components by landmarks."""

import numpy as np
import pytest
from sklearn.decomposition import PCA, KernelPCA
from sklearn.metrics.pairwise import pairwise_kernels

from cairn.points import LandmarkKernelPCA


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(2, 1, size=(150, 4))


def up_to_sign(a, b, atol):
    np.testing.assert_allclose(a * np.sign((a * b).sum(axis=0)), b, atol=atol)


@pytest.mark.parametrize("kernel", ["rbf", "poly", "cosine", "linear"])
def test_all_rows_as_landmarks_is_kernel_pca(rows, kernel):
    theirs = KernelPCA(3, kernel=kernel, gamma=0.3).fit(rows[:120])
    ours = LandmarkKernelPCA(3, kernel=kernel, gamma=0.3, n_landmarks=120).fit(rows[:120])
    up_to_sign(ours.transform(rows), theirs.transform(rows), 1e-6)
    np.testing.assert_allclose(ours.eigenvalues_, theirs.eigenvalues_, rtol=1e-6)


def test_precomputed_kernel(rows):
    kernel = pairwise_kernels(rows, metric="rbf", gamma=0.3)
    settings = {"n_landmarks": 40, "random_state": 0, "selector": "max-min"}
    ours = LandmarkKernelPCA(3, kernel="precomputed", **settings).fit(kernel[:120, :120])
    landmarks = ours.landmark_indices_
    assert len(set(landmarks)) == 40
    full = LandmarkKernelPCA(3, kernel="precomputed", n_landmarks=120, selector="random").fit_transform(
        kernel[:120, :120]
    )
    up_to_sign(full, KernelPCA(3, kernel="rbf", gamma=0.3).fit_transform(rows[:120]), 1e-6)
    assert ours.transform(kernel[:, :120]).shape == (150, 3)
    with pytest.raises(ValueError, match="not symmetric"):
        LandmarkKernelPCA(kernel="precomputed", selector="random").fit(np.triu(kernel))


def test_few_landmarks_span_a_linear_kernel_whole_and_centred_by_all_rows(rows):
    ours = LandmarkKernelPCA(3, kernel="linear", n_landmarks=8, random_state=0).fit(rows)
    up_to_sign(ours.transform(rows), PCA(3).fit_transform(rows), 1e-8)


@pytest.mark.parametrize("selector", ["random", "kmeans", "leverage"])
def test_components_are_centred_and_carry_their_eigenvalues(rows, selector):
    model = LandmarkKernelPCA(3, n_landmarks=30, selector=selector, random_state=0)
    placed = model.fit_transform(rows)
    np.testing.assert_allclose(placed.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(placed.T @ placed, np.diag(model.eigenvalues_), atol=1e-8)


def test_more_landmarks_come_nearer_to_the_whole(rows):
    whole = KernelPCA(2, kernel="rbf").fit(rows).eigenvalues_.sum()
    found = [LandmarkKernelPCA(2, n_landmarks=m, random_state=0).fit(rows).eigenvalues_.sum() for m in (4, 12, 60)]
    assert found[0] < found[1] < found[2] <= whole * (1 + 1e-9)
    assert found[2] > 0.99 * whole


def test_rank_below_the_number_of_components():
    line = np.arange(30.0)[:, None] * [[1, 2]]
    model = LandmarkKernelPCA(3, kernel="linear", n_landmarks=10, random_state=0)
    assert (model.fit_transform(line)[:, 1:] == 0).all()
    assert (LandmarkKernelPCA(2, n_landmarks=4, selector="random").fit_transform(np.ones((9, 2))) == 0).all()
