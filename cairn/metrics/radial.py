"""Mean radial error and successful detection rate, the figures of cephalometry (ISBI 2015; Wang et al. 2016).

MRE is the mean over all labelled points of the distance to the truth, and SDR the share of points within a radius
(2, 2.5, 3 and 4 mm there; "within" includes the radius itself). Both are in mm where the spacing is given and in px
where it is not. A labelled point without a prediction is not within any radius; the MRE is over the points that were
found, and its count is printed with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cairn.metrics.distance import point_errors

__all__ = ["RADII_MM", "mre", "sdr"]

RADII_MM = (2.0, 2.5, 3.0, 4.0)


def mre(predicted: ArrayLike, truth: ArrayLike, spacing: ArrayLike | None = None) -> float:
    """Mean radial error over all points that are labelled and found.

    Parameters
    ----------
    predicted, truth : (N, K, D) px
    spacing : (D,) mm per px; without it the result is in px

    Returns
    -------
    px or mm; NaN where there is no such point
    """
    errors = point_errors(predicted, truth, spacing)
    errors = errors[np.isfinite(errors)]
    return float(errors.mean()) if len(errors) else float("nan")


def sdr(
    predicted: ArrayLike, truth: ArrayLike, radii: ArrayLike = RADII_MM, spacing: ArrayLike | None = None
) -> np.ndarray:
    """Successful detection rate: share of the labelled points within each radius.

    Parameters
    ----------
    predicted, truth : (N, K, D) px
    radii : (R,) in mm where `spacing` is given, in px where it is not
    spacing : (D,) mm per px

    Returns
    -------
    (R,) in [0, 1]; NaN where nothing is labelled
    """
    errors = point_errors(predicted, truth, spacing)
    errors = errors[~np.isnan(errors)]
    radii = np.atleast_1d(np.asarray(radii, float))
    return np.array([(errors <= radius).mean() if len(errors) else np.nan for radius in radii])
