"""From how a place looks to a confidence: one logistic curve for each point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Judge"]

_ROUNDS = 12  # of Newton's method
_PULL = 0.02  # towards equal weights of nothing, for each sample


@dataclass(frozen=True)
class Judge:
    """Logistic regressions on what a matcher sees at the points.

    Parameters
    ----------
    weights : (K, F)
    bias : (K,)
    """

    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, right: np.ndarray) -> Judge:
        """Learn to tell right places from wrong ones, by penalised Newton steps on standardised features.

        Parameters
        ----------
        features : (N, K, F)
        right : (N, K) 1 or 0, NaN = not known
        """
        _, k, f = features.shape
        weights, bias = np.zeros((k, f)), np.zeros(k)
        for i in range(k):
            known = np.isfinite(right[:, i])
            if not known.any():
                continue
            x, y = features[known, i].astype(float), right[known, i]
            middle, scale = x.mean(axis=0), x.std(axis=0)
            scale = np.where(scale > 1e-6, scale, np.inf)
            z = np.concatenate([(x - middle) / scale, np.ones((len(x), 1))], axis=1)
            pull = np.full(f + 1, _PULL * len(x))
            pull[-1] = 1.0
            w = np.zeros(f + 1)
            for _ in range(_ROUNDS):
                p = _squash(z @ w)
                gradient = z.T @ (p - y) + pull * w
                hessian = (z * (p * (1 - p) + 1e-3)[:, None]).T @ z + np.diag(pull)
                w = w - np.linalg.solve(hessian, gradient)
            weights[i] = w[:-1] / scale
            bias[i] = w[-1] - weights[i] @ middle
        return cls(weights.astype(np.float32), bias)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(K,) confidences in [0, 1] of features (K, F)."""
        return _squash((features * self.weights).sum(axis=1) + self.bias)


def _squash(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))
