"""A check that never fails is worth nothing: each broken promise must be named."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cairn.detectors.checks import check_detector, check_finder, check_fitted_detector
from cairn.detectors.mean_shape import MeanShape
from cairn.detectors.whole_image import WholeImage
from cairn.landmarks import Landmarks
from tests.conftest import draw_kites


@dataclass
class Drops(MeanShape):
    def predict(self, images, boxes, *, init=None):
        found = super().predict(images, boxes, init=init)
        return found.take(found.labelled.all(axis=1))


@dataclass
class Remembers(MeanShape):
    def predict(self, images, boxes, *, init=None):
        self.calls_ = getattr(self, "calls_", 0) + 1
        found = super().predict(images, boxes, init=init)
        return replace(found, points=found.points + self.calls_)


@dataclass
class Paints(MeanShape):
    def predict(self, images, boxes, *, init=None):
        for image in images:
            image.pixels[0, 0] = 255 - image.pixels[0, 0]
        return super().predict(images, boxes, init=init)


@dataclass
class LooksAtItsNeighbours(MeanShape):
    def predict(self, images, boxes, *, init=None):
        found = super().predict(images, boxes, init=init)
        return replace(found, points=found.points + len(found))


@dataclass
class Sorts(MeanShape):
    def predict(self, images, boxes, *, init=None):
        found = super().predict(images, boxes, init=init)
        return found.take(np.argsort(found.points[:, 0, 0])) if np.isfinite(found.points).all() else found


@dataclass
class Sure(MeanShape):
    def predict(self, images, boxes, *, init=None):
        found = super().predict(images, boxes, init=init)
        return replace(found, confidence=np.full(found.points.shape[:2], 1.5))


@dataclass
class Forgets(MeanShape):
    def state(self):
        state = super().state()
        state.arrays["mean"] = np.round(state.arrays["mean"], 2)
        return state


@dataclass
class ColourOnly(MeanShape):
    def predict(self, images, boxes, *, init=None):
        for image in images:
            if image.pixels.ndim != 3:
                raise AssertionError("cannot look at a grey picture")
        return super().predict(images, boxes, init=init)


@dataclass
class Anchored(MeanShape):
    def predict(self, images, boxes, *, init=None):
        found = super().predict(images, boxes, init=init)
        return replace(found, points=found.points * 1.01)


@dataclass
class BlindToTheBox(MeanShape):
    def predict(self, images, boxes, *, init=None):
        found = super().predict(images, boxes, init=init)
        ok = found.labelled.all(axis=1)
        middle = np.array([[[i.size[0] / 2, i.size[1] / 2]] for i in images]).reshape(-1, 1, 2)[found.image_index]
        points = np.where(ok[:, None, None], middle + np.zeros_like(found.points), np.nan)
        return replace(found, points=points)


@dataclass
class Busy(MeanShape):
    def __post_init__(self):
        self.mean_ = np.zeros((4, 2))


@dataclass
class Moves(MeanShape):
    def fit(self, dataset, *, validation=None, run=None):
        super().fit(dataset)
        dataset.landmarks.points[0] += 1
        return self


@pytest.mark.parametrize(
    ("cls", "promise"),
    [
        (Drops, "NaN"),
        (Remembers, "two calls"),
        (Paints, "pixels"),
        (LooksAtItsNeighbours, "alone"),
        (Sorts, "follow|boxes must be"),
        (Sure, r"\[0, 1\]"),
        (Forgets, "from_state"),
        (ColourOnly, "grey"),
        (Anchored, "moving picture and box"),
        (BlindToTheBox, "moving picture and box"),
        (Busy, "constructor"),
        (Moves, "fit changed the dataset"),
    ],
)
def test_a_broken_promise_is_named(cls, promise):
    with pytest.raises(AssertionError, match=promise):
        check_detector(cls, draw_kites(5, each=2))


@dataclass
class WorstFirst(WholeImage):
    def predict(self, images):
        return [(np.repeat(b, 2, 0), np.array([0.1, 0.9])) for b, _ in super().predict(images)]


@dataclass
class UpsideDown(WholeImage):
    def predict(self, images):
        return [(b[:, [2, 3, 0, 1]], s) for b, s in super().predict(images)]


@pytest.mark.parametrize(("cls", "promise"), [(WorstFirst, "best first"), (UpsideDown, "upside down")])
def test_a_finders_broken_promise_is_named(cls, promise):
    with pytest.raises(AssertionError, match=promise):
        check_finder(cls, draw_kites(3))


def test_a_fitted_detector_is_not_fitted_again():
    data = draw_kites(4)
    detector = MeanShape().fit(data)
    mean = detector.mean_
    check_fitted_detector(detector, data)
    assert detector.mean_ is mean
    assert isinstance(detector.predict(list(data.images), data.boxes), Landmarks)
