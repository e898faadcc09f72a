"""Normalised mean error, and the lengths that it is divided by.

NME of an object = mean over its labelled points of (distance to the truth / reference length of that object). The
reference lengths in use, of which none is the standard, so that the name is printed with every figure:

- inter-ocular: between the outer corners of the eyes (300-W; Sagonas et al. 2016),
- inter-pupil: between the centroids of the two eyes' points (300-W tables before 2016; about 1.4 times as strict),
- box diagonal (Jourabloo & Liu 2015) and the geometric mean of the box's sides (AFLW2000-3D; Zhu et al. 2016).

An object with a labelled point that was not predicted is *missed*: its NME is infinite, so failure rate and CED count
it as failed. A mean over missed objects would say nothing, and one that left single points out would be flattered by
them. So the mean is `mean_of_found`, and stands beside `missed_share`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cairn.metrics.distance import point_errors

__all__ = ["box_diagonal", "geometric_mean", "mean_of_found", "missed_share", "nme", "reference_length"]


def nme(predicted: ArrayLike, truth: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Normalised mean error of each object.

    Parameters
    ----------
    predicted, truth : (N, K, D) px
    reference : (N,) px; NaN or not above 0 = not known

    Returns
    -------
    (N,) as a fraction of the reference; NaN where nothing is labelled or the reference is not known, inf where a
    labelled point was not predicted
    """
    errors = point_errors(predicted, truth)
    labelled = ~np.isnan(errors)
    count = labelled.sum(axis=1)
    reference = np.asarray(reference, float)
    known = (reference > 0) & np.isfinite(reference) & (count > 0)
    total = np.where(labelled, errors, 0).sum(axis=1)
    return np.divide(total, count * reference, out=np.full(len(total), np.nan), where=known)


def mean_of_found(values: ArrayLike) -> float:
    """Mean over the objects that were found (finite); NaN where none was."""
    values = np.asarray(values, float)
    found = values[np.isfinite(values)]
    return float(found.mean()) if len(found) else float("nan")


def missed_share(values: ArrayLike) -> float:
    """Share of the objects that have a truth (not NaN) whose value is infinite: a labelled point was not predicted."""
    values = np.asarray(values, float)
    known = values[~np.isnan(values)]
    return float(np.isinf(known).mean()) if len(known) else float("nan")


def reference_length(points: ArrayLike, groups: tuple[Sequence[int], Sequence[int]]) -> np.ndarray:
    """Distance between the centroids of two groups of points, in each object.

    Inter-ocular distance of the 68-point scheme is ``((36,), (45,))``; inter-pupil ``(range(36, 42), range(42, 48))``.

    Parameters
    ----------
    points : (N, K, D) px, of the truth
    groups : the two groups' indices

    Returns
    -------
    (N,) px; NaN where a point of either group is NaN
    """
    points = np.asarray(points, float)
    first, second = (points[:, list(group)].mean(axis=1) for group in groups)
    return np.linalg.norm(first - second, axis=-1)


def box_diagonal(boxes: ArrayLike) -> np.ndarray:
    """(N,) px, diagonals of boxes (N, 2 D); NaN for a box that is upside down or NaN."""
    sides = _sides(boxes)
    return np.linalg.norm(sides, axis=-1)


def geometric_mean(boxes: ArrayLike) -> np.ndarray:
    """(N,) px, geometric mean of the sides of boxes (N, 2 D): the root of a picture box's area."""
    sides = _sides(boxes)
    return np.prod(sides, axis=-1) ** (1 / sides.shape[-1])


def _sides(boxes: ArrayLike) -> np.ndarray:
    boxes = np.asarray(boxes, float)
    d = boxes.shape[-1] // 2
    sides = boxes[..., d:] - boxes[..., :d]
    return np.where((sides > 0).all(axis=-1, keepdims=True), sides, np.nan)
