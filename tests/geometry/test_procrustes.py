"""Against SciPy, against Kendall's space of triangles, where distances can be worked by hand, and by invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation

from cairn.geometry import transforms
from cairn.geometry.procrustes import centroid_size, generalised, lay_on, ordinary, tangent

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])  # x towards y, a quarter
REGULAR = np.array([[0, 0], [1, 0], [0.5, 3**0.5 / 2]])
FLAT = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]])


def unit(shape):
    centred = shape - shape.mean(axis=0)
    return centred / np.linalg.norm(centred)


def rotation(d, rng):
    if d == 3:
        return Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def moved(shapes, rng):
    """Each shape turned, enlarged and shifted by chance."""
    d = shapes.shape[-1]
    turned = np.stack([s @ rotation(d, rng).T for s in shapes])
    return turned * rng.uniform(0.2, 9, (len(shapes), 1, 1)) + rng.normal(0, 300, (len(shapes), 1, d))


# --- centroid size ---


def test_centroid_size_by_hand():
    square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]])  # each corner is sqrt(2) from the middle
    assert centroid_size(square) == pytest.approx(8**0.5)
    assert centroid_size([[0, 0, 0], [2, 0, 0]]) == pytest.approx(2**0.5)
    assert centroid_size([[3.0, 4.0]]) == 0


def test_centroid_size_leaves_missing_points_out():
    assert centroid_size([[0, 0], [2, 0], [np.nan, 5]]) == pytest.approx(2**0.5)
    assert np.isnan(centroid_size([[np.nan, 0], [0, np.nan]]))


# --- ordinary ---


def test_a_moved_triangle_comes_back_exactly():
    triangle = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    there = 2 * triangle @ TURN.T + [5, 7]  # (5, 7), (5, 9), (3, 7)
    aligned, maps = ordinary(triangle, there)
    np.testing.assert_allclose(aligned, [[5, 7], [5, 9], [3, 7]], atol=1e-12)
    np.testing.assert_allclose(maps, [[0, -2, 5], [2, 0, 7]], atol=1e-12)


def test_a_flat_triangle_is_pi_over_4_from_a_regular_one():
    """Kendall (1984): triangles are a sphere of radius 1/2, regular ones the poles, flat ones the equator."""
    flat, regular = unit(FLAT), unit(REGULAR)
    rigid, _ = ordinary(flat, regular, scale=False)
    assert (rigid * regular).sum() == pytest.approx(np.cos(np.pi / 4))
    full, _ = ordinary(flat, regular)
    assert ((full - regular) ** 2).sum() == pytest.approx(np.sin(np.pi / 4) ** 2)


def test_every_turn_of_a_regular_triangle_fits_its_mirror_image_alike():
    aligned, maps = ordinary(REGULAR[[1, 0, 2]], REGULAR)
    assert np.isnan(aligned).all()
    assert np.isnan(maps).all()
    both, _ = ordinary(REGULAR[[1, 0, 2]], REGULAR, reflect=True)
    np.testing.assert_allclose(both, REGULAR, atol=1e-12)


def test_a_regular_tetrahedron_and_its_mirror_image():
    """H of unit shapes has the singular values 1/3, 1/3, 1/3; a rotation must turn one over: cos = 1/3."""
    corners = unit(np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]]))
    rigid, _ = ordinary(-corners, corners, scale=False)
    assert (rigid * corners).sum() == pytest.approx(1 / 3)
    full, _ = ordinary(-corners, corners)
    assert ((full - corners) ** 2).sum() == pytest.approx(8 / 9)


def test_in_the_plane_what_remains_is_that_of_complex_numbers():
    """Kent (1994): the full Procrustes distance of unit shapes z, w has the square 1 - |z* w|^2."""
    z, w = (unit(s) for s in np.random.default_rng(4).normal(size=(2, 7, 2)))
    aligned, _ = ordinary(z, w)
    product = np.vdot(z[:, 0] + 1j * z[:, 1], w[:, 0] + 1j * w[:, 1])
    assert ((aligned - w) ** 2).sum() == pytest.approx(1 - abs(product) ** 2)


@pytest.mark.parametrize("d", [2, 3])
def test_scipy_says_the_same_with_reflections(d):
    rng = np.random.default_rng(d)
    a, b = rng.normal(size=(2, 9, d))
    reference, _, disparity = scipy_procrustes(a, b)
    aligned, _ = ordinary(b, reference, reflect=True)
    assert ((aligned - reference) ** 2).sum() == pytest.approx(disparity)
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    turn, _ = orthogonal_procrustes(x, y)
    np.testing.assert_allclose(ordinary(x, y, scale=False, reflect=True)[0], x @ turn, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_no_reflection_unless_asked_for(d):
    shape = np.random.default_rng(1).normal(size=(7, d))
    mirrored = shape * np.r_[-1.0, np.ones(d - 1)]
    assert np.linalg.det(ordinary(mirrored, shape, scale=False)[1][..., :-1]) == pytest.approx(1)
    np.testing.assert_allclose(ordinary(mirrored, shape, reflect=True)[0], shape, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_no_small_change_of_the_map_fits_better(d):
    rng = np.random.default_rng(d)
    shapes, reference, weights = rng.normal(size=(4, 8, d)), rng.normal(size=(8, d)), rng.uniform(0, 3, (4, 8))
    shapes[0, 2] = np.nan

    def loss(maps):
        away = transforms.apply(maps, shapes) - reference
        return np.nansum(weights[..., None] * away**2, axis=(1, 2))

    _, best = ordinary(shapes, reference, weights=weights)
    for _ in range(30):
        other = best.copy()
        small = rotation(d, rng)
        small = np.eye(d) + 1e-3 * (small - small.T)
        u, _, vt = np.linalg.svd(small)
        other[:, :, :d] = (u @ vt) @ other[:, :, :d] * rng.normal(1, 1e-3)
        other[:, :, d] += rng.normal(0, 1e-3, d)
        assert (loss(other) >= loss(best)).all()


def test_a_missing_point_stays_missing_and_has_no_say():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(6, 2))
    shape = moved(reference[None], rng)[0]
    shape[3] = np.nan
    aligned, _ = ordinary(shape, reference)
    assert np.isnan(aligned[3]).all()
    np.testing.assert_allclose(aligned[[0, 1, 2, 4, 5]], reference[[0, 1, 2, 4, 5]], atol=1e-9)


def test_what_has_no_shape_is_nan_and_disturbs_nobody():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(5, 2))
    shapes = np.stack([reference * 3, np.full((5, 2), 7.3), np.full((5, 2), np.nan), reference])
    shapes[3, 1:] = np.nan
    aligned, maps = ordinary(shapes, reference)
    np.testing.assert_allclose(aligned[0], reference, atol=1e-12)
    assert np.isnan(maps[1:]).all()


def test_weights_may_be_the_same_for_all_shapes():
    rng = np.random.default_rng(0)
    shapes, weights = rng.normal(size=(3, 5, 2)), rng.uniform(0, 1, 5)
    one, _ = ordinary(shapes, shapes[0], weights=weights)
    np.testing.assert_array_equal(one, ordinary(shapes, shapes[0], weights=np.tile(weights, (3, 1)))[0])


def test_wrong_shapes_and_weights_are_refused():
    with pytest.raises(ValueError, match="expected"):
        ordinary(np.zeros((2, 5, 2)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="0 or more"):
        ordinary(REGULAR, REGULAR, weights=[1, -1, 1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([2, 3]), st.booleans())
def test_laying_on_is_the_inverse_of_fitting_the_mean_to_the_shape(seed, d, scale):
    rng = np.random.default_rng(seed)
    mean, weights = rng.normal(size=(7, d)) + 3, rng.uniform(0.1, 2, (4, 7))
    shapes = moved(mean + 0.3 * rng.normal(size=(4, 7, d)), rng)
    shapes[0, 1] = np.nan
    _, to = ordinary(np.broadcast_to(mean, shapes.shape), shapes, scale=scale, weights=weights)
    maps = lay_on(shapes, mean, scale=scale, weights=weights)
    np.testing.assert_allclose(
        transforms.apply(maps, shapes), transforms.apply(transforms.invert(to), shapes), atol=1e-6
    )
    each = lay_on(shapes, np.broadcast_to(mean, shapes.shape), scale=scale, weights=weights)
    np.testing.assert_allclose(each, maps, rtol=1e-9, atol=1e-9)


def test_what_remains_after_laying_on_is_orthogonal_to_shift_turn_and_size():
    rng = np.random.default_rng(3)
    mean = unit(rng.normal(size=(6, 2)))
    shapes = mean + 0.1 * rng.normal(size=(5, 6, 2))
    laid = transforms.apply(lay_on(shapes, mean), shapes)
    rest = laid - mean
    np.testing.assert_allclose(rest.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose((rest * mean).sum(axis=(1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose((rest * (mean @ TURN.T)).sum(axis=(1, 2)), 0, atol=1e-12)


# --- generalised ---


@pytest.mark.parametrize("d", [2, 3])
def test_copies_of_one_shape_fall_together_and_give_back_their_sizes(d):
    rng = np.random.default_rng(d)
    shape = rng.normal(size=(6, d))
    shapes = moved(np.repeat(shape[None], 8, axis=0), rng)
    found = generalised(shapes)
    np.testing.assert_allclose(found.aligned, np.broadcast_to(found.mean, shapes.shape), atol=1e-9)
    np.testing.assert_allclose(found.sizes, centroid_size(shapes))
    assert centroid_size(found.mean) == pytest.approx(1)
    np.testing.assert_allclose(transforms.apply(found.maps, shapes), found.aligned, atol=1e-9)


def test_the_mean_of_two_triangles_lies_half_way():
    """Both are pi / 8 from it, because they are pi / 4 apart (see above)."""
    found = generalised(np.stack([REGULAR, FLAT]))
    np.testing.assert_allclose((found.aligned * found.mean).sum(axis=(1, 2)), np.cos(np.pi / 8))
    np.testing.assert_allclose(
        np.linalg.norm(tangent(found.aligned, found.mean) - found.mean, axis=(1, 2)), np.sin(np.pi / 8)
    )


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("scale", [True, False])
def test_moving_the_shapes_changes_nothing_but_the_maps(d, scale):
    rng = np.random.default_rng(5)
    shapes = rng.normal(size=(7, d)) + 0.2 * rng.normal(size=(12, 7, d))
    other = shapes @ rotation(d, rng).T * (3 if scale else 1) + 50
    a, b = generalised(shapes, scale=scale), generalised(other, scale=scale)
    distances = [np.linalg.norm(g.mean[:, None] - g.mean[None], axis=-1) for g in (a, b)]
    np.testing.assert_allclose(*distances, atol=1e-8)
    np.testing.assert_allclose(
        b.mean @ np.linalg.svd(a.mean.T @ b.mean)[2].T, a.mean @ np.linalg.svd(a.mean.T @ b.mean)[0], atol=1e-8
    )


def test_the_mean_lies_as_the_shapes_do():
    rng = np.random.default_rng(0)
    shape = unit(rng.normal(size=(8, 2)))
    found = generalised(40 * (shape + 0.02 * rng.normal(size=(30, 8, 2))) + 200)
    assert np.linalg.norm(found.mean - shape) < 0.05


def test_sizes_stay_in_a_rigid_fit():
    shapes = np.stack([REGULAR, REGULAR * 3 @ TURN.T + 9])
    found = generalised(shapes, scale=False)
    np.testing.assert_allclose(centroid_size(found.aligned), centroid_size(shapes))
    assert centroid_size(found.mean) == pytest.approx(2 * centroid_size(REGULAR))


@pytest.mark.parametrize("d", [2, 3])
def test_missing_points_are_laid_as_if_they_were_there(d):
    rng = np.random.default_rng(d)
    shapes = moved(np.repeat(rng.normal(size=(1, 8, d)), 10, axis=0), rng)
    sizes = centroid_size(shapes)
    shapes[rng.random((10, 8)) < 0.3] = np.nan
    found = generalised(shapes)
    np.testing.assert_allclose(found.sizes, sizes, rtol=1e-6)
    away = found.aligned - found.mean
    assert np.nanmax(np.abs(away)) < 1e-7
    assert (np.isnan(found.aligned) == np.isnan(shapes)).all()


def test_no_shape_is_complete_and_yet_all_is_known():
    shape = np.array([[0, 0], [4, 0], [4, 3], [1, 5], [-2, 2.0]])
    shapes = np.repeat(shape[None], 3, axis=0)
    shapes[0, 0] = shapes[1, 1] = shapes[2, 2] = np.nan
    np.testing.assert_allclose(generalised(shapes).mean, unit(shape), atol=1e-7)


def test_mirror_images_are_only_turned_over_when_asked():
    shape = np.random.default_rng(2).normal(size=(6, 3))
    shapes = np.stack([shape, shape * [-1, 1, 1], shape])
    assert np.abs(generalised(shapes).aligned - generalised(shapes).mean).max() > 0.05
    found = generalised(shapes, reflect=True)
    np.testing.assert_allclose(found.aligned, np.broadcast_to(found.mean, shapes.shape), atol=1e-8)


def test_nothing_to_align_is_said():
    with pytest.raises(ValueError, match="two points"):
        generalised(np.zeros((3, 4, 2)))
    shapes = np.random.default_rng(0).normal(size=(3, 4, 2))
    shapes[:, 2] = np.nan
    with pytest.raises(ValueError, match="no shape has point 2"):
        generalised(shapes)
    with pytest.raises(ValueError, match="expected"):
        generalised(np.zeros((3, 4, 5)))


def test_a_shape_without_points_is_nan_and_the_others_stand():
    shapes = np.repeat(REGULAR[None], 3, axis=0)
    shapes[1] = np.nan
    found = generalised(shapes)
    assert np.isnan(found.aligned[1]).all()
    assert np.isfinite(found.aligned[[0, 2]]).all()
