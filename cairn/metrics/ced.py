"""Cumulative error distribution: failure rate and area under the curve.

CED(t) = share of objects whose NME is at most t. The failure rate is 1 - CED(threshold), and the AUC is the integral of
the CED from 0 to the threshold divided by the threshold, so that 1 is perfect (300-W; Sagonas et al. 2016; threshold 8
% of the inter-ocular distance as in Yang et al. 2015). Both are exact for the staircase that the data gives, not a sum
over a grid: an object at NME e adds max(0, threshold - e) to the integral.

NaN (no truth) does not count; inf (missed) has failed and adds nothing to the area.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["auc", "curve", "failure"]


def failure(nme: ArrayLike, threshold: float = 0.08) -> float:
    """Share of objects whose NME (N,) is above the threshold; NaN where there is none."""
    values = _counted(nme)
    return float((values > threshold).mean()) if len(values) else float("nan")


def auc(nme: ArrayLike, threshold: float = 0.08) -> float:
    """Normalised area under the CED up to the threshold, in [0, 1]; NaN where there is no object."""
    values = _counted(nme)
    return float(np.clip(1 - values / threshold, 0, 1).mean()) if len(values) else float("nan")


def curve(nme: ArrayLike, thresholds: ArrayLike) -> np.ndarray:
    """CED (T,) at thresholds (T,), for plotting."""
    values = np.sort(_counted(nme))
    rank = np.searchsorted(values, np.asarray(thresholds, float), side="right")
    return rank / len(values) if len(values) else np.full(rank.shape, np.nan)


def _counted(nme: ArrayLike) -> np.ndarray:
    values = np.asarray(nme, float)
    return values[~np.isnan(values)]
