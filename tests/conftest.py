"""Pictures that the tests draw themselves, with points that are known exactly."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.geometry import boxes
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

KITE = Skeleton(
    names=("top", "right", "bottom", "left"),
    edges=((0, 1), (1, 2), (2, 3), (3, 0)),
    flip=(0, 3, 2, 1),
    parts={"upper": (0, 1, 3)},
    normalisers={"width": ((3,), (1,))},
    name="kite",
    source="drawn by the tests",
)


def draw_kites(
    pictures: int,
    *,
    each: int = 1,
    size: tuple[int, int] = (120, 100),
    share: float = 0.3,
    wander: float = 1.0,
    seed: int = 0,
    licence: str = "",
) -> Dataset:
    """Light kites on dark noise, their corners labelled.

    Parameters
    ----------
    pictures : how many
    each : kites in a picture, side by side
    size : width and height, px
    share : of a kite's longer side in the picture's (or its part of it)
    wander : 0 draws every kite in the middle; 1 anywhere that it fits
    """
    import cv2

    rng = np.random.default_rng(seed)
    images, points, index = [], [], []
    width, height = size
    for i in range(pictures):
        pixels = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
        for j in range(each):
            part = width / each
            half = share * min(part, height) / 2
            shape = np.array([[0, -1], [0.7, -0.3], [0, 1], [-0.7, -0.3]]) * half
            shape += rng.normal(0, 0.04 * half, shape.shape)
            room = np.array([part, height]) / 2 - 1.1 * half
            middle = np.array([part * (j + 0.5), height / 2]) + wander * rng.uniform(-1, 1, 2) * np.maximum(room, 0)
            kite = shape + middle
            cv2.fillConvexPoly(pixels, np.round(kite * 16).astype(np.int32), (230, 200, 90), cv2.LINE_AA, 4)
            points.append(kite)
            index.append(i)
        images.append(Image(pixels, source=Source(f"kite{i:03d}.png")))
    array = np.array(points).reshape(-1, 4, 2)
    landmarks = Landmarks(KITE, array, boxes.around(array), np.array(index, np.int64))
    return Dataset(ImageList(images), landmarks, licence=licence)


@pytest.fixture
def kites() -> Dataset:
    """Twelve pictures with one small kite each, anywhere."""
    return draw_kites(12)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG of 120 x 100 px with one kite."""
    import cv2

    path = tmp_path / "kite.png"
    cv2.imwrite(str(path), draw_kites(1, seed=7).images[0].pixels[..., ::-1])
    return path


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("CAIRN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real data (CAIRN_DATA, or ../shared/data) is not here")
    return folder
