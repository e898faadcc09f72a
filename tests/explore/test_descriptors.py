import cv2
import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.explore import descriptors, read_rows
from cairn.formats import write
from cairn.geometry import boxes, transforms
from cairn.images import ImageList
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

SHAPE = np.array([[40.0, 40], [90, 45], [85, 95], [35, 90]])


def texture(seed):
    """A smooth random picture, so that turning it loses nothing."""
    noise = np.random.default_rng(seed).uniform(0, 255, (140, 140, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture
def seen(tmp_path):
    """Two textures, each as it is, turned, and shrunk: the labels go with them; the shapes differ a little."""
    maps = [np.eye(2, 3), transforms.rotation_about([65, 65], 0.5), transforms.rotation_about([65, 65], 0.0, 0.7)]
    points = []
    for i in range(6):
        matrix = maps[i % 3]
        cv2.imwrite(str(tmp_path / f"{i}.png"), cv2.warpAffine(texture(i // 3), matrix, (140, 140)))
        points.append(transforms.apply(matrix, SHAPE))
    points = np.array(points)
    marks = Landmarks(Skeleton.anonymous(4), points, boxes.around(points), np.arange(6))
    write(Dataset(ImageList(tmp_path / f"{i}.png" for i in range(6)), marks), tmp_path / "labels.csv")
    return tmp_path / "labels.csv"


def test_what_looks_alike_is_near_however_it_is_turned_and_scaled(seen):
    table = read_rows(seen, kind="descriptors")
    assert table.kind == "descriptors"
    assert table.rows.shape == (6, 4 * 128)
    assert table.rows.dtype == np.float32
    assert table.columns[0] == "p0_0"
    assert table.columns[-1] == "p3_127"
    np.testing.assert_allclose((table.rows.reshape(6, 4, 128) ** 2).sum(axis=-1), 1, rtol=1e-5)
    apart = np.linalg.norm(table.rows[:, None] - table.rows[None], axis=-1)
    same = np.arange(6)[:, None] // 3 == np.arange(6)[None] // 3
    assert apart[same].max() < 0.5 * apart[~same].min()


def test_a_flat_picture_has_no_looks_but_is_no_error(seen):
    cv2.imwrite(str(seen.parent / "0.png"), np.full((140, 140, 3), 90, np.uint8))
    rows = read_rows(seen, kind="descriptors").rows
    assert not rows[0].any()
    assert np.isfinite(rows).all()


def test_bad_wishes_are_one_sentence(seen, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="kind 'looks': expected shapes or descriptors"):
        read_rows(seen, kind="looks")
    np.save(tmp_path / "a.npy", np.zeros((5, 2)))
    with pytest.raises(InputError, match=r"a\.npy: is a table and has no descriptors"):
        read_rows(tmp_path / "a.npy", kind="descriptors")
    monkeypatch.setattr(descriptors, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="descriptors of 6 objects at 4 points take"):
        read_rows(seen, kind="descriptors")
