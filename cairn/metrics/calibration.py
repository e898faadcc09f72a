"""Is a confidence worth what it says?

- Expected calibration error: cases are put into 15 bins of equal width over [0, 1], each open below and closed above
  (0 belongs to the first), and ECE = sum over bins of (share of cases) x |mean confidence - share that is right|
  (Naeini et al. 2015; 15 bins as in Guo et al. 2017). 0 is perfect.
- AUROC: the probability that a case with the outcome has a higher score than one without, ties counting half (Hanley &
  McNeil 1982). It asks only for order. 0.5 is blind.
- Rank correlation of confidence with error (Spearman 1904); -1 is perfect.

Cases where either figure is NaN do not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["auroc", "ece", "rank_correlation", "reliability"]


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The reliability diagram.

    Parameters
    ----------
    confidence : (N,) in [0, 1]
    right : (N,) 0 or 1, bool or float

    Returns
    -------
    (bins,) mean confidence, (bins,) share that is right, (bins,) number of cases; NaN in empty bins

    Raises
    ------
    ValueError : a confidence outside [0, 1]
    """
    confidence, right = _pairs(confidence, right)
    if len(confidence) and not (confidence.min() >= 0 and confidence.max() <= 1):
        raise ValueError(f"confidence must lie in [0, 1]; found {confidence.min():g} to {confidence.max():g}")
    edges = np.arange(1, bins) / bins
    which = np.searchsorted(edges, confidence, side="left")
    count = np.bincount(which, minlength=bins)
    sums = (np.bincount(which, weights=w, minlength=bins) for w in (confidence, right))
    said, true = (np.divide(s, count, out=np.full(bins, np.nan), where=count > 0) for s in sums)
    return said, true, count


def ece(confidence: ArrayLike, right: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error, in [0, 1]; NaN where there is no case. Parameters as `reliability`."""
    said, true, count = reliability(confidence, right, bins)
    total = count.sum()
    return float(np.nansum(np.abs(said - true) * count) / total) if total else float("nan")


def auroc(score: ArrayLike, outcome: ArrayLike) -> float:
    """Area under the ROC curve of a score (N,) for a binary outcome (N,); NaN where only one outcome occurs.

    With ranks r (ties averaged) and n1 cases that have the outcome: ``(sum r - n1 (n1 + 1) / 2) / (n1 n0)``.
    """
    score, outcome = _pairs(score, outcome)
    positive = outcome > 0.5
    n1, n0 = positive.sum(), (~positive).sum()
    if not n1 or not n0:
        return float("nan")
    return float((_ranks(score)[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def rank_correlation(confidence: ArrayLike, error: ArrayLike) -> float:
    """Spearman's correlation of confidence (N,) with error (N,); an infinite error is the largest."""
    confidence, error = _pairs(confidence, error)
    if len(confidence) < 2:
        return float("nan")
    a, b = _ranks(confidence), _ranks(error)
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """(N,) from 1, ties averaged; whole numbers >= 0 are counted and not sorted, for a bootstrap's many repeats."""
    if values.dtype.kind not in "iu" or not len(values) or values.min() < 0:
        values = np.unique(values, return_inverse=True)[1]
    count = np.bincount(values)
    return (np.cumsum(count) - (count - 1) / 2)[values]


def _pairs(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(a).ravel(), np.asarray(b).ravel()
    if first.shape != second.shape:
        raise ValueError(f"{first.size} and {second.size} cases; expected one of each for every case")
    both = ~np.isnan(first) & ~np.isnan(second)
    return first[both], second[both]
