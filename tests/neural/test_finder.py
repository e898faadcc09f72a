"""A finder trained in seconds, on pictures with light kites on dark noise."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
from dataclasses import replace

from cairn.dataset import Dataset
from cairn.detectors.checks import check_finder
from cairn.detectors.contract import Run
from cairn.detectors.finder import CenterFinder
from cairn.errors import InputError
from cairn.geometry import boxes
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.neural.finder import CenterNet, best_threshold
from cairn.skeleton import Skeleton
from tests.conftest import draw_kites

SMALL = {
    "input_size": 96,
    "widths": (8, 12, 16, 24, 24),
    "blocks": (0, 1, 1, 1),
    "batch_size": 8,
    "variety": {"smallest": 12.0},
}


@pytest.fixture(scope="module")
def trained():
    data = draw_kites(30, each=2, size=(140, 110), share=0.5, seed=1)
    empty = [Image(np.random.default_rng(i).integers(0, 60, (110, 140, 3)).astype(np.uint8)) for i in range(4)]
    data = replace(data, images=ImageList([*data.images, *empty]))
    return CenterNet(**SMALL).fit(data, validation=draw_kites(6, seed=2, share=0.5), run=Run(steps=150))


def test_it_finds_every_object_of_new_pictures_and_little_else(trained):
    new = draw_kites(10, each=2, size=(150, 110), share=0.5, seed=3)
    found = trained.predict(list(new.images))
    overlap = [boxes.iou(b, t) for (b, _), t in zip(found, new.boxes, strict=True)]
    hit = np.concatenate([o.max(axis=0, initial=0) > 0.5 for o in overlap])
    assert hit.mean() >= 0.9
    assert sum(len(b) for b, _ in found) <= 1.2 * len(new)


def test_nothing_is_found_in_an_empty_picture(trained):
    noise = np.random.default_rng(9).integers(0, 60, (120, 160, 3)).astype(np.uint8)
    assert len(trained.predict([Image(noise)])[0][0]) == 0


def test_a_training_can_start_from_a_finder(trained):
    data = draw_kites(8, each=2, size=(140, 110), share=0.5, seed=1)
    gently = {"rate": 1e-6}
    again = CenterNet(**SMALL, schedule=gently).fit(data, run=Run(steps=1, start=trained.state()))
    picture = data.images[0]
    np.testing.assert_allclose(again.predict([picture])[0][0][:1], trained.predict([picture])[0][0][:1], atol=3)


def test_objects_twice_as_large_are_found_too(trained):
    new = draw_kites(6, size=(300, 240), share=0.5, seed=5)
    found = trained.predict(list(new.images))
    overlap = [boxes.iou(b, t).max(initial=0) for (b, _), t in zip(found, new.boxes, strict=True)]
    assert np.mean(np.array(overlap) > 0.5) >= 0.8


def test_the_threshold_is_chosen_on_the_validation_set(trained):
    assert 0.05 <= trained.runner_.threshold < 1
    assert best_threshold(trained.runner_, draw_kites(6, seed=2, share=0.5), 0.4) == trained.runner_.threshold


def scripted(answers):
    """A runner that "finds" what it is told, picture by picture."""
    runner = CenterFinder()
    rows = iter(answers)
    runner.graph_ = lambda batch: [next(rows)]
    return runner


def cells(*objects):
    """A graph's output for a picture of 96 x 96 px: (score, x, y, side) of each object."""
    out = np.zeros((1, 12, 12, 5), np.float32)
    for score, x, y, side in objects:
        i, j = round((y - 3.5) / 8), round((x - 3.5) / 8)
        out[0, i, j] = [score, x - (3.5 + 8 * j), y - (3.5 + 8 * i), side, side]
    return out


def test_boxes_on_unlabelled_objects_do_not_raise_the_threshold_where_empty_pictures_tell():
    images = ImageList([Image(np.zeros((96, 96, 3), np.uint8))] * 3)
    points = np.array([[[20.0, 20], [40, 40]]] * 2)
    labels = Landmarks(Skeleton(("a", "b")), points, boxes.around(points), np.array([0, 1]))
    answers = [cells((0.5, 30, 30, 20), (0.8, 75, 75, 16)), cells((0.6, 30, 30, 20)), cells((0.3, 50, 50, 20))]
    with_empty = Dataset(images, labels)
    assert 0.3 < best_threshold(scripted(answers), with_empty, 0.1) <= 0.5
    # Without an empty picture every box that is no label is false, and the one at 0.8 stands above both objects.
    assert best_threshold(scripted(answers), with_empty.take([0, 1]), 0.1) <= 0.5


def test_the_contract_is_kept():
    check_finder(lambda: CenterNet(**SMALL), draw_kites(6, seed=1), run=Run(steps=3))


def test_the_graph_is_small():
    net = CenterNet().fit(draw_kites(2), run=Run(steps=1))
    assert len(net.state().graphs["network"]) < 1_300_000


def test_data_without_labels_is_refused_in_one_sentence():
    data = draw_kites(3)
    none = np.full_like(data.landmarks.points, np.nan)
    data = replace(data, landmarks=Landmarks(data.skeleton, none, data.landmarks.boxes, data.landmarks.image_index))
    with pytest.raises(InputError, match="no labelled object"):
        CenterNet(**SMALL).fit(data, run=Run(steps=1))
