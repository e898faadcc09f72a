"""From truths and the predictions that answer them to scores with intervals, and to the single cases behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cairn.dataset import Dataset
from cairn.geometry.boxes import is_valid
from cairn.landmarks import Landmarks
from cairn.metrics import calibration, detection, oks, pck, radial
from cairn.metrics.bootstrap import interval
from cairn.metrics.distance import point_errors
from cairn.metrics.nme import box_diagonal, geometric_mean, nme, reference_length
from cairn.report.cases import Cases
from cairn.report.figures import Score

__all__ = ["FAILURE", "IOU", "Answers", "measure", "normalisers"]

FAILURE = 0.08  # of the default normaliser: the threshold of failure, auc and auroc
IOU = 0.5  # a box has found an object
_FEWER = 200  # repeats of the bootstrap where each takes milliseconds


@dataclass(frozen=True, eq=False)
class Answers:
    """Truths and predictions, row by row.

    Parameters
    ----------
    truth : N rows; `truth.skeleton` names normalisers and sigmas
    predicted : N rows that answer them; NaN where an object was missed
    everything : all rows that the model gave, false boxes included
    groups : (N,) rows that are drawn together in the bootstrap
    pictures : number of pictures
    boxes, split : as in the scores
    overlaps : for each picture (P_i, T_i) IoU of the boxes of `everything` with those of the truth
    matched_by : how boxes were matched to truths, for the table
    yardstick : (N,) px, the reference length that confidence speaks of, and `right_below` the fraction of it below
        which a point is right
    yardstick_name : of the reference length
    spacing : mm per px, or None
    area, crowd : (N,) of the source, or None: COCO's figures
    """

    truth: Landmarks
    predicted: Landmarks
    everything: Landmarks
    groups: np.ndarray
    pictures: int
    boxes: str
    split: str
    overlaps: list[np.ndarray]
    matched_by: str
    yardstick: np.ndarray
    yardstick_name: str
    right_below: float
    spacing: tuple[float, ...] | None = None
    area: np.ndarray | None = None
    crowd: np.ndarray | None = None
    seed: int = 0

    @cached_property
    def lengths(self) -> dict[str, np.ndarray]:
        """Reference lengths (N,) px by name, the default first."""
        return normalisers(self.truth)

    @cached_property
    def pixel_errors(self) -> np.ndarray:
        """(N, K) px."""
        return point_errors(self.predicted.points, self.truth.points)

    @cached_property
    def errors(self) -> np.ndarray:
        """(N, K) mm where the spacing is known, else px."""
        if self.spacing is None:
            return self.pixel_errors
        return point_errors(self.predicted.points, self.truth.points, self.spacing)

    @cached_property
    def of_yardstick(self) -> np.ndarray:
        """(N, K) errors as a fraction of what confidence speaks of."""
        return self.pixel_errors / self.yardstick[:, None]

    @property
    def picture_groups(self) -> np.ndarray:
        """(M,) the group of each picture; one of its own where a picture has no row."""
        groups = np.arange(self.pictures) + (self.groups.max(initial=-1) + 1)
        groups[self.truth.image_index] = self.groups
        return groups

    def by_picture(self, values: np.ndarray, of: Landmarks) -> list[np.ndarray]:
        """Rows of `values`, one array a picture."""
        order = np.argsort(of.image_index, kind="stable")
        ends = np.searchsorted(of.image_index[order], np.arange(1, self.pictures))
        return np.split(values[order], ends)


def normalisers(truth: Landmarks) -> dict[str, np.ndarray]:
    """Reference lengths (N,) px of the truth by name, the default first: those that the skeleton names, then the box's.

    A named one that no row knows is left out.
    """
    lengths = {name: reference_length(truth.points, groups) for name, groups in truth.skeleton.normalisers.items()}
    lengths["box_size"] = geometric_mean(truth.boxes)
    lengths["box_diagonal"] = box_diagonal(truth.boxes)
    known = {name: length for name, length in lengths.items() if (length > 0).any()}
    return known or {"box_size": lengths["box_size"]}


def measure(answers: Answers, data: Dataset) -> tuple[tuple[Score, ...], Cases]:
    """Every score that the data allow, in the order of a table, and the cases that they are of.

    `data` are the rows of ``answers.truth``, with what else their source says.
    """
    write = _Writer(answers)
    parts = (_normalised, _radial, _correct, _similar, _found, _confident)
    scores = tuple(score for part in parts for score in part(answers, write))
    name, length = next(iter(answers.lengths.items()))
    known = np.where(length > 0, length, np.nan)
    error = answers.of_yardstick
    cases = Cases(
        data=data,
        predicted=answers.predicted,
        groups=answers.groups,
        normaliser=name,
        lengths=known,
        errors=nme(answers.predicted.points, answers.truth.points, known),
        point_errors=answers.errors,
        relative=answers.pixel_errors / known[:, None],
        unit="px" if answers.spacing is None else "mm",
        right=np.where(np.isfinite(error), 1.0 * (error < answers.right_below), np.nan),
        right_means=f"error below {100 * answers.right_below:g} % of {answers.yardstick_name}",
        values=write.values,
    )
    return scores, cases


class _Writer:
    """Makes scores that share boxes, split, groups and seed, and keeps what means are of."""

    def __init__(self, answers: Answers):
        self.answers = answers
        self.values: dict[tuple[str, str], np.ndarray] = {}

    def mean(self, metric: str, normaliser: str, unit: str, values: np.ndarray) -> Score:
        """The mean of (N,) or (N, K) values that are not NaN, pooled over points."""
        self.values[metric, normaliser] = values
        rows = np.nonzero(~np.isnan(values))
        flat, groups = values[rows], self.answers.groups[rows[0]]
        value = float(flat.mean()) if len(flat) else np.nan
        return self.score(metric, normaliser, unit, len(np.unique(rows[0])), value, flat, groups)

    def score(
        self,
        metric: str,
        normaliser: str,
        unit: str,
        n: int,
        value: float,
        values: np.ndarray,
        groups: np.ndarray,
        statistic: Callable[[np.ndarray], float] = np.mean,
        repeats: int = 2000,
    ) -> Score:
        a = self.answers
        low, high = interval(values, groups, statistic, repeats=repeats, seed=a.seed)
        return Score(metric, normaliser, a.boxes, a.split, unit, int(n), float(value), low, high)


def _normalised(a: Answers, write: _Writer) -> Iterator[Score]:
    """NME by each normaliser; missed, failure and AUC by the default one."""
    by_name = {name: nme(a.predicted.points, a.truth.points, length) for name, length in a.lengths.items()}
    for name, values in by_name.items():
        yield write.mean("nme", name, "percent", 100 * np.where(np.isfinite(values), values, np.nan))
    name, values = next(iter(by_name.items()))
    counts = ~np.isnan(values)
    yield write.mean(
        "failure", f"{100 * FAILURE:g} % of {name}", "percent", np.where(counts, 100.0 * (values > FAILURE), np.nan)
    )
    area = np.clip(1 - values / FAILURE, 0, 1)
    area[counts & (values > FAILURE)] = 0
    yield write.mean("auc", f"{100 * FAILURE:g} % of {name}", "share", area)
    errors = a.pixel_errors
    labelled = (~np.isnan(errors)).any(axis=1)
    yield write.mean("missed", "", "percent", np.where(labelled, 100.0 * np.isinf(errors).any(axis=1), np.nan))


def _radial(a: Answers, write: _Writer) -> Iterator[Score]:
    """Radial error, and detection rates where millimetres are known."""
    errors = a.errors
    yield write.mean("mre", "", "px" if a.spacing is None else "mm", np.where(np.isfinite(errors), errors, np.nan))
    if a.spacing is not None:
        for radius in radial.RADII_MM:
            yield write.mean("sdr", f"{radius:g} mm", "share", np.where(np.isnan(errors), np.nan, errors <= radius))


def _correct(a: Answers, write: _Writer) -> Iterator[Score]:
    """PCK at 0.2 of the torso where the skeleton has one, at 0.1 of the box's mean side elsewhere."""
    torso = next((name for name in a.truth.skeleton.normalisers if "torso" in name), None)
    name, fraction = (torso, 0.2) if torso else ("box_size", 0.1)
    reference = a.lengths.get(name)
    if reference is not None:
        right = pck.correct(a.predicted.points, a.truth.points, reference, fraction)
        yield write.mean("pck", f"{fraction:g} of {name}", "share", right)


def _similar(a: Answers, write: _Writer) -> Iterator[Score]:
    """OKS AP where the skeleton has sigmas."""
    sigmas = a.truth.skeleton.sigmas
    if sigmas is None or a.truth.points.shape[-1] != 2:
        return
    area = geometric_mean(a.truth.boxes) ** 2 if a.area is None else np.asarray(a.area, float)
    matched = oks.match_images(
        a.by_picture(a.everything.points, a.everything),
        a.by_picture(_row_scores(a.everything), a.everything),
        a.by_picture(a.truth.points, a.truth),
        a.by_picture(np.nan_to_num(area), a.truth),
        sigmas,
        boxes=a.by_picture(np.nan_to_num(a.truth.boxes), a.truth),
        crowd=None if a.crowd is None else a.by_picture(np.asarray(a.crowd, bool), a.truth),
    )
    yield write.score(
        "oks_ap",
        "COCO area" if a.area is not None else "area of the box",
        "share",
        matched.positives.sum(),
        oks.oks_ap(matched),
        np.arange(a.pictures),
        a.picture_groups,
        lambda pictures: oks.oks_ap(matched.of_images(pictures)),
        _FEWER,
    )


def _row_scores(landmarks: Landmarks) -> np.ndarray:
    """(N,) the finder's score, else the mean confidence, else all alike."""
    if landmarks.score is not None:
        return landmarks.score
    return np.ones(len(landmarks)) if landmarks.confidence is None else landmarks.confidence.mean(axis=1)


def _found(a: Answers, write: _Writer) -> Iterator[Score]:
    """Recall and false boxes of the finder."""
    if a.boxes != "found":
        return
    by_score = a.by_picture(_row_scores(a.everything), a.everything)
    order = np.argsort(a.truth.image_index, kind="stable")
    hit = np.empty(len(a.truth))
    hit[order] = np.concatenate(detection.found(a.overlaps, by_score, IOU)) >= 0
    yield write.mean("recall", a.matched_by, "share", np.where(is_valid(a.truth.boxes), hit, np.nan))
    false = detection.false_boxes(a.overlaps, by_score, IOU).astype(float)
    # Objects that nobody labelled count as false, so this is an upper bound.
    yield write.score("false_boxes", a.matched_by, "per picture", a.pictures, false.mean(), false, a.picture_groups)


def _confident(a: Answers, write: _Writer) -> Iterator[Score]:
    """Whether the confidence of the points that were found is worth what it says."""
    if a.predicted.confidence is None:
        return
    errors = a.of_yardstick
    rows, points = np.nonzero(np.isfinite(errors))
    if not len(rows):
        return
    error, confidence = errors[rows, points], a.predicted.confidence[rows, points]
    groups, n = a.groups[rows], len(np.unique(rows))
    name = a.yardstick_name
    both = np.stack([confidence, error], axis=1)
    # Order is all that these two ask for, and whole numbers are ranked fastest.
    order = np.stack([np.unique(v, return_inverse=True)[1] for v in (confidence, error)], axis=1)
    first_wrong = np.searchsorted(np.unique(error), FAILURE, side="right")

    def expected_error(pairs: np.ndarray) -> float:
        return calibration.ece(pairs[:, 0], pairs[:, 1] < a.right_below)

    def told_apart(pairs: np.ndarray) -> float:
        return 1 - calibration.auroc(pairs[:, 0], pairs[:, 1] >= first_wrong)

    def correlated(pairs: np.ndarray) -> float:
        return calibration.rank_correlation(pairs[:, 0], pairs[:, 1])

    for metric, normaliser, unit, cases, statistic in (
        ("ece", f"{100 * a.right_below:g} % of {name}", "share", both, expected_error),
        ("auroc", f"{100 * FAILURE:g} % of {name}", "share", order, told_apart),
        ("rank_correlation", "confidence with error", "-1 to 1", order, correlated),
    ):
        yield write.score(metric, normaliser, unit, n, statistic(cases), cases, groups, statistic, _FEWER)
