"""Implausible points put where the others say they are.

With deviations r = x + e of the points from the mean shape, x ~ N(0, C) with free pose, e ~ N(0, R) of the points' own
errors (`cairn.shape.conditional`),

    x^ = B b + C P (r - B b),   P = (C + R)^-1,   b = (B' P B)^-1 B' P r          (generalised least squares)
    Cov(x - x^) = C - C P C + (B - C P B) (B' P B)^-1 (B - C P B)'

R is the detector's covariance; infinite for points that the others contradict and for missing ones, and four times as
large where only the picture is unlike that of good fits (a covered eye is still guessed at better than by nothing).
Only implausible points are replaced; their covariance becomes this one, and `altered` says which they are. Verdicts
stay those of what the detector found.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cairn.geometry import transforms
from cairn.landmarks import Landmarks

if TYPE_CHECKING:
    from cairn.shape.plausibility import Plausibility

__all__ = ["expectation", "repaired"]

_INFINITE = 1e4  # squared centroid sizes
_AT_ONCE = 256
_LEAST_KEPT = 3
_DOUBT = 4.0


def repaired(judge: Plausibility, judged: Landmarks) -> Landmarks:
    """`judged` with its implausible points replaced.

    A shape that keeps fewer than three points stays as it is.
    """
    assert judged.plausible_points is not None
    rows = np.flatnonzero((~judged.plausible_points & judged.labelled).any(axis=1))
    contradicted, unlike = judge.reasons(judged.take(rows))
    wrong = np.zeros(judged.labelled.shape, bool)
    wrong[rows] = contradicted | unlike
    doubt = np.ones(wrong.shape)
    doubt[rows] = np.where(contradicted, np.inf, np.where(unlike, _DOUBT, 1.0))
    doubt[~judged.labelled] = np.inf
    rows = rows[np.isfinite(doubt[rows]).sum(axis=1) >= _LEAST_KEPT]
    altered = np.zeros(wrong.shape, bool) if judged.altered is None else judged.altered.copy()
    points = judged.points.copy()
    covariance = None if judged.covariance is None else judged.covariance.copy()
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        own = None if covariance is None else covariance[some]
        expected, spread = expectation(judge, points[some], doubt[some], own)
        which = wrong[some] & np.isfinite(expected).all(axis=-1)
        points[some] = np.where(which[..., None], expected, points[some])
        altered[some] |= which
        if covariance is not None:
            covariance[some] = np.where(which[..., None, None], spread, covariance[some])
    return replace(judged, points=points, covariance=covariance, altered=altered)


def expectation(
    judge: Plausibility, points: np.ndarray, doubt: np.ndarray, covariance: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Where all points are expected, given some.

    Parameters
    ----------
    points : (N, K, D) px
    doubt : (N, K) by what the covariance of each point is multiplied; inf where it is not believed at all
    covariance : (N, K, D, D) px^2 of the points, or None for the usual one

    Returns
    -------
    (N, K, D) px and (N, K, D, D) px^2; NaN where a shape keeps fewer than two different points
    """
    model = judge.model
    kept = np.isfinite(doubt)
    n, k, d = points.shape
    deviations, maps = model.frame(np.where(kept[..., None], points, np.nan))
    usual = np.broadcast_to(judge.errors, (n, k, d, d))
    own = usual
    if covariance is not None:
        linear = maps[:, None, :, :-1]
        own = linear @ covariance @ np.swapaxes(linear, -1, -2)
        own = np.where(np.isfinite(own).all(axis=(-1, -2), keepdims=True), own, usual)
    placed = np.isfinite(maps).all(axis=(1, 2))
    own = np.where((kept & placed[:, None])[..., None, None], own, _INFINITE * np.eye(d))
    own = own * np.where(kept, doubt, 1.0)[..., None, None]
    c, b = model.covariance, model.basis
    total = np.broadcast_to(c, (n, k * d, k * d)).copy()
    for i in range(k):
        total[:, i * d : i * d + d, i * d : i * d + d] += own[:, i]
    r = np.where(placed[:, None], deviations.reshape(n, -1), 0.0)
    right = np.concatenate(
        [np.broadcast_to(np.concatenate([b, c], axis=1), (n, k * d, b.shape[1] + k * d)), r[..., None]], 2
    )
    solved = np.linalg.solve(total, right)
    pb, pc, pr = solved[..., : b.shape[1]], solved[..., b.shape[1] : -1], solved[..., -1]
    inner = np.linalg.pinv(b.T @ pb, hermitian=True)
    pose = (inner @ (b.T @ pr[..., None]))[..., 0]
    shape = pose @ b.T + (pr - (pb @ pose[..., None])[..., 0]) @ c
    far = b - c @ pb
    spread = c - c @ pc + far @ inner @ np.swapaxes(far, -1, -2)
    blocks = np.stack([spread[:, i * d : i * d + d, i * d : i * d + d] for i in range(k)], axis=1)
    back = transforms.invert(np.where(placed[:, None, None], maps, np.eye(d, d + 1)))
    linear = back[:, None, :, :-1]
    expected = transforms.apply(back, model.mean + shape.reshape(n, k, d))
    lost = ~placed[:, None, None]
    return np.where(lost, np.nan, expected), np.where(
        lost[..., None], np.nan, linear @ blocks @ np.swapaxes(linear, -1, -2)
    )
