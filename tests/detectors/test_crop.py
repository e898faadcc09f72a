import numpy as np
import pytest

from cairn.detectors.crop import crop
from cairn.geometry import transforms


def spot(width, height, x, y, radius):
    """A white disc on black with its centre at (x, y), edges smoothed by exact coverage on a finer grid."""
    fine = (np.arange(-2, 3) / 5)[None]
    xs = (np.arange(width)[:, None] + fine).ravel()
    ys = (np.arange(height)[:, None] + fine).ravel()
    inside = ((xs[None] - x) ** 2 + (ys[:, None] - y) ** 2 <= radius**2).astype(float)
    grey = inside.reshape(height, 5, width, 5).mean((1, 3))
    return np.repeat((grey * 255).round().astype(np.uint8)[..., None], 3, -1)


def centroid(pixels):
    weight = pixels[..., 0].astype(float)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("side", [40, 64, 150, 333, 640])
def test_a_spot_lands_where_the_map_says_at_every_scale(side):
    picture = spot(700, 680, 340.3, 331.8, side / 8)
    box = np.array([[340.3 - 0.6 * side, 331.8 - 0.3 * side, 340.3 + 0.4 * side, 331.8 + 0.5 * side]])
    matrix = transforms.box_to_square(box, 64, 1.3)[0]
    np.testing.assert_allclose(
        centroid(crop(picture, matrix, 64)), transforms.apply(matrix, [[340.3, 331.8]])[0], atol=0.06
    )


def test_fine_stripes_become_grey_and_not_false_stripes():
    stripes = np.zeros((600, 600, 3), np.uint8)
    stripes[:, ::2] = 255
    small = crop(stripes, transforms.box_to_square([[0, 0, 600, 600.0]], 60, 0.9)[0], 60)
    assert np.ptp(small[5:-5, 5:-5].astype(int)) < 30


@pytest.mark.parametrize("box", [[-900, -900, -500, -500.0], [5000, 5000, 9000, 9000.0]])
def test_a_box_outside_the_picture_is_black(box):
    picture = np.full((50, 60, 3), 200, np.uint8)
    assert not crop(picture, transforms.box_to_square([box], 32, 1.3)[0], 32).any()


def test_the_picture_is_left_alone():
    picture = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    before = picture.copy()
    crop(picture, transforms.box_to_square([[0, 0, 280, 280.0]], 32, 1.3)[0], 32)
    np.testing.assert_array_equal(picture, before)
