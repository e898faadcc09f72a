"""Percentage of correct keypoints.

A point is correct when it lies within ``fraction`` of a reference length of the truth (Yang & Ramanan 2013). The
reference is the caller's to give and is printed with the score: head length (PCKh), torso, or the box's longer side.
Points whose truth is NaN do not count; a predicted NaN counts as wrong. An object whose reference is not known does not
count either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cairn.metrics.distance import point_errors

__all__ = ["correct", "pck"]


def correct(predicted: ArrayLike, truth: ArrayLike, reference: ArrayLike, fraction: float) -> np.ndarray:
    """Which points are correct.

    Parameters
    ----------
    predicted, truth : (N, K, D) px
    reference : (N,) px; NaN or not above 0 = not known
    fraction : of the reference, e.g. 0.5 for PCKh@0.5

    Returns
    -------
    (N, K) 1 correct, 0 wrong, NaN does not count
    """
    errors = point_errors(predicted, truth)
    reference = np.asarray(reference, float)[:, None]
    counts = ~np.isnan(errors) & (reference > 0)
    return np.where(counts, errors <= fraction * reference, np.nan)


def pck(predicted: ArrayLike, truth: ArrayLike, reference: ArrayLike, fraction: float) -> np.ndarray:
    """Share of correct points, for each point of the skeleton.

    Parameters
    ----------
    predicted, truth : (N, K, D) px
    reference : (N,) px; NaN or not above 0 = not known
    fraction : of the reference, e.g. 0.5 for PCKh@0.5

    Returns
    -------
    (K,) in [0, 1]; NaN where no truth exists
    """
    right = correct(predicted, truth, reference, fraction)
    count = (~np.isnan(right)).sum(axis=0)
    return np.divide(np.nansum(right, axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)
