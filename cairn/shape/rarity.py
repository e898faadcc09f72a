"""How rare a figure is among good shapes: from a sample of such figures to a curve, honest about its size.

The curve says ``-log10 P(a good shape looks as bad or worse)``: 2 is one in a hundred. Its points are quantiles at
fixed levels p. With n figures the quantile at p is known from the sample where n p is large, and otherwise from a bell
curve through the upper half of the sample: both are mixed with the weights n p and 5. The bell curve's quantiles are
those of Student's t with n / 2 degrees of freedom times sqrt(1 + 1/n), which is what a sample of that size can say of
the *next* figure, and with no more than 8, because shapes have heavier tails than the bell.
Beyond the last level the curve goes on straight; below the first it is level.
"""

from __future__ import annotations

import numpy as np

__all__ = ["curve", "folds", "rarity", "threshold", "upper_scale"]

_LEVELS = np.array([0.99, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4, 1e-6])
_PRIOR = 5.0
_TAIL = 8.0  # degrees of freedom
_ON = 1e4  # such steps beyond the last level
_LEAST = 0.3  # of the bell curve's steps between levels
_FAR = 5.0  # robust deviations, beyond which a figure counts as if it stood there


def upper_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median, and the deviation of the upper half from it, along the first axis; far values are pulled in."""
    middle = np.nanmedian(values, axis=0)
    up = np.where(values >= middle, values - middle, np.nan)
    robust = np.nanmedian(up, axis=0) / 0.6745
    up = np.minimum(up, _FAR * np.where(robust > 0, robust, np.inf))
    return middle, np.sqrt(np.nanmean(up**2, axis=0))


def curve(values: np.ndarray) -> np.ndarray:
    """(2, B): figures, rising, and their rarity.

    Parameters
    ----------
    values : (n,) figures of good shapes, larger is worse; NaN left out

    Raises
    ------
    ValueError : fewer than 3 figures
    """
    from scipy.stats import t

    values = values[np.isfinite(values)]
    n = len(values)
    if n < 3:
        raise ValueError(f"{n} figures; expected at least 3")
    middle, scale = upper_scale(values)
    least = 1e-9 * max(abs(float(middle)), 1.0)
    bell = middle + max(float(scale), least) * np.sqrt(1 + 1 / n) * t.isf(_LEVELS, min(max(n / 2, 2), _TAIL))
    seen = np.quantile(values, 1 - _LEVELS, method="weibull")
    weight = n * _LEVELS / (n * _LEVELS + _PRIOR)
    mixed = weight * seen + (1 - weight) * bell
    steps = np.maximum(np.diff(mixed), _LEAST * np.diff(bell))
    at, to = mixed[0] + np.concatenate([[0.0], np.cumsum(steps)]), -np.log10(_LEVELS)
    return np.stack([np.append(at, at[-1] + _ON * (at[-1] - at[-2])), np.append(to, to[-1] + _ON * (to[-1] - to[-2]))])


def rarity(values: np.ndarray, along: np.ndarray) -> np.ndarray:
    """-log10 of the share of good shapes that look as bad: 0.3 in the middle, 0 for NaN and for the very best."""
    at, to = along
    return np.interp(np.fmax(values, at[0]), at, to)


def folds(n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(others, rows) of 5 parts of n rows; what is fitted on the others is tried on the rows."""
    part = np.arange(n) % 5
    return [(np.flatnonzero(part != f), np.flatnonzero(part == f)) for f in range(5)]


def threshold(share: float, along: np.ndarray) -> float:
    """The figure that a `share` of good shapes goes beyond; the inverse of `rarity`."""
    at, to = along
    return float(np.interp(-np.log10(share), to, at))
