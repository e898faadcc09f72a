import numpy as np
import pytest

from cairn.shape.model import ShapeModel
from cairn.shape.plots import draw_modes
from cairn.skeleton import Skeleton


def has(picture, colour):
    """Pixels of about this colour."""
    return int((np.abs(picture.astype(int) - colour).max(axis=-1) < 40).sum())


BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def test_a_row_for_each_mode(recipe):
    model = ShapeModel(3).fit(recipe.draw(30, np.random.default_rng(0)))
    one, two = (draw_modes(model, modes=n) for n in (1, 2))
    assert one.dtype == np.uint8
    assert two.shape[0] == pytest.approx(2 * one.shape[0], rel=0.1)
    assert two.shape[1] == one.shape[1]
    np.testing.assert_array_equal(draw_modes(model, modes=50), draw_modes(model, modes=3))


def test_below_and_above_the_mean_have_their_colours(recipe):
    model = ShapeModel(1).fit(recipe.draw(30, np.random.default_rng(0)))
    names = tuple(map(str, range(8)))
    bare = draw_modes(model)
    edged = draw_modes(model, Skeleton(names, edges=tuple((i, i + 1) for i in range(7))))
    for colour in (BLUE, ORANGE):
        assert 20 < has(bare, colour) < has(edged, colour)


def test_low_is_left_of_the_mean_and_high_right_of_it():
    """One point runs along x: blue in the first panels, orange in the last."""
    run = np.linspace(-1, 1, 21)
    shapes = np.repeat(np.array([[[0, 0], [0, 4], [8, 4], [8, 0], [4, 2.0]]]), 21, axis=0)
    shapes[:, 4, 0] += run
    model = ShapeModel(1, shrinkage=0).fit(shapes)
    picture = draw_modes(model)
    half = picture.shape[1] // 2
    assert has(picture[:, :half], BLUE) > 0 == has(picture[:, half:], BLUE)
    assert has(picture[:, half:], ORANGE) > 0 == has(picture[:, :half], ORANGE)


@pytest.mark.parametrize("points", [5, 90])
def test_specimens_have_a_row_of_their_own(points):
    shapes = np.random.default_rng(0).normal(size=(1, points, 2)) + 0.01 * np.random.default_rng(1).normal(
        size=(9, points, 2)
    )
    model = ShapeModel(1).fit(shapes)
    assert draw_modes(model, aligned=model.align(shapes)).shape[0] == 2 * draw_modes(model).shape[0]


def test_shapes_that_are_all_one_can_be_drawn():
    shapes = np.repeat(np.random.default_rng(0).normal(size=(1, 5, 2)), 6, axis=0)
    assert draw_modes(ShapeModel().fit(shapes)).size
