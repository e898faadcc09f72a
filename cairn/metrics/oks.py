"""Object keypoint similarity and its average precision (COCO keypoint evaluation; Lin et al. 2014, cocodataset.org).

OKS of a prediction with a truth is the mean over the *labelled* points of ``exp(-d^2 / (2 s^2 k^2))``: d the distance
in px, s^2 the object's area in px^2 (of its segment where there is one, else of its box) and k = 2 sigma the point's
falloff. For a truth without any labelled point, d is how far the prediction lies outside the truth's box, doubled;
such truths are ignored: they excuse a prediction and count for nothing.

AP is the mean over the OKS thresholds 0.50, 0.55, ..., 0.95 of the average precision of `cairn.metrics.matching`, with
the 20 best predictions of each image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cairn.metrics.matching import Matched, average_precision, match_all

__all__ = ["THRESHOLDS", "match_images", "oks", "oks_ap"]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
_MOST = 20


def oks(
    predicted: ArrayLike, truth: ArrayLike, areas: ArrayLike, sigmas: ArrayLike, boxes: ArrayLike | None = None
) -> np.ndarray:
    """Similarity of every prediction with every truth of one image.

    Parameters
    ----------
    predicted : (P, K, 2) px; NaN has no similarity
    truth : (T, K, 2) px; NaN = not labelled
    areas : (T,) px^2
    sigmas : (K,)
    boxes : (T, 4) of the truths, used only for those without any label; without it these have no similarity

    Returns
    -------
    (P, T) in [0, 1]
    """
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    areas, sigmas = np.asarray(areas, float), np.asarray(sigmas, float)
    if sigmas.shape != truth.shape[1:2]:
        raise ValueError(f"{sigmas.size} sigmas for {truth.shape[1]} points")
    spread = 2 * (2 * sigmas) ** 2 * (areas[:, None] + np.spacing(1))  # (T, K)
    labelled = np.isfinite(truth).all(axis=-1)
    square = ((predicted[:, None] - truth[None]) ** 2).sum(axis=-1)
    counts = np.broadcast_to(labelled, square.shape)
    if boxes is not None and not labelled.all(axis=-1).all():
        bare = ~labelled.any(axis=-1)
        lower, upper = np.split(np.asarray(boxes, float), 2, axis=-1)
        size = upper - lower
        below = (lower - size)[None, :, None] - predicted[:, None]
        above = predicted[:, None] - (upper + size)[None, :, None]
        away = (np.maximum(below, 0) + np.maximum(above, 0)) ** 2
        square = np.where(bare[None, :, None], away.sum(axis=-1), square)
        counts = counts | bare[None, :, None]
    likeness = np.where(counts, np.nan_to_num(np.exp(-square / spread)), 0)
    return likeness.sum(axis=-1) / np.maximum(counts.sum(axis=-1), 1)


def match_images(
    predicted: Sequence[ArrayLike],
    scores: Sequence[ArrayLike],
    truth: Sequence[ArrayLike],
    areas: Sequence[ArrayLike],
    sigmas: ArrayLike,
    *,
    boxes: Sequence[ArrayLike] | None = None,
    crowd: Sequence[ArrayLike] | None = None,
    area_range: tuple[float, float] = (0, 1e10),
    thresholds: ArrayLike = THRESHOLDS,
) -> Matched:
    """Predictions of M images matched to their truths by OKS.

    Parameters
    ----------
    predicted, truth : M arrays (P_i, K, 2), (T_i, K, 2) px
    scores : M arrays (P_i,)
    areas : M arrays (T_i,) px^2
    sigmas : (K,)
    boxes : M arrays (T_i, 4); see `oks`
    crowd : M arrays (T_i,) bool
    area_range : truths with an area outside are ignored; so are predictions that match nothing, by the area of the
        rectangle around their points
    thresholds : (R,) of OKS
    """
    low, high = area_range
    similarities, ignored, outside = [], [], []
    for i, points in enumerate(truth):
        found, points = np.asarray(predicted[i], float), np.asarray(points, float)
        area = np.asarray(areas[i], float)
        similarities.append(oks(found, points, area, sigmas, None if boxes is None else boxes[i]))
        bare = ~np.isfinite(points).all(axis=-1).any(axis=-1)
        ignored.append(bare | (area < low) | (area > high))
        size = np.prod(found.max(axis=1) - found.min(axis=1), axis=-1) if len(found) else np.empty(0)
        outside.append((size < low) | (size > high))
    return match_all(similarities, scores, thresholds, ignored, crowd, outside, most=_MOST)


def oks_ap(matched: Matched) -> float:
    """Mean over the thresholds of the average precision; NaN where no truth counts."""
    return float(average_precision(matched).mean())
