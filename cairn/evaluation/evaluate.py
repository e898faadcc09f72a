"""Measure a model on labelled data, with given boxes or with those that its finder finds.

With given boxes each prediction answers its own row. With found boxes, truths are matched to boxes greedily by the
finder's score at an IoU of 0.5; a truth without a box is *missed*: it fails, and counts as wrong in PCK and SDR, while
means (`nme`, `mre`) are of the objects that were found and stand beside `recall` and `missed`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from cairn.calibration.confidence import reference_lengths
from cairn.dataset import Dataset
from cairn.detectors.whole_image import WholeImage
from cairn.errors import InputError
from cairn.evaluation.scores import IOU, Answers, measure
from cairn.geometry.boxes import iou
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.metrics.detection import found as found_by
from cairn.placement import check_inside
from cairn.report.figures import Report
from cairn.skeleton import Skeleton
from cairn.splits import check_leakage

if TYPE_CHECKING:
    from cairn.model import Model

__all__ = ["evaluate"]

_AT_ONCE = 16  # pictures that are held in memory together


def evaluate(
    model: Model | str | Path,
    data: Dataset | str | Path,
    *,
    boxes: Literal["given", "found"] = "given",
    split: str | None = None,
    seed: int = 0,
    quiet: bool = True,
    allow_leakage: bool = False,
) -> Report:
    """Every score that the data allow, each with a 95 % bootstrap interval over pictures (or subjects).

    Parameters
    ----------
    model : a model, or the name or path of one
    data : labelled data, or the path of such
    boxes : ``given``, those of the data; ``found``, those of the model's finder
    split : only the pictures of that split; all where absent
    seed : of the bootstrap
    quiet : no progress bar
    allow_leakage : measure a split although a subject or a picture of it is in another one too

    Returns
    -------
    Report : `warnings` names pictures that could not be read, or have a box outside of them, and were left out

    Raises
    ------
    InputError : data without a labelled point, of other points than the model's, or without that split; found boxes of
        a model without a finder
    """
    if boxes not in ("given", "found"):
        raise InputError(f"boxes must be 'given' or 'found', not {boxes!r}")
    if seed < 0:
        raise InputError(f"the seed {seed} is negative; give a whole number from 0")
    name = _name(model)
    if isinstance(model, (str, Path)):
        from cairn.model_file import load

        model = load(model)
    dataset = _read(data)
    check_leakage(dataset, allowed=allow_leakage or split is None)
    if boxes == "found" and model.finder is None:
        raise InputError(f"the model {name} has no finder, so boxes cannot be found; evaluate with given boxes")
    dataset = _same_points(model.skeleton, dataset if split is None else dataset.of_split(split)).in_image_order()
    data_name = str(data) if isinstance(data, (str, Path)) else f"data {dataset.content_hash()[:12]}"
    _check_labels(dataset)
    everything, unread, seconds = _predict(model, dataset, boxes, quiet)
    warnings = []
    if unread:
        dataset, everything = _without(dataset, everything, list(unread))
        warnings.append(f"{len(unread)} pictures could not be used and were left out: {'; '.join(unread.values())}")
        if not dataset.landmarks.labelled.any():
            raise InputError(f"no picture with labelled points could be used: {next(iter(unread.values()))}")
    truth = dataset.landmarks
    if everything.points.shape[-1] != truth.points.shape[-1]:
        raise InputError(
            f"the model gives points with {everything.points.shape[-1]} coordinates and the data has "
            f"{truth.points.shape[-1]}; choose a model for this kind of picture"
        )
    whole = isinstance(model.finder, WholeImage) or not model.detector.uses_box
    overlaps = _overlaps(everything, truth, len(dataset.images), whole)
    predicted = everything if boxes == "given" else _answers(everything, truth, overlaps)
    spacing = dataset.spacing
    if spacing is not None and len(spacing) != truth.points.shape[-1]:
        spacing = None
    own = replace(truth, skeleton=model.skeleton, plausible_parts=None)
    answers = Answers(
        truth=truth,
        predicted=predicted,
        everything=everything,
        groups=dataset.groups(),
        pictures=len(dataset.images),
        boxes=boxes,
        split=split or "all",
        overlaps=overlaps,
        matched_by="whole picture" if whole else f"IoU {IOU:g}",
        yardstick=reference_lengths(own),
        yardstick_name=next(iter(model.skeleton.normalisers), "box_size"),
        right_below=0.05 if model.calibration is None else model.calibration.threshold,
        spacing=spacing,
        area=_area(dataset),
        crowd=dataset.columns.get("iscrowd"),
        seed=seed,
    )
    scores, cases = measure(answers, dataset)
    return Report(name, data_name, len(truth), scores, seconds, tuple(warnings), cases)


def _read(data: Dataset | str | Path) -> Dataset:
    if isinstance(data, Dataset):
        return data
    from cairn.formats import read

    return read(data)


def _area(dataset: Dataset) -> np.ndarray | None:
    """(N,) px^2, COCO's figure where the source has it for all rows."""
    area = dataset.columns.get("area")
    return area if area is not None and area.dtype.kind in "fiu" and (np.asarray(area, float) > 0).all() else None


def _name(model: Model | str | Path) -> str:
    if isinstance(model, (str, Path)):
        return str(model)
    return str(model.card.get("name") or model.skeleton.name or "model")


def _check_labels(data: Dataset) -> None:
    if not data.landmarks.labelled.any():
        what = f"its {len(data)} rows have no coordinate" if len(data) else "it has no rows"
        raise InputError(f"the data has no labelled point ({what}), so there is nothing to measure; check the labels")


def _same_points(skeleton: Skeleton, data: Dataset) -> Dataset:
    """The data with its points in the model's order, and with the model's skeleton."""
    have = data.skeleton
    missing = [n for n in skeleton.names if n not in have.names]
    extra = [n for n in have.names if n not in skeleton.names]
    if missing or extra:
        raise InputError(
            f"the model finds {len(skeleton)} points and the data has {len(have)} others: {_listed(missing)} only in "
            f"the model, {_listed(extra)} only in the data; give data with the model's points, or train on these"
        )
    order = np.array([have.index(name) for name in skeleton.names])
    place = {int(old): new for new, old in enumerate(order)}
    # What the model's skeleton does not say, that of the data may.
    if not skeleton.normalisers:
        groups = {k: (tuple(place[i] for i in a), tuple(place[i] for i in b)) for k, (a, b) in have.normalisers.items()}
        skeleton = replace(skeleton, normalisers=groups)
    if skeleton.sigmas is None and have.sigmas is not None:
        skeleton = replace(skeleton, sigmas=tuple(have.sigmas[i] for i in order))
    old = data.landmarks
    landmarks = Landmarks(
        skeleton,
        old.points[:, order],
        old.boxes,
        old.image_index,
        visibility=None if old.visibility is None else old.visibility[:, order],
    )
    observers = None if data.observers is None else data.observers[:, :, order]
    return replace(data, landmarks=landmarks, observers=observers)


def _listed(names: list[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _predict(model: Model, data: Dataset, boxes: str, quiet: bool) -> tuple[Landmarks, dict[int, str], float]:
    """All rows that the model gives; why pictures could not be used, by their index; seconds an item."""
    parts: list[Landmarks] = []
    unread: dict[int, str] = {}
    given = data.boxes
    spent, items, warm = 0.0, 0, False
    for indices, images in _chunks(data, unread, quiet):
        if not warm:  # the first call makes sessions ready, and is no measure of those that follow
            _one_chunk(model, images[:1], [given[i] for i in indices[:1]], boxes)
            warm = True
        start = time.perf_counter()
        part = _one_chunk(model, images, [given[i] for i in indices], boxes)
        spent += time.perf_counter() - start
        items += len(part) if boxes == "given" else len(images)
        parts.append(part.with_image_index(np.array(indices)[part.image_index]))
    if not parts:
        nothing = Landmarks.empty(model.skeleton, data.landmarks.points.shape[-1])
        return replace(nothing, score=np.empty(0)), unread, np.nan
    return Landmarks.concatenate(parts), unread, spent / items if items else np.nan


def _one_chunk(model: Model, images: list[Image], given: list[np.ndarray], boxes: str) -> Landmarks:
    if boxes == "given":
        return model.predict(images, given)
    found = model.find(images)
    landmarks = model.predict(images, [b for b, _ in found])
    return replace(landmarks, score=np.concatenate([s for _, s in found]))


def _chunks(data: Dataset, unread: dict[int, str], quiet: bool) -> Iterator[tuple[list[int], list[Image]]]:
    """A few pictures at a time; those that cannot be read, or have a box outside, are noted and passed over."""
    from rich.console import Console
    from rich.progress import track

    given = data.boxes
    starts = range(0, len(data.images), _AT_ONCE)
    for start in track(starts, "evaluating", disable=quiet, console=Console(stderr=True)):
        indices, images = [], []
        for i in range(start, min(start + _AT_ONCE, len(data.images))):
            try:
                image = data.images[i]
                for box in given[i] if data.landmarks.boxes.shape[1] == 4 else ():
                    check_inside(box, *image.size, data.images.label(i))
            except InputError as problem:
                unread[i] = str(problem)
            else:
                images.append(image)
                indices.append(i)
        if images:
            yield indices, images


def _without(data: Dataset, everything: Landmarks, images: list[int]) -> tuple[Dataset, Landmarks]:
    """Data and predictions without some images."""
    kept = np.setdiff1d(np.arange(len(data.images)), images)
    place = np.searchsorted(kept, everything.image_index)
    return data.take_images(kept), everything.with_image_index(place)


def _overlaps(everything: Landmarks, truth: Landmarks, pictures: int, whole: bool) -> list[np.ndarray]:
    """For each picture (P_i, T_i) IoU of the model's boxes with the true ones, rows in their order.

    A model of the whole picture says nothing by its box: there every truth of the picture overlaps fully.
    """
    result = []
    for i in range(pictures):
        found, true = everything.boxes[everything.image_index == i], truth.boxes[truth.image_index == i]
        result.append(np.ones((len(found), len(true))) if whole else iou(found, true))
    return result


def _answers(everything: Landmarks, truth: Landmarks, overlaps: list[np.ndarray]) -> Landmarks:
    """For each truth the prediction in the box that found it; NaN and confidence 0 where none did."""
    by = np.full(len(truth), -1)
    assert everything.score is not None
    for i, overlap in enumerate(overlaps):
        rows = np.flatnonzero(everything.image_index == i)
        if len(rows):
            (which,) = found_by([overlap], [everything.score[rows]], IOU)
            by[truth.image_index == i] = np.where(which >= 0, rows[which], -1)
    missed = by < 0
    if len(everything):
        answer = everything.take(np.maximum(by, 0))
    else:
        answer = replace(truth, points=np.full_like(truth.points, np.nan), visibility=None)
    changed: dict[str, np.ndarray] = {
        "points": np.where(missed[:, None, None], np.nan, answer.points),
        "boxes": np.where(missed[:, None], np.nan, answer.boxes),
        "image_index": truth.image_index,
    }
    if answer.confidence is not None:
        changed["confidence"] = np.where(missed[:, None], 0.0, answer.confidence)
    if answer.covariance is not None:
        changed["covariance"] = np.where(missed[:, None, None, None], np.nan, answer.covariance)
    return replace(answer, skeleton=truth.skeleton, **changed)
