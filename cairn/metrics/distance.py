"""How far each predicted point lies from the truth: what every other figure starts from.

A truth that is NaN was not labelled and does not count (the error is NaN). A point that has a truth and no prediction
is missed: its error is infinite, so that no mean, median or threshold can take it for a good one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["point_errors"]


def point_errors(predicted: ArrayLike, truth: ArrayLike, spacing: ArrayLike | None = None) -> np.ndarray:
    """Euclidean error of each point.

    Parameters
    ----------
    predicted, truth : (N, K, D) px
    spacing : (D,) mm per px along each axis; without it the errors stay in px

    Returns
    -------
    (N, K) px or mm; NaN where the truth is, inf where there is a truth and no prediction

    Raises
    ------
    ValueError : shapes that differ, or a spacing that is not D positive figures
    """
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    if predicted.shape != truth.shape or truth.ndim != 3:
        raise ValueError(f"predicted points {predicted.shape} and true points {truth.shape} must both be (N, K, D)")
    offset = predicted - truth
    if spacing is not None:
        spacing = np.asarray(spacing, float)
        if spacing.shape != truth.shape[-1:] or not (spacing > 0).all():
            raise ValueError(f"spacing {spacing} must be {truth.shape[-1]} positive lengths, one for each axis")
        offset = offset * spacing
    labelled = np.isfinite(truth).all(axis=-1)
    missed = labelled & ~np.isfinite(predicted).all(axis=-1)
    distance = np.linalg.norm(offset, axis=-1)
    return np.where(missed, np.inf, np.where(labelled, distance, np.nan))
