import numpy as np

from cairn.detectors.ert.patches import grey_patch
from cairn.geometry import transforms


def dotted(x, y, size=(200, 160)):
    import cv2

    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    cv2.circle(pixels, (x, y), 6, (255, 255, 255), -1, cv2.LINE_AA)
    return pixels


def centre_of_light(patch):
    v, u = np.mgrid[: patch.shape[0], : patch.shape[1]]
    return np.array([(u * patch.astype(float)).sum(), (v * patch.astype(float)).sum()]) / patch.astype(float).sum()


def where(box, x, y):
    return (np.array([[x, y]]) - box[:2]) / (box[2:] - box[:2])


def test_a_known_pixel_is_where_the_map_says():
    for box in ([60.3, 40.7, 140.2, 110.9], [80, 50, 110, 70], [20, 10, 190, 150]):
        box = np.array(box, float)
        patch, frame = grey_patch(dotted(95, 60), box, 64, 0.3)
        assert np.abs(centre_of_light(patch) - transforms.apply(frame, where(box, 95, 60))[0]).max() < 0.15


def test_a_known_pixel_is_where_the_map_says_when_the_picture_ends_in_the_patch():
    box = np.array([-20.0, -10, 60, 50])
    patch, frame = grey_patch(dotted(30, 25), box, 64, 0.3)
    assert np.abs(centre_of_light(patch) - transforms.apply(frame, where(box, 30, 25))[0]).max() < 0.15


def test_a_large_picture_is_averaged_and_not_picked_from():
    stripes = np.zeros((1000, 1000, 3), np.uint8)
    stripes[:, ::2] = 200
    patch, _ = grey_patch(stripes, np.array([300.0, 300, 700, 700]), 40, 0.2)
    assert patch[5:-5, 5:-5].std() < 25


def test_a_huge_box_costs_no_huge_memory():
    patch, frame = grey_patch(dotted(95, 60), np.array([-1e7, -1e7, 1e7, 1e7]), 32, 0.3)
    assert patch.shape == (51, 51)
    assert np.isfinite(frame).all()


def test_moving_picture_and_box_by_whole_pixels_changes_nothing():
    box = np.array([70.3, 40.1, 120.7, 90.9])
    a, frame = grey_patch(dotted(95, 60), box, 48, 0.2)
    b, moved = grey_patch(dotted(100, 67), box + np.array([5, 7, 5, 7]), 48, 0.2)
    assert np.array_equal(a, b)
    assert np.allclose(frame, moved)
