"""Labels that are right: an object with a left and a right, drawn into each picture, in 60 pictures."""

from dataclasses import replace

import numpy as np
import pytest

import cairn
from cairn.dataset import Dataset
from cairn.geometry import boxes as box_geometry
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks

SHAPE = np.array([[-30, -20], [30, -20], [-14, -14], [14, -14], [0, 2], [-16, 22], [16, 22], [0, 34.0]])
NAMES = ("left_ear", "right_ear", "left_eye", "right_eye", "nose", "left_mouth", "right_mouth", "chin")


def made(n=60, seed=0):
    """N upright objects of eight points, one in a picture of 160 x 120 px, with shapes that vary by about 1 px."""
    rng = np.random.default_rng(seed)
    points = np.empty((n, 8, 2))
    images = []
    for i in range(n):
        angle, size = rng.normal(0, 0.1), rng.uniform(0.8, 1.1)
        turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points[i] = (SHAPE + rng.normal(0, 1, SHAPE.shape)) @ turn.T + [80, 60] + rng.normal(0, 5, 2)
        small = rng.integers(0, 255, (12, 16, 3)).astype(np.uint8)
        images.append(Image(np.kron(small, np.ones((10, 10, 1), np.uint8))))
    skeleton = cairn.Skeleton(NAMES, flip=(1, 0, 3, 2, 4, 6, 5, 7), parts={"eyes": (2, 3)})
    labels = Landmarks(skeleton, points, box_geometry.around(points), np.arange(n))
    return Dataset(ImageList(images), labels)


@pytest.fixture(scope="session")
def good() -> Dataset:
    return made()


@pytest.fixture
def with_points(good):
    """The good data with other points."""

    def change(points, **labels):
        labels.setdefault("boxes", box_geometry.around(points))
        return replace(good, landmarks=replace(good.landmarks, points=points, **labels))

    return change


@pytest.fixture
def points(good):
    """A copy to be spoilt."""
    return good.landmarks.points.copy()
