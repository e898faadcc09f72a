"""How many modes there are, and how large: chosen by the likelihood of shapes that were held out.

The sample's variances l_1 >= l_2 >= ... of n shapes in a tangent space of d directions are shrunk towards their mean
(Ledoit & Wolf 2004), ``l' = (1 - a) l + a mean(l)``, the first M become modes, and the mean of the others is the noise
of probabilistic PCA (Tipping & Bishop 1999, eq. 8). M and a are those under which held-out shapes are most likely: ten
folds, or each shape once where there are fewer than forty. The folds share the alignment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairn.errors import InputError

__all__ = ["Spectrum", "choose_spectrum"]

_SHRINKAGES = (0.0, 0.003, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
_FOLDS = 10
_EACH_ONCE = 40
_ERRORS = 1.0  # standard errors that a smaller number of modes may fall behind


@dataclass(frozen=True)
class Spectrum:
    """Modes and how far shapes lie along them.

    Parameters
    ----------
    modes : (K D, M) orthonormal
    variances : (M,) expected of shapes that were not seen
    noise : the same, in every other direction
    shrinkage : what was taken
    sample : (M,) variances of the shapes seen
    shares : (M,) of the variance of the shapes seen
    """

    modes: np.ndarray
    variances: np.ndarray
    noise: float
    shrinkage: float
    sample: np.ndarray
    shares: np.ndarray


def choose_spectrum(
    residual: np.ndarray,
    pose: np.ndarray,
    group: np.ndarray,
    n_modes: int | float | None,
    shrinkage: float | str,
    *,
    extra: np.ndarray | None = None,
    fixed: Spectrum | None = None,
) -> Spectrum:
    """Modes and variances of shapes laid on their mean.

    Parameters
    ----------
    residual : (N, K D) what the shapes differ from the mean by
    pose : (K D, p) directions that are no shape
    group : (N,) rows that must not be parted between folds
    n_modes, shrinkage : as in `ShapeModel`
    extra : (K D, K D) summed covariance of what was filled in
    fixed : take the number of modes and the shrinkage from here

    Raises
    ------
    InputError : numbers that cannot be had
    """
    n, width = residual.shape
    space = width - pose.shape[1]
    residual = residual - (residual @ pose) @ pose.T
    centred = residual - residual.mean(axis=0)
    if extra is None and n < width:
        _, singular, vt = np.linalg.svd(centred, full_matrices=False)
        values, vectors = singular**2 / max(n - 1, 1), vt.T
    else:
        covariance = centred.T @ centred / max(n - 1, 1)
        if extra is not None:
            extra = extra - pose @ (pose.T @ extra)
            covariance += (extra - (extra @ pose) @ pose.T) / max(n - 1, 1)
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = values[::-1], vectors[:, ::-1]
    most = min(n - 1, space) if extra is None else min(space, n)
    distinct = len(np.unique(group))
    most = max(1, min(most, space))
    values = np.maximum(values[:most], 0.0)
    vectors = _oriented(vectors[:, :most])
    total = float(values.sum())

    alphas = _alphas(shrinkage)
    limits = _limits(n_modes, most, space)
    if fixed is not None:
        alpha, count = fixed.shrinkage, min(len(fixed.variances), most)
    elif len(alphas) == 1 and limits[0] == limits[1]:
        alpha, count = alphas[0], limits[0]
    elif distinct < 3:
        alpha, count = (alphas[0] if len(alphas) == 1 else 0.5), limits[1]
    else:
        alpha, count = _held_out(residual, group, space, alphas, limits)
    shrunk = (1 - alpha) * values + alpha * total / space
    shares = values / total if total > 0 else np.zeros(most)
    if isinstance(n_modes, float):
        count = min(int(np.searchsorted(np.cumsum(shares), n_modes - 1e-12) + 1), most)
    variances = shrunk[:count]
    noise = max(total - float(variances.sum()), 0.0) / (space - count) if space > count else 0.0
    return Spectrum(vectors[:, :count], variances, noise, alpha, values[:count], shares[:count])


def _alphas(shrinkage: float | str) -> tuple[float, ...]:
    if shrinkage == "auto":
        return _SHRINKAGES
    if isinstance(shrinkage, str) or not 0 <= shrinkage <= 1:
        raise InputError(f"shrinkage={shrinkage!r}; expected a number from 0 to 1, or 'auto'")
    return (float(shrinkage),)


def _limits(n_modes: int | float | None, most: int, space: int) -> tuple[int, int]:
    """Fewest and most modes to choose from."""
    if n_modes is None:
        return 1, max(1, min(most, space - 1))
    if isinstance(n_modes, bool) or not isinstance(n_modes, int | float | np.integer | np.floating):
        raise InputError(f"n_modes={n_modes!r}; expected a whole number, a share between 0 and 1, or None")
    if isinstance(n_modes, float | np.floating):
        if not 0 < n_modes < 1:
            raise InputError(f"n_modes={n_modes!r}; a share of the variance lies between 0 and 1")
        return most, most
    if not 1 <= n_modes <= most:
        raise InputError(f"n_modes={n_modes}; these shapes have 1 to {most} modes")
    return int(n_modes), int(n_modes)


def _held_out(
    residual: np.ndarray, group: np.ndarray, space: int, alphas: tuple[float, ...], limits: tuple[int, int]
) -> tuple[float, int]:
    """Shrinkage, and the fewest modes that held-out rows do not tell from the best number of modes."""
    names, index = np.unique(group, return_inverse=True)
    folds = len(names) if len(names) < _EACH_ONCE else _FOLDS
    fold = np.random.default_rng(0).permutation(len(names))[index] % folds
    parts = [_Fold.of(residual[fold != f], residual[fold == f], space, limits[1]) for f in range(folds)]
    most = min(p.along.shape[1] for p in parts)
    counts = np.arange(1, most + 1)
    low = min(limits[0], most)
    sums = np.array([sum(p.likelihood(a, counts).sum(axis=0) for p in parts) for a in alphas])
    if limits[0] == limits[1]:
        return alphas[int(np.argmax(sums[:, low - 1]))], limits[0]
    best = sums.argmax(axis=0)  # shrinkage for each number of modes
    rows = np.concatenate([np.flatnonzero(fold == f) for f in range(folds)])
    table = np.concatenate([p.likelihood(np.take(alphas, best), counts) for p in parts])
    table = np.stack(
        [np.bincount(index[rows], column) for column in table.T], axis=1
    )  # a shape and its mirror image: one
    total = table.sum(axis=0)
    top = low - 1 + int(total[low - 1 :].argmax())
    loss = table[:, [top]] - table
    error = loss.std(axis=0) * np.sqrt(len(names))
    enough = (total[top] - total <= _ERRORS * error) & (counts >= low)
    count = int(np.flatnonzero(enough)[0]) if enough.any() else top
    return alphas[int(best[count])], int(counts[count])


@dataclass(frozen=True)
class _Fold:
    """What some rows are, in the axes of others: all that the likelihood under any M and a needs."""

    values: np.ndarray  # (r,) variances of the rows that were learnt from
    along: np.ndarray  # (H, M) squares of the held-out rows along their first axes
    square: np.ndarray  # (H,) and in all
    space: int

    @classmethod
    def of(cls, learn: np.ndarray, held: np.ndarray, space: int, most: int) -> _Fold:
        n, mean = len(learn), learn.mean(axis=0)
        centred, away = learn - mean, held - mean
        if n > learn.shape[1]:
            values, axes = np.linalg.eigh(centred.T @ centred)
            values, axes = np.maximum(values[::-1], 0.0), axes[:, ::-1]
        else:
            _, singular, vt = np.linalg.svd(centred, full_matrices=False)
            values, axes = singular**2, vt.T
        most = max(1, min(most, n - 1, space - 1))
        values = values[: max(1, min(n - 1, space))] / max(n - 1, 1)
        return cls(values, (away @ axes[:, :most]) ** 2, (away**2).sum(axis=1), space)

    def likelihood(self, alpha: float | np.ndarray, counts: np.ndarray) -> np.ndarray:
        """(H, M) log likelihood, without constants, under 1 to M modes; `alpha` may differ for each."""
        most = len(counts)
        total = float(self.values.sum())
        flat = alpha * total / self.space
        floor = 1e-12 * max(total, 1e-300)
        shares = np.cumsum(self.values[:most])
        noise = (total - (1 - alpha) * shares - counts * flat) / np.maximum(self.space - counts, 1)
        noise = np.maximum(noise, floor)
        rest = np.maximum(self.square[:, None] - np.cumsum(self.along[:, :most], axis=1), 0.0)
        if np.ndim(alpha) == 0:
            v = np.maximum((1 - alpha) * self.values[:most] + flat, floor)
            square, volume = np.cumsum(self.along[:, :most] / v, axis=1), np.cumsum(np.log(v))
        else:
            square, volume = np.empty((len(self.square), most)), np.empty(most)
            for a in np.unique(alpha):
                there = np.flatnonzero(alpha == a)
                v = np.maximum((1 - a) * self.values[:most] + a * total / self.space, floor)
                square[:, there] = np.cumsum(self.along[:, :most] / v, axis=1)[:, there]
                volume[there] = np.cumsum(np.log(v))[there]
        return -0.5 * (square + rest / noise + volume + (self.space - counts) * np.log(noise))


def _oriented(vectors: np.ndarray) -> np.ndarray:
    """Each column with its largest entry positive, so that modes do not depend on the solver's sign."""
    largest = np.abs(vectors).argmax(axis=0)
    sign = np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return vectors * np.where(sign == 0, 1.0, sign)
