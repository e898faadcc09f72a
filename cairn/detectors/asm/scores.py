"""From a matcher's score to a confidence: one logistic curve for each point."""

from __future__ import annotations

import numpy as np

__all__ = ["fit_logistic"]

_ROUNDS = 25


def fit_logistic(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Slope and offset by penalised Newton steps, drawn towards what all points together say.

    Parameters
    ----------
    scores : (N, K)
    right : (N, K) 1 or 0, NaN = not known

    Returns
    -------
    (K, 2), the slope at least 0
    """
    known = np.isfinite(right) & np.isfinite(scores)
    s, y = np.where(known, scores, 0.0), np.where(known, right, 0.0)
    middle = s[known].mean() if known.any() else 0.0
    scale = s[known].std() + 1e-9 if known.any() else 1.0
    z = (s - middle) / scale

    def newton(w: np.ndarray, toward: np.ndarray, pull: float, axis: int | None) -> np.ndarray:
        for _ in range(_ROUNDS):
            p = 1 / (1 + np.exp(-np.clip(z * w[..., 0] + w[..., 1], -30, 30)))
            g = np.where(known, p - y, 0.0)
            h = np.where(known, p * (1 - p), 0.0)
            gradient = np.stack([(g * z).sum(axis), g.sum(axis)], -1) + pull * (w - toward)
            hessian = np.stack([(h * z * z).sum(axis), (h * z).sum(axis), (h * z).sum(axis), h.sum(axis)], -1)
            hessian = hessian.reshape(*w.shape, 2) + pull * np.eye(2)
            w = w - np.clip(np.linalg.solve(hessian, gradient[..., None])[..., 0], -2, 2)
        return w

    common = newton(np.array([1.0, 0.0]), np.array([1.0, 0.0]), 1.0, None)
    each = newton(np.tile(common, (scores.shape[1], 1)), common, 5.0, 0)
    each[:, 0] = np.maximum(each[:, 0], 0)
    return np.stack([each[:, 0] / scale, each[:, 1] - each[:, 0] * middle / scale], -1)
