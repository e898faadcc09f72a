"""The contract of `cairn.detectors.contract`, put to the test: for our own detectors and for plug-ins.

`check_detector(make, dataset)` fits what `make()` gives and puts the fitted thing through `check_fitted_detector`; a
promise that is broken is an AssertionError whose sentence says which. `check_finder` and `check_fitted_finder` do the
same for finders. A trainable network whose fit leaves a runner in ``runner_`` is checked as that runner, since the
runner is what is saved and shipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Finder, Run, State
from cairn.geometry import boxes as box_geometry
from cairn.images import Image
from cairn.landmarks import Landmarks

__all__ = ["check_detector", "check_finder", "check_fitted_detector", "check_fitted_finder"]

BATCH = 1e-3  # px, by which the size of a batch may change a point
SHIFTED = 0.05  # px, after moving picture and box by whole pixels: resampling rounds to 1/32 px
_PICTURES = 4  # of the dataset that are looked at


def check_detector(make: Callable[[], Detector], dataset: Dataset, *, run: Run = Run()) -> None:
    """Fit ``make()`` on `dataset` and hold it to every promise of the contract.

    Parameters
    ----------
    make : gives a new, unfitted detector each time
    dataset : a few labelled pictures; a detector need not become good on them
    run : how to fit; give a network a few steps

    Raises
    ------
    AssertionError : a promise is broken; the message says which
    """
    detector = make()
    _check_unfitted(detector)
    before = _Untouched(dataset)
    settings = detector.settings()
    fitted = detector.fit(dataset, run=run)
    assert fitted is detector, "fit must return the detector itself"
    assert detector.settings() == settings, "fit changed a hyper-parameter; fitted state belongs into names ending in _"
    before.check("fit")
    runner = getattr(detector, "runner_", detector)
    check_fitted_detector(runner, dataset)
    images, boxes = _pictures(dataset)
    first = runner.predict(images, boxes)
    if runner is not detector:
        away = _distance(detector.predict(images, boxes), first)
        assert away <= BATCH, f"the network and the runner that it leaves disagree by {away:.2g} px"
    again = make().fit(dataset, run=run)
    away = _distance(getattr(again, "runner_", again).predict(images, boxes), first)
    assert away <= BATCH, f"two fits with the same seed disagree by {away:.2g} px"


def check_fitted_detector(detector: Detector, dataset: Dataset) -> None:
    """Hold a detector that is already fitted to the promises of ``predict`` and ``state``.

    Raises
    ------
    AssertionError : a promise is broken; the message says which
    """
    images, boxes = _pictures(dataset)
    assert sum(map(len, boxes)) > 0, "the dataset given to the check has no valid box in its first pictures"
    found = detector.predict(images, boxes)
    _check_rows(found, boxes)
    _check_figures(found)
    _check_purity(detector, images, boxes, found)
    _check_batches(detector, images, boxes, found)
    _check_empty(detector, images, boxes)
    _check_bad_boxes(detector, images, boxes, found)
    _check_pixel_types(detector, images, boxes)
    if detector.uses_box:
        _check_translation(detector, images, boxes)
    _check_box_dependence(detector, images, boxes)
    _check_state(detector, images, boxes, found)


def check_finder(make: Callable[[], Finder], dataset: Dataset, *, run: Run = Run()) -> None:
    """Fit ``make()`` on `dataset` and hold it to every promise of the contract.

    Raises
    ------
    AssertionError : a promise is broken; the message says which
    """
    finder = make()
    _check_unfitted(finder)
    before = _Untouched(dataset)
    settings = finder.settings()
    assert finder.fit(dataset, run=run) is finder, "fit must return the finder itself"
    assert finder.settings() == settings, "fit changed a hyper-parameter; fitted state belongs into names ending in _"
    before.check("fit")
    runner = getattr(finder, "runner_", finder)
    check_fitted_finder(runner, dataset)
    images, _ = _pictures(dataset)
    again = make().fit(dataset, run=run)
    same = _same_boxes(getattr(again, "runner_", again).predict(images), runner.predict(images), BATCH)
    assert same, "two fits with the same seed find different boxes"


def check_fitted_finder(finder: Finder, dataset: Dataset) -> None:
    """Hold a finder that is already fitted to the promises of ``predict`` and ``state``.

    Raises
    ------
    AssertionError : a promise is broken; the message says which
    """
    images, _ = _pictures(dataset)
    copies = [Image(i.pixels.copy(), i.affine, i.source) for i in images]
    found = finder.predict(images)
    _check_boxes(found, len(images))
    assert all(a.equals(b) for a, b in zip(images, copies, strict=True)), "predict changed the pictures it was given"
    assert _same_boxes(finder.predict(images), found, 0), "two calls with the same pictures give different boxes"
    assert finder.predict([]) == [], "no pictures must give an empty list"
    alone = [finder.predict([image])[0] for image in images]
    assert _same_boxes(alone, found, BATCH), f"pictures one by one and together differ by more than {BATCH} px"
    back = finder.predict(images[::-1])[::-1]
    assert _same_boxes(back, found, BATCH), "answers do not follow the order of the pictures"
    for what, change in _PIXEL_TYPES.items():
        _check_boxes(finder.predict([Image(change(i.pixels)) for i in images]), len(images), f" of a {what} picture")
    _check_boxes(finder.predict([Image(np.zeros((1, 1, 3), np.uint8))]), 1, " of a picture of 1 x 1 pixel")
    copy = type(finder).from_state(_through_file(finder.state()))
    assert copy.settings() == finder.settings(), "the hyper-parameters do not survive state() and from_state()"
    assert _same_boxes(copy.predict(images), found, 0), "the boxes change after state() and from_state()"


def _check_unfitted(made: Any) -> None:
    name = type(made).__name__
    fitted = [a for a, value in vars(made).items() if a.endswith("_") and value is not None]
    assert not fitted, f"the constructor of {name} sets {fitted[0]}; nothing happens in the constructor"
    try:
        settings = json.loads(json.dumps(made.settings(), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"the hyper-parameters of {name} are not JSON: {error}") from None
    again = type(made)(**settings)
    assert json.loads(json.dumps(again.settings())) == settings, f"{name}(**settings) gives other settings"


def _check_rows(found: Landmarks, boxes: Sequence[np.ndarray]) -> None:
    counts = [len(b) for b in boxes]
    assert len(found) == sum(counts), f"{sum(counts)} boxes gave {len(found)} rows; rows are never dropped or added"
    index = np.repeat(np.arange(len(counts)), counts)
    assert np.array_equal(found.image_index, index), "rows must follow image, then box (image_index is wrong)"
    given = np.concatenate([np.asarray(b, float).reshape(-1, found.boxes.shape[1]) for b in boxes])
    assert np.array_equal(found.boxes, given, equal_nan=True), "the rows' boxes must be the boxes that were given"


def _check_figures(found: Landmarks) -> None:
    assert found.confidence is not None, "a detector must give a confidence for every point"
    inside = (found.confidence >= 0) & (found.confidence <= 1)
    assert inside.all(), "confidence must lie in [0, 1] and is never NaN"
    assert (found.confidence[~found.labelled] == 0).all(), "a point that was not found must have confidence 0"
    if found.covariance is not None:
        c = found.covariance[found.labelled]
        c = c[np.isfinite(c).all(axis=(1, 2))]
        assert np.allclose(c, np.swapaxes(c, 1, 2)), "covariances must be symmetric"
        smallest = np.linalg.eigvalsh(c).min(initial=0)
        assert smallest >= -1e-6 * max(np.abs(c).max(initial=1), 1), "covariances must not have negative eigenvalues"


def _check_purity(detector: Detector, images: list[Image], boxes: list[np.ndarray], found: Landmarks) -> None:
    pixels, given = [i.pixels.copy() for i in images], [b.copy() for b in boxes]
    again = detector.predict(images, boxes)
    unchanged = all(np.array_equal(i.pixels, p) for i, p in zip(images, pixels, strict=True))
    assert unchanged, "predict changed the pixels it was given"
    assert all(np.array_equal(b, g) for b, g in zip(boxes, given, strict=True)), "predict changed the boxes"
    away = _distance(again, found)
    assert away == 0, f"two calls with the same input differ by {away:.2g} px"


def _check_batches(detector: Detector, images: list[Image], boxes: list[np.ndarray], found: Landmarks) -> None:
    for i in range(len(images)):
        rows = found.take(found.image_index == i)
        for j, box in enumerate(boxes[i]):
            away = _distance(detector.predict([images[i]], [box[None]]), rows.take([j]))
            assert away <= BATCH, f"a box alone and the same box among others differ by {away:.2g} px"
    back = detector.predict(images[::-1], boxes[::-1])
    last = len(images) - 1
    turned = np.concatenate([np.flatnonzero(back.image_index == last - i) for i in range(len(images))])
    away = _distance(back.take(turned), found)
    assert away <= BATCH, f"rows do not follow the order of the pictures (turned round they differ by {away:.2g} px)"


def _check_empty(detector: Detector, images: list[Image], boxes: list[np.ndarray]) -> None:
    assert len(detector.predict([], [])) == 0, "no pictures must give no rows"
    none = np.empty((0, boxes[0].shape[1]))
    assert len(detector.predict(images[:1], [none])) == 0, "a picture without boxes must give no rows"
    mixed = [b if i % 2 else none for i, b in enumerate(boxes)]
    _check_rows(detector.predict(images, mixed), mixed)


def _check_bad_boxes(detector: Detector, images: list[Image], boxes: list[np.ndarray], found: Landmarks) -> None:
    first = int(found.image_index[0])
    good = boxes[first][:1]
    d = good.shape[1] // 2
    bad = {"NaN": np.full_like(good, np.nan), "without area": np.concatenate([good[:, :d], good[:, :d]], axis=1)}
    bad["upside down"] = np.concatenate([good[:, d:], good[:, :d]], axis=1)
    if not detector.uses_box:
        return  # it does not look at the box, good or bad
    for what, box in bad.items():
        rows = detector.predict([images[first]], [np.concatenate([box, good])])
        assert len(rows) == 2, f"a box that is {what} must give a row of NaN, not be dropped"
        assert np.isnan(rows.points[0]).all(), f"a box that is {what} must give NaN points"
        _check_figures(rows)
        away = _distance(rows.take([1]), found.take([0]))
        assert away <= BATCH, f"a box that is {what} changes its neighbour by {away:.2g} px"
    width, height = images[first].size
    far = good + np.tile([10.0 * width, 10.0 * height], 2)
    assert len(detector.predict([images[first]], [far])) == 1, "a box outside the picture must give its row"


_PIXEL_TYPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "grey": lambda p: np.ascontiguousarray(p[..., 0] if p.ndim == 3 else p),
    "16-bit": lambda p: p.astype(np.uint16) * 257,
    "grey 16-bit": lambda p: np.ascontiguousarray(p[..., 0] if p.ndim == 3 else p).astype(np.uint16) * 257,
}


def _check_pixel_types(detector: Detector, images: list[Image], boxes: list[np.ndarray]) -> None:
    eight_bit = [i for i in range(len(images)) if images[i].pixels.dtype == np.uint8]
    for what, change in _PIXEL_TYPES.items():
        changed = [Image(change(images[i].pixels)) for i in eight_bit]
        rows = detector.predict(changed, [boxes[i] for i in eight_bit])
        _check_rows(rows, [boxes[i] for i in eight_bit])
        assert rows.labelled.any() or not len(rows), f"no point at all is found in a {what} picture"


def _check_translation(detector: Detector, images: list[Image], boxes: list[np.ndarray]) -> None:
    """Both pictures are bordered widely, so that the detector sees the same pixels around the box in each."""
    for image, box in zip(images, boxes, strict=True):
        box = box[:1]
        if not len(box):
            continue
        border = int(np.ceil(2 * box_geometry.sides(box).max())) + 32
        dx, dy = 17, -9
        a = Image(_bordered(image.pixels, border, border))
        b = Image(_bordered(image.pixels, border + dx, border + dy))
        here = detector.predict([a], [box + border])
        there = detector.predict([b], [box + np.tile([border + dx, border + dy], 2)])
        away = np.abs(there.points - here.points - [dx, dy])
        away = float(np.nanmax(away, initial=0))
        assert away <= SHIFTED, f"moving picture and box by whole pixels moves the points by {away:.2g} px too much"


def _bordered(pixels: np.ndarray, left: int, top: int) -> np.ndarray:
    rest = [(0, 0)] * (pixels.ndim - 2)
    return np.pad(pixels, [(top, 40), (left, 40), *rest], mode="constant")


def _check_box_dependence(detector: Detector, images: list[Image], boxes: list[np.ndarray]) -> None:
    first = next(i for i in range(len(boxes)) if len(boxes[i]))
    box = boxes[first][:1]
    side = box_geometry.sides(box).max()
    elsewhere = box_geometry.expand(box, 0.5) + side
    here, there = (detector.predict([images[first]], [b]) for b in (box, elsewhere))
    if detector.uses_box:
        assert not np.allclose(here.points, there.points, atol=1, equal_nan=True), (
            "uses_box is True, but a box elsewhere gives the same points"
        )
    else:
        assert np.array_equal(here.points, there.points, equal_nan=True), (
            "uses_box is False, but another box gives other points"
        )


def _check_state(detector: Detector, images: list[Image], boxes: list[np.ndarray], found: Landmarks) -> None:
    copy = type(detector).from_state(_through_file(detector.state()))
    assert copy.settings() == detector.settings(), "the hyper-parameters do not survive state() and from_state()"
    again = copy.predict(images, boxes)
    assert again.skeleton.equals(found.skeleton), "the skeleton does not survive state() and from_state()"
    away = _distance(again, found)
    assert away == 0, f"the points differ by {away:.2g} px after state() and from_state()"


def _through_file(state: State) -> State:
    """What a model file keeps of a state: JSON, plain arrays and bytes."""
    try:
        settings = json.loads(json.dumps(state.settings, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"the settings of the state are not JSON: {error}") from None
    for name, array in state.arrays.items():
        plain = isinstance(array, np.ndarray) and array.dtype.kind in "biuf"
        assert plain, f"array {name!r} of the state is not an array of numbers"
    for name, graph in state.graphs.items():
        assert isinstance(graph, bytes), f"graph {name!r} of the state is not bytes"
    return State(settings, {k: v.copy() for k, v in state.arrays.items()}, dict(state.graphs))


def _check_boxes(found: list[tuple[np.ndarray, np.ndarray]], n: int, of: str = "") -> None:
    assert len(found) == n, f"{n} pictures gave {len(found)} answers"
    for boxes, scores in found:
        assert boxes.shape in ((len(boxes), 4), (len(boxes), 6)), f"boxes{of} have shape {boxes.shape}; expected (N, 4)"
        assert scores.shape == (len(boxes),), f"{len(boxes)} boxes{of} have {scores.shape} scores"
        assert box_geometry.is_valid(boxes).all(), f"a box{of} is not finite, upside down, or without area"
        assert ((scores >= 0) & (scores <= 1)).all(), f"scores{of} must lie in [0, 1]"
        assert (np.diff(scores) <= 0).all(), f"boxes{of} must come best first"


def _same_boxes(a: list[Any], b: list[Any], tolerance: float) -> bool:
    return len(a) == len(b) and all(
        x[0].shape == y[0].shape and np.allclose(x[0], y[0], rtol=0, atol=tolerance) for x, y in zip(a, b, strict=True)
    )


def _distance(a: Landmarks, b: Landmarks) -> float:
    """Largest difference of a coordinate, px; infinite where one has a point that the other lacks."""
    if a.points.shape != b.points.shape or not np.array_equal(a.labelled, b.labelled):
        return float("inf")
    return float(np.nanmax(np.abs(a.points - b.points), initial=0))


def _pictures(dataset: Dataset) -> tuple[list[Image], list[np.ndarray]]:
    """The first few pictures with a valid box, and their valid boxes."""
    valid = box_geometry.is_valid(dataset.landmarks.boxes)
    chosen = np.unique(dataset.landmarks.image_index[valid])[:_PICTURES]
    rows = [dataset.landmarks.boxes[valid & (dataset.landmarks.image_index == i)] for i in chosen]
    return [dataset.images[int(i)] for i in chosen], rows


class _Untouched:
    """A dataset's arrays as they were."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        labels = dataset.landmarks
        self.points, self.boxes, self.index = labels.points.copy(), labels.boxes.copy(), labels.image_index.copy()

    def check(self, what: str) -> None:
        labels = self.dataset.landmarks
        same = (
            np.array_equal(labels.points, self.points, equal_nan=True)
            and np.array_equal(labels.boxes, self.boxes, equal_nan=True)
            and np.array_equal(labels.image_index, self.index)
        )
        assert same, f"{what} changed the dataset it was given"
