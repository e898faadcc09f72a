"""Percentile intervals by resampling groups (Efron 1979; groups: Field & Welsh 2007, the "cluster bootstrap").

What is drawn again, with replacement, is a whole group: a picture with all its objects, a subject with all its
pictures. Rows of one group resemble each other, so drawing single rows would make intervals too narrow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["interval"]

_AT_ONCE = 1 << 22  # drawn group indices kept in memory


def interval(
    values: ArrayLike,
    groups: ArrayLike | None = None,
    statistic: Callable[[np.ndarray], float] = np.mean,
    level: float = 0.95,
    repeats: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap interval of a statistic.

    Parameters
    ----------
    values : (N, ...) what the statistic is taken of; rows may be anything, for instance indices into other arrays
    groups : (N,) which rows are drawn together; each by itself where absent
    statistic : takes some rows of `values`, gives a float; for `numpy.mean` of plain numbers all repeats are one
        product
    level : share of the repeats inside the interval
    repeats : bootstrap samples
    seed : of the draws

    Returns
    -------
    low, high; NaN where there are fewer than two groups, because one group says nothing about its like. Repeats whose
    statistic is NaN do not count
    """
    values = np.asarray(values)
    groups = np.arange(len(values)) if groups is None else np.asarray(groups)
    if groups.shape != values.shape[:1]:
        raise ValueError(f"{len(groups)} groups for {len(values)} values")
    ids, which = np.unique(groups, return_inverse=True)
    if len(ids) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    if statistic is np.mean and values.ndim == 1:
        draws = _means(values.astype(float), which, len(ids), repeats, rng)
    else:
        rows = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
        drawn = rng.integers(len(ids), size=(repeats, len(ids)))
        draws = np.array([statistic(values[np.concatenate([rows[g] for g in sample])]) for sample in drawn], float)
    draws = draws[~np.isnan(draws)]
    if not len(draws):
        return float("nan"), float("nan")
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _means(values: np.ndarray, which: np.ndarray, count: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """(repeats,) means: a sample's mean is the sum of its groups' sums over the sum of their sizes."""
    sums, sizes = np.bincount(which, weights=values, minlength=count), np.bincount(which, minlength=count)
    step = max(1, _AT_ONCE // count)
    parts = []
    for start in range(0, repeats, step):
        drawn = rng.integers(count, size=(min(step, repeats - start), count))
        parts.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(parts)
