import numpy as np
import pytest

from cairn.errors import InputError
from cairn.geometry import boxes
from cairn.landmarks import Landmarks
from cairn.shape import ShapeFamily
from cairn.shape.parts import Placement
from cairn.skeleton import Skeleton


def labels(points, parts, flip=None):
    skeleton = Skeleton(tuple(f"p{i}" for i in range(points.shape[1])), parts=parts, flip=flip)
    return Landmarks(skeleton, points, boxes.around(points)[:, : 2 * points.shape[2]], np.arange(len(points)))


PARTS = {"first": (0, 1, 2, 3), "tip": (7,), "pair": (4, 5)}


@pytest.fixture
def family(recipe):
    return ShapeFamily.fit(labels(recipe.draw(60, np.random.default_rng(0)), PARTS))


def test_parts_with_a_shape_have_a_model_and_all_have_a_place(family, recipe):
    d = recipe.mean.shape[1]
    assert list(family.parts) == ["first"]
    assert family.parts["first"].mean_.shape == (4, d)
    assert {name: len(p.centre) for name, p in family.relative.items()} == {
        "first": 4 if d == 2 else 7,
        "tip": d,
        "pair": 4,
    }


def test_without_parts_there_is_only_the_whole(recipe):
    family = ShapeFamily.fit(labels(recipe.draw(9, np.random.default_rng(0)), {}))
    assert not family.parts
    assert not family.relative


def test_where_a_part_sits_is_measured_as_it_was_moved(flat_recipe):
    """Shift by a tenth of the centroid size, twice as large, turned by 0.3."""
    placement = Placement.fit(flat_recipe.draw(40, np.random.default_rng(1)), (0, 1, 2), flat_recipe.mean)
    shape = flat_recipe.mean.copy()
    part, middle = shape[:3], shape[:3].mean(axis=0)
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    shape[:3] = 2 * (part - middle) @ turn.T + middle + [0.1, 0]
    found = placement.measure(50 * shape[None] + 7)[0]
    np.testing.assert_allclose(found, [0.1, 0, np.log(2), 0.3], atol=1e-9)


def test_a_part_in_the_wrong_place_is_far_and_others_do_not_suffer(family, recipe):
    shapes = recipe.draw(30, np.random.default_rng(2))
    size = np.ptp(shapes, axis=1).max(axis=1)
    wrong = shapes.copy()
    wrong[:, 7] += 0.5 * size[:, None]
    tip = family.relative["tip"]
    assert (tip.distance(wrong) > 5 * tip.distance(shapes).max()).mean() > 0.9
    np.testing.assert_allclose(
        family.parts["first"].transform(wrong[:, :4]), family.parts["first"].transform(shapes[:, :4])
    )


def test_distances_are_about_chi_squared(flat_recipe):
    rng = np.random.default_rng(3)
    placement = Placement.fit(flat_recipe.draw(500, rng), (0, 1, 2), flat_recipe.mean)
    distance = placement.distance(flat_recipe.draw(500, rng))
    assert distance.mean() == pytest.approx(4, rel=0.2)


def test_pose_has_no_say(family, recipe):
    shapes = recipe.draw(5, np.random.default_rng(4))
    for placement in family.relative.values():
        np.testing.assert_allclose(placement.measure(shapes * 3 - 80), placement.measure(shapes), atol=1e-9)


def test_missing_parts_are_nan(family, recipe):
    shapes = recipe.draw(3, np.random.default_rng(5))
    shapes[1, 7] = np.nan
    shapes[2, [0, 1, 2, 3, 4, 5, 6]] = np.nan
    assert np.isnan(family.relative["tip"].distance(shapes)).tolist() == [False, True, True]


def test_mirror_images_make_left_and_right_alike(flat_recipe):
    shapes = flat_recipe.draw(20, np.random.default_rng(6))
    flip = (1, 0, 3, 2, 5, 4, 7, 6)
    family = ShapeFamily.fit(labels(shapes, {"left": (0, 2, 4), "right": (1, 3, 5)}, flip))
    left, right = family.relative["left"], family.relative["right"]
    np.testing.assert_allclose(np.diag(left.covariance), np.diag(right.covariance), rtol=1e-6)
    np.testing.assert_allclose(family.parts["left"].variances_, family.parts["right"].variances_, rtol=1e-6)


def test_what_is_written_is_read_back(family, recipe):
    shapes = recipe.draw(4, np.random.default_rng(7))
    again = ShapeFamily.from_arrays(family.to_arrays())
    assert list(again.parts) == list(family.parts)
    for name in PARTS:
        np.testing.assert_array_equal(again.relative[name].distance(shapes), family.relative[name].distance(shapes))
    arrays = family.to_arrays()
    arrays["relative/tip/indices"] = np.array([99])
    with pytest.raises(InputError, match="'tip' does not fit"):
        ShapeFamily.from_arrays(arrays)
    del arrays["relative/tip/indices"]
    with pytest.raises(InputError, match="'tip' is not whole"):
        ShapeFamily.from_arrays(arrays)
