from dataclasses import replace

import cv2
import numpy as np
import pytest

from cairn.evaluation.checks.origins import origin_findings
from cairn.images import Image, ImageList


@pytest.fixture(scope="module")
def drawn(good):
    """Pictures in which each point is a blot of its own brightness, and labels with half a pixel of noise."""
    rng = np.random.default_rng(0)
    images = []
    for points in good.landmarks.points:
        pixels = np.full((120, 160), 90.0, np.float32)
        for k, (x, y) in enumerate(points):
            across, down = np.meshgrid(np.arange(160) - x, np.arange(120) - y)
            pixels += (40 + 15 * k) * np.exp(-(across**2 + down**2) / 18) * (1 if k % 2 else -1)
        images.append(Image(np.clip(cv2.GaussianBlur(pixels, (0, 0), 1), 0, 255).astype(np.uint8)))
    points = good.landmarks.points + rng.normal(0, 0.5, good.landmarks.points.shape)
    source = np.array(["first", "second"] * 30)
    labels = replace(good.landmarks, points=points)
    return replace(good, images=ImageList(images), landmarks=labels, columns={"source": source})


def found(data, by):
    second = (data.columns["source"] == "second")[:, None, None]
    points = data.landmarks.points + np.asarray(by) * second
    moved = replace(data, landmarks=replace(data.landmarks, points=points))
    return list(origin_findings(moved, np.ones(len(data), bool)))


@pytest.mark.parametrize("step", [1.0, -1.0, 2.0])
def test_another_origin_is_seen_in_the_pictures(drawn, step):
    (one,) = found(drawn, step)
    assert one.kind == "offset"
    assert set(one.names) == {"first", "second"}


def test_the_same_origin_is_silent(drawn):
    assert found(drawn, 0.0) == []


def test_people_who_differ_in_one_direction_are_not_an_origin(drawn):
    assert found(drawn, [0.0, 1.5]) == []


def test_pictures_without_anything_at_the_points_say_nothing(drawn):
    flat = replace(drawn, images=ImageList([Image(np.full((120, 160), 90, np.uint8))] * 60))
    assert found(flat, 1.0) == []


def test_one_source_is_not_compared(drawn):
    assert found(replace(drawn, columns={"source": np.array(["one"] * 60)}), 0.0) == []
