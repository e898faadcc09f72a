import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from cairn.geometry import transforms

angles = st.floats(-3, 3)
zooms = st.floats(0.1, 10)


def some_map(angle, zoom, shift=(3.0, -7.0)):
    matrix = transforms.rotation_about([0, 0], angle, zoom)
    matrix[:, 2] += shift
    return matrix


@given(angles, zooms)
@settings(max_examples=50)
def test_invert_undoes_apply(angle, zoom):
    points = np.random.default_rng(0).normal(size=(5, 2)) * 100
    matrix = some_map(angle, zoom)
    np.testing.assert_allclose(transforms.apply(transforms.invert(matrix), transforms.apply(matrix, points)), points)


@given(angles, zooms)
@settings(max_examples=50)
def test_compose_is_one_after_the_other(angle, zoom):
    first, after = some_map(angle, zoom), some_map(zoom, 1.5, (0.5, 2))
    points = np.random.default_rng(1).normal(size=(4, 2))
    np.testing.assert_allclose(
        transforms.apply(transforms.compose(after, first), points),
        transforms.apply(after, transforms.apply(first, points)),
        atol=1e-9,
    )


@given(angles, zooms)
@settings(max_examples=50)
def test_similarity_between_recovers_the_map_with_points_missing(angle, zoom):
    source = np.random.default_rng(2).normal(size=(3, 6, 2)) * 10
    matrix = some_map(angle, zoom)
    target = transforms.apply(matrix, source)
    target[0, 2], source[1, 4] = np.nan, np.nan
    np.testing.assert_allclose(transforms.similarity_between(source, target), [matrix] * 3, atol=1e-6)


def test_similarity_between_agrees_with_scipy_rotation():
    rng = np.random.default_rng(3)
    source, target = rng.normal(size=(2, 7, 2))
    s, t = source - source.mean(0), target - target.mean(0)
    pad = lambda p: np.column_stack([p, np.zeros(7)])  # noqa: E731
    rotation, _ = Rotation.align_vectors(np.vstack([pad(t), [0, 0, 1e3]]), np.vstack([pad(s), [0, 0, 1e3]]))
    found = transforms.similarity_between(source, target)[:, :2]
    np.testing.assert_allclose(found / np.sqrt(np.linalg.det(found)), rotation.as_matrix()[:2, :2], atol=1e-5)


def test_similarity_between_leaves_as_little_as_scipy_procrustes():
    rng = np.random.default_rng(4)
    source = rng.normal(size=(9, 2))
    target = transforms.apply(some_map(0.4, 2.0), source) + rng.normal(size=(9, 2)) * 0.05
    left = transforms.apply(transforms.similarity_between(source, target), source) - target
    scale = ((target - target.mean(0)) ** 2).sum()
    assert (left**2).sum() / scale == pytest.approx(procrustes(target, source)[2], rel=1e-6)


def test_a_mirror_image_is_not_turned_into_its_original():
    source = np.array([[0, 0], [1, 0], [0, 2.0]])
    found = transforms.similarity_between(source, source * [-1, 1])
    assert np.linalg.det(found[:, :2]) > 0


def test_box_to_square_follows_known_pixels():
    matrix = transforms.box_to_square([[-0.5, -0.5, 9.5, 3.5]], size=20, scale=1.0)[0]
    np.testing.assert_allclose(transforms.apply(matrix, [[4.5, 1.5]]), [[9.5, 9.5]])  # centre to centre
    np.testing.assert_allclose(transforms.apply(matrix, [[-0.5, 1.5]]), [[-0.5, 9.5]])  # edge to edge


def test_covariance_turns_with_the_points():
    rng = np.random.default_rng(5)
    points = rng.normal(size=(20000, 2)) @ np.diag([3, 1])
    matrix = some_map(0.7, 2)
    expected = np.cov(transforms.apply(matrix, points).T)
    found = transforms.transform_covariance(matrix, np.cov(points.T)[None])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
