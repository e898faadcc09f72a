"""Recall, average precision and false boxes of a finder.

A truth is found when a box is matched to it (greedily by score, `cairn.metrics.matching`) with an intersection over
union of at least the threshold, 0.5 unless said otherwise (Everingham et al. 2010). A box that is matched to nothing
is false, even where it lies on an object that nobody labelled: where not all objects are labelled, recall is honest
and the count of false boxes is an upper bound.

Overlaps are given as matrices, ``cairn.geometry.boxes.iou(found, truth)``, one an image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cairn.metrics import matching

__all__ = ["average_precision", "false_boxes", "found", "recall_by_size"]


def found(overlaps: Sequence[ArrayLike], scores: Sequence[ArrayLike], threshold: float = 0.5) -> list[np.ndarray]:
    """Which box found each truth.

    Parameters
    ----------
    overlaps : M arrays (P_i, T_i), IoU of the found boxes with the true ones
    scores : M arrays (P_i,)

    Returns
    -------
    M arrays (T_i,) int: the box that found it, -1 for none; the recall is the share that is not -1
    """
    result = []
    for overlap, score in zip(overlaps, scores, strict=True):
        taken = matching.match(overlap, score, threshold)
        by = np.full(np.shape(overlap)[1], -1)
        by[taken[taken >= 0]] = np.flatnonzero(taken >= 0)
        result.append(by)
    return result


def recall_by_size(hit: ArrayLike, sizes: ArrayLike, edges: ArrayLike = (32, 64)) -> tuple[np.ndarray, np.ndarray]:
    """Recall in each range of sizes.

    Parameters
    ----------
    hit : (N,) bool: truths that were found
    sizes : (N,) px, e.g. the geometric mean of the box's sides
    edges : (E,) rising; range e holds ``edges[e-1] <= size < edges[e]``

    Returns
    -------
    (E + 1,) recall, NaN in an empty range; (E + 1,) number of truths
    """
    hit = np.asarray(hit, bool)
    edges = np.asarray(edges, float)
    which = np.digitize(np.asarray(sizes, float), edges)
    count = np.bincount(which, minlength=len(edges) + 1)
    right = np.bincount(which, weights=hit, minlength=len(edges) + 1)
    return np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0), count


def false_boxes(overlaps: Sequence[ArrayLike], scores: Sequence[ArrayLike], threshold: float = 0.5) -> np.ndarray:
    """(M,) number of boxes in each image that found nothing."""
    by = found(overlaps, scores, threshold)
    return np.array([np.size(s) - (b >= 0).sum() for s, b in zip(scores, by, strict=True)], int)


def average_precision(overlaps: Sequence[ArrayLike], scores: Sequence[ArrayLike], threshold: float = 0.5) -> float:
    """Average precision, read at 101 recalls; NaN where there is no truth."""
    return float(matching.average_precision(matching.match_all(overlaps, scores, threshold))[0])
