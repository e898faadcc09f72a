"""A folder of small pictures, and data sets about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from cairn.dataset import Dataset
from cairn.geometry import boxes
from cairn.images import ImageList
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

SIZES = ((20, 30), (31, 17), (12, 12))  # width, height


def save_blank(path: Path, width: int, height: int) -> Path:
    """A black picture."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the pictures a.png, b.png and c.png of `SIZES`."""
    for name, (width, height) in zip("abc", SIZES, strict=True):
        save_blank(tmp_path / f"{name}.png", width, height)
    return tmp_path


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, once for all examples of a property."""
    path = tmp_path_factory.mktemp("pictures")
    for name, (width, height) in zip("abc", SIZES, strict=True):
        save_blank(path / f"{name}.png", width, height)
    return path


def pictures_of(folder: Path) -> ImageList:
    return ImageList(folder / f"{name}.png" for name in "abc")


def labelled(folder: Path, points: np.ndarray, image_index: list[int], names: tuple[str, ...] = ()) -> Dataset:
    """Points (N, K, 2) in the pictures of `folder`, boxes tight."""
    points = np.asarray(points, float)
    skeleton = Skeleton(names) if names else Skeleton.anonymous(points.shape[1])
    landmarks = Landmarks(skeleton, points, boxes.around(points), np.array(image_index, np.int64))
    return Dataset(pictures_of(folder), landmarks)


# N rows of 3 points, with some missing; rows sorted by image, one to an image
_coordinate = st.floats(-5, 40, allow_nan=False, width=32)
_point = st.one_of(st.tuples(_coordinate, _coordinate), st.just((np.nan, np.nan)))
one_each = st.lists(st.lists(_point, min_size=3, max_size=3), min_size=3, max_size=3).map(np.array)
several = st.lists(
    st.tuples(st.integers(0, 2), st.lists(_point, min_size=3, max_size=3).map(np.array)), min_size=1, max_size=5
).map(lambda rows: sorted(rows, key=lambda r: r[0]))


def same_points(a: Dataset, b: Dataset, atol: float = 1e-6) -> None:
    np.testing.assert_allclose(a.landmarks.points, b.landmarks.points, atol=atol, rtol=0)
    np.testing.assert_allclose(a.landmarks.boxes, b.landmarks.boxes, atol=atol, rtol=0)
    assert a.landmarks.image_index.tolist() == b.landmarks.image_index.tolist()
    assert [a.images.label(i) for i in range(len(a.images))] == [b.images.label(i) for i in range(len(b.images))]
