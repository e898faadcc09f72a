import numpy as np

from cairn.augment import Augmentation, change_pixels, random_map
from cairn.geometry import transforms


def test_the_same_generator_gives_the_same_picture_and_the_input_is_left_alone():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    before = pixels.copy()
    for seed in range(20):
        a, b = (change_pixels(pixels, Augmentation(), np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(a, b)
        assert a.shape == pixels.shape
        assert a.dtype == np.uint8
    np.testing.assert_array_equal(pixels, before)


def test_no_strength_changes_nothing():
    still = Augmentation(0, 0, 0, 0, 0, 0, 0, 0)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(change_pixels(pixels, still, np.random.default_rng(1)), pixels)
    np.testing.assert_allclose(random_map(still, 64, 1.3, np.random.default_rng(1)), [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_the_box_moves_as_far_as_is_said():
    how = Augmentation(shift=0.05, zoom=0, turn=0)
    rng = np.random.default_rng(0)
    moves = np.array([random_map(how, 130, 1.3, rng)[:, 2] for _ in range(3000)])
    np.testing.assert_allclose(moves.std(0), 0.05 * 100, rtol=0.05)  # the box's longer side is 100 of the 130 px


def test_turns_are_about_the_middle():
    matrix = random_map(Augmentation(shift=0), 65, 1.3, np.random.default_rng(0))
    np.testing.assert_allclose(transforms.apply(matrix, [[32, 32]]), [[32, 32]])
