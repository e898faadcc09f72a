"""Pictures for training in seconds: three coloured spots whose centres are the points."""

import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.geometry import boxes
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])


def _coloured_spots(n=6, flip=(1, 0, 2), seed=0):
    """Red, green and blue spots on black; the points are their centres."""
    rng = np.random.default_rng(seed)
    points = np.array([[60, 60], [100, 62], [78, 100]]) + rng.integers(-8, 9, (n, 1, 2))
    points += rng.integers(-3, 4, (n, 3, 2))
    pictures = []
    for row in points:
        picture = np.zeros((160, 170, 3), np.uint8)
        for (x, y), colour in zip(row, COLOURS, strict=True):
            picture[y - 4 : y + 5, x - 4 : x + 5] = colour
        pictures.append(Image(picture))
    skeleton = Skeleton(("a", "b", "c"), flip=flip)
    return Dataset(ImageList(pictures), Landmarks(skeleton, points, boxes.around(points), np.arange(n)))


@pytest.fixture(scope="session")
def coloured_spots():
    """The function that draws them: (n, flip, seed) -> Dataset."""
    return _coloured_spots
