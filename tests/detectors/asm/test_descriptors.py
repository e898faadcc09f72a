import numpy as np

from cairn.detectors.asm.descriptors import CELLS, LENGTH, MARGIN, MIRRORED, describe, descriptor_maps


def descriptors(frame, places):
    out = np.empty((len(places), LENGTH), np.float32)
    describe(descriptor_maps(frame), CELLS, np.asarray(places, np.int64), out)
    return out


def noise(side=80, seed=0):
    import cv2

    rough = np.random.default_rng(seed).integers(30, 200, (side, side)).astype(np.uint8)
    return cv2.GaussianBlur(rough, (0, 0), 1.5)


def test_a_moved_picture_has_the_same_descriptors_elsewhere():
    picture = noise(120)
    a, b = picture[10:90, 10:90], picture[13:93, 6:86]
    here, there = descriptors(a, [[40, 40]]), descriptors(b, [[44, 37]])
    assert np.abs(here - there).max() < 0.1  # the frame's mean gradient has changed a little


def test_contrast_and_brightness_drop_out():
    picture = noise()
    half = (picture // 2 + 100).astype(np.uint8)
    away = np.abs(descriptors(picture, [[40, 40]]) - descriptors(half, [[40, 40]]))
    assert away.mean() < 0.02


def test_a_mirrored_picture_has_the_mirrored_descriptor():
    picture = noise()
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    here, there = descriptors(picture, [[30, 44]]), descriptors(mirrored, [[79 - 30, 44]])
    assert np.abs(here[:, MIRRORED] - there).max() < 0.01
    assert np.abs(here - there).max() > 0.1


def test_a_flat_picture_has_none():
    assert descriptors(np.full((60, 60), 90, np.uint8), [[30, 30]]).max() == 0


def test_cells_stay_within_the_margin():
    assert np.abs(CELLS[:, :2]).max() < MARGIN
