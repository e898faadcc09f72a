"""The linear Gaussian heart of the shape model: what is seen of some points says about the rest.

In the model's frame ``x = m + W z + P a + e`` with z ~ N(0, I), ``W W' = sum_j (v_j - s2) u_j u_j'``, e ~ N(0, s2 I),
and a, the correction of the pose, free. Observed is ``y_k = x_k + n_k``, n_k ~ N(0, R_k). With L = [W, P] and
``B_k = (s2 I + R_k)^-1`` (0 where nothing is observed),

    A = prior + L' B L,    l = A^-1 L' B (y - m)
    E[x_k]   = m_k + L_k l + s2 B_k (y_k - m_k - L_k l)
    Cov[x_k] = F_k L_k A^-1 L_k' F_k' + s2 F_k,                 F_k = I - s2 B_k

Everything is done for many rows at once: L' B L is one matrix product with the products of L's rows, made beforehand
where they are not too many.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Conditioned", "Latent", "pose_directions"]

_POSE_PRIOR = 1e-4  # precision of the pose's correction, in units of the mean's size: next to none
_LEAST = 1e-9  # of the mean's square: noise never falls below
_BLOCK = 2**22  # numbers in a block of rows
_MOST_PRODUCTS = 2**25  # numbers that may be made beforehand: 256 MB


def pose_directions(mean: np.ndarray, scale: bool) -> np.ndarray:
    """(K D, p) orthonormal: how points move when the mean is shifted, turned or enlarged a little."""
    k, d = mean.shape
    moves = [np.tile(np.eye(d)[i], (k, 1)) for i in range(d)]
    for i in range(d):
        for j in range(i + 1, d):
            turned = np.zeros((k, d))
            turned[:, i], turned[:, j] = -mean[:, j], mean[:, i]
            moves.append(turned)
    if scale:
        moves.append(mean)
    columns = np.stack([m.ravel() / max(np.linalg.norm(m), 1e-300) for m in moves], axis=1)
    u, singular, _ = np.linalg.svd(columns, full_matrices=False)
    return u[:, singular > 1e-9]


@dataclass(frozen=True)
class Conditioned:
    """Points (N, K, D), their covariances (N, K, D, D), and the sum over rows of the joint one (K D, K D)."""

    points: np.ndarray
    covariance: np.ndarray | None = None
    joint: np.ndarray | None = None


@dataclass
class Latent:
    """A Gaussian over shapes in the model's frame.

    Parameters
    ----------
    mean : (K, D)
    modes : (K D, M) orthonormal
    variances : (M,) along them
    noise : s2, along the others
    pose : (K D, p) of `pose_directions`
    """

    mean: np.ndarray
    modes: np.ndarray
    variances: np.ndarray
    noise: float
    pose: np.ndarray
    s2: float = field(init=False)
    loading: np.ndarray = field(init=False)  # (K D, M + p)

    def __post_init__(self) -> None:
        square = float((self.mean**2).sum())
        self.s2 = max(self.noise, _LEAST * square / self.mean.size)
        extra = np.sqrt(np.maximum(self.variances - self.s2, 0.0))
        self.loading = np.concatenate([self.modes * extra, self.pose], axis=1)
        m, q = len(self.variances), self.loading.shape[1]
        self._prior = np.diag(np.r_[np.ones(m), np.full(q - m, _POSE_PRIOR / max(square, 1e-300))])

    def condition(
        self,
        points: np.ndarray,
        observed: np.ndarray,
        error: np.ndarray | None = None,
        *,
        covariance: bool = False,
        joint: bool = False,
    ) -> Conditioned:
        """Expectation of every point given the observed ones.

        Parameters
        ----------
        points : (N, K, D) in the model's frame
        observed : (N, K) bool
        error : (N, K, D, D) of the observed points; None: they are exact
        covariance, joint : also give these

        Returns
        -------
        Conditioned; rows that are NaN where observed stay NaN
        """
        n, k, d = points.shape
        q = self.loading.shape[1]
        step = max(1, _BLOCK // (k * d * q + (k * d) ** 2 * joint))
        expected = np.empty((n, k, d))
        spread = np.empty((n, k, d, d)) if covariance else None
        total = np.zeros((k * d, k * d)) if joint else None
        for i in range(0, n, step):
            rows = slice(i, i + step)
            e = None if error is None else error[rows]
            self._block(
                points[rows], observed[rows], e, expected[rows], None if spread is None else spread[rows], total
            )
        return Conditioned(expected, spread, total)

    def _block(self, points, observed, error, expected, spread, total) -> None:  # type: ignore[no-untyped-def]
        n, k, d = points.shape
        loading = self.loading.reshape(k, d, -1)
        q = loading.shape[-1]
        eye = np.eye(d)
        away = np.where(observed[..., None], points - self.mean, 0.0)
        bad = ~np.isfinite(away).all(axis=(1, 2)) | ~observed.any(axis=1)
        if error is not None:
            bad |= ~np.isfinite(error).all(axis=(1, 2, 3))
            error = np.where(bad[:, None, None, None], eye, error)
        away[bad] = 0.0
        if error is None:
            precision = observed / self.s2
            weighted = precision[..., None] * away
            gram = (precision @ self._products(False)).reshape(n, q, q)
        else:
            inverse = np.where(observed[..., None, None], np.linalg.inv(self.s2 * eye + error), 0.0)
            weighted = (inverse @ away[..., None])[..., 0]
            if k * d * d * q * q <= _MOST_PRODUCTS:
                gram = (inverse.reshape(n, k * d * d) @ self._products(True)).reshape(n, q, q)
            else:
                gram = self.loading.T @ (inverse @ loading).reshape(n, k * d, q)
        gram = gram + self._prior
        right = weighted.reshape(n, k * d) @ self.loading
        latent = np.linalg.solve(gram, right[..., None])[..., 0]
        predicted = (latent @ self.loading.T).reshape(n, k, d)
        if error is None:
            expected[:] = np.where(observed[..., None], points, self.mean + predicted)
        else:
            gain = self.s2 * inverse
            expected[:] = (
                self.mean + predicted + (gain @ np.where(observed[..., None], away - predicted, 0.0)[..., None])[..., 0]
            )
        expected[bad] = np.nan
        if spread is None and total is None:
            return
        inner = np.linalg.inv(gram)
        keep = np.where(observed[..., None, None], 0.0, eye) if error is None else eye - gain
        if spread is not None:
            flat = (self.loading @ inner).reshape(n, k, d, q)
            outer = flat @ np.swapaxes(loading, -1, -2)
            spread[:] = keep @ outer @ np.swapaxes(keep, -1, -2) + self.s2 * keep
            spread[bad] = np.nan
        if total is not None:
            missing = np.repeat(~observed & ~bad[:, None], d, axis=1)
            rows = np.where(missing[..., None], self.loading, 0.0)
            total += np.tensordot(rows @ inner, rows, ((0, 2), (0, 2)))
            total += np.diag(self.s2 * missing.sum(axis=0))

    def _products(self, blocks: bool) -> np.ndarray:
        """Products of the loading's rows: (K, q q), or (K D D, q q) for full covariances."""
        name = "_full" if blocks else "_plain"
        made = self.__dict__.get(name)
        if made is None:
            k, d = self.mean.shape
            loading = self.loading.reshape(k, d, -1)
            made = np.einsum("kdp,keq->kdepq" if blocks else "kdp,kdq->kpq", loading, loading)
            made = made.reshape(k * d * d if blocks else k, -1)
            self.__dict__[name] = made
        return made

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Log density of the points that are there, in the directions beside the pose's, (N,).

        Parameters
        ----------
        points : (N, K, D) laid on the mean; NaN = missing
        """
        n, k, d = points.shape
        present = np.isfinite(points).all(axis=-1)
        density = np.full(n, np.nan)
        patterns, of = np.unique(present, axis=0, return_inverse=True)
        of = of.ravel()
        for p, pattern in enumerate(patterns):
            if pattern.sum() < d:
                continue
            rows = of == p
            there = np.repeat(pattern, d)
            u, singular, _ = np.linalg.svd(self.pose[there], full_matrices=False)
            pose = u[:, singular > 1e-9]
            away = (points[rows] - self.mean).reshape(-1, k * d)[:, there]
            away = away - (away @ pose) @ pose.T
            modes = self.loading[there][:, : len(self.variances)]
            modes = modes - pose @ (pose.T @ modes)
            space = len(away.T) - pose.shape[1]
            inner = self.s2 * np.eye(modes.shape[1]) + modes.T @ modes
            along = away @ modes
            square = ((away**2).sum(axis=1) - (along * np.linalg.solve(inner, along.T).T).sum(axis=1)) / self.s2
            volume = np.linalg.slogdet(inner)[1] + (space - modes.shape[1]) * np.log(self.s2)
            density[rows] = -0.5 * (square + volume + space * np.log(2 * np.pi))
        return density
