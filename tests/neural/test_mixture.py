"""A network on a mixture of two sets of points."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
from cairn.dataset import Dataset
from cairn.detectors.contract import Run
from cairn.landmarks import Landmarks
from cairn.neural.heatmap import HeatmapNet
from cairn.schemes.mixture import mixture
from cairn.skeleton import Skeleton
from tests.conftest import draw_kites

SMALL = {"input_size": 64, "scale": 1.6, "widths": (8, 16, 24), "blocks": (1, 1), "batch_size": 16}
FIVE = Skeleton(("top", "right", "left", "middle", "upper"), flip=(0, 2, 1, 3, 4), name="five")


def five_points(data: Dataset) -> Dataset:
    p = data.landmarks.points
    points = np.stack([p[:, 0], p[:, 1], p[:, 3], p.mean(axis=1), p[:, [0, 1, 3]].mean(axis=1)], axis=1)
    return replace(data, landmarks=Landmarks(FIVE, points, data.landmarks.boxes, data.landmarks.image_index))


def test_each_point_is_learnt_from_the_half_that_has_it():
    four = draw_kites(40, share=0.5)
    five = five_points(draw_kites(40, share=0.5, seed=1))
    both = mixture([four, five])
    assert both.skeleton.names == ("top", "right", "bottom", "left", "middle", "upper")
    net = HeatmapNet(**SMALL).fit(both, run=Run(seed=0, steps=150))
    new = draw_kites(15, share=0.5, seed=9)
    found = net.predict(new.images, new.boxes).points
    truth = np.concatenate([new.landmarks.points, five_points(new).landmarks.points[:, 3:]], axis=1)
    error = np.linalg.norm(found - truth, axis=-1).mean(axis=0)
    assert error.max() < 3, error  # px, of kites 50 px high
