from dataclasses import replace

import cv2
import numpy as np
import pytest

from cairn.evaluation.checks.duplicates import duplicate_findings, same_pictures
from cairn.evaluation.checks.pictures import look_at
from cairn.images import Image, ImageList


def scene(seed):
    """Blobs of many sizes, 300 x 240 px."""
    rng = np.random.default_rng(seed)
    out = np.zeros((240, 300, 3))
    for side in (4, 8, 16, 32, 64):
        small = rng.uniform(0, 1, (side, side, 3)).astype(np.float32)
        out += cv2.resize(small, (300, 240), interpolation=cv2.INTER_CUBIC)
    return np.clip(40 * out, 0, 255).astype(np.uint8)


SCENES = [scene(i) for i in range(20)]


def pairs_of(pixels):
    pairs, similarity, _ = same_pictures(look_at(ImageList(Image(p) for p in pixels)))
    return dict(zip(map(tuple, pairs.tolist()), similarity.tolist(), strict=True))


def test_different_pictures_are_different():
    assert pairs_of(SCENES) == {}


def test_equal_pixels_are_told_from_what_is_only_alike():
    assert pairs_of([*SCENES, SCENES[4].copy()]) == {(4, 20): 2.0}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: cv2.resize(p, (120, 96), interpolation=cv2.INTER_AREA),
        lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 25])[1], 1),
        lambda p: np.clip(0.5 * p + 60.0, 0, 255).astype(np.uint8),
        lambda p: cv2.cvtColor(p, cv2.COLOR_RGB2GRAY),
        lambda p: np.ascontiguousarray(p[6:-9, 8:-4]),
    ],
    ids=["smaller", "compressed", "brighter", "grey", "cut"],
)
def test_a_changed_copy_is_found(change):
    assert list(pairs_of([*SCENES, change(SCENES[4])])) == [(4, 20)]


def test_pictures_of_one_colour_are_not_copies_of_each_other():
    flat = [np.full((50, 50), v, np.uint8) for v in (0, 80, 200)]
    assert pairs_of(flat) == {}


def test_a_double_across_splits_is_an_error_and_inside_one_a_warning(good):
    images = ImageList([*good.images, good.images[0], good.images[1]])
    data = replace(good, images=images, split=np.array(["train"] * 61 + ["test"]))
    found = list(duplicate_findings(data, look_at(images)))
    assert {(f.images, f.severity) for f in found} == {((0, 60), "warning"), ((1, 61), "error")}


def test_frames_of_a_film_get_one_sentence(good):
    rng = np.random.default_rng(0)
    film = [Image(np.clip(SCENES[0] + rng.normal(0, 2, SCENES[0].shape), 0, 255).astype(np.uint8)) for _ in range(60)]
    data = replace(good, images=ImageList(film))
    found = list(duplicate_findings(data, look_at(data.images)))
    assert [f.kind for f in found] == ["alike_pictures"]
