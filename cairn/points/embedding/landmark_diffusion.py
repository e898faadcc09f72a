"""Diffusion maps through landmarks (Coifman & Lafon 2006; landmarks as in Shen & Wu 2022, "Roseland").

A walk goes from a row to a landmark and on to a row. With ``k = exp(-gamma d^2)``, landmarks stand for rows with
weights ``w``, the density of rows over that of landmarks there, so that the choice of landmarks does not bend the walk:

    q(x) = sum_l w_l k(x, l)                                the density of rows
    K(x, l) = k(x, l) / (q(x) q(l))^alpha                   alpha = 1 takes the density out, 0 leaves it in
    D(x) = sum_l w_l K(x, l),    S(l) = sum_x K(x, l)
    P = D^-1 K w S^-1 K'                                    two steps of the walk; its rows sum to 1

Eigenvectors of P come from the m x m matrix ``A'A``, ``A = D^-1/2 K (w / S)^1/2``. With all rows as landmarks w is 1
and P is the square of Coifman & Lafon's matrix, so that its eigenvalues' roots are theirs.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import linalg

from cairn.points.distances import squared_to_landmarks
from cairn.points.embedding.contract import signs
from cairn.points.embedding.summed import SummedEmbedding

__all__ = ["LandmarkDiffusionMap"]

_FAR = 600.0
"""exp(-600) is still a number; what is farther from every landmark counts from its nearest."""
_WIDTH_RANK = 10


class LandmarkDiffusionMap(SummedEmbedding):
    """Diffusion coordinates ``l_i^t psi_i(x)``: their distances are diffusion distances after t steps.

    Eigenfunctions have mean square 1 under the walk's stationary law; the constant one is left out.

    Parameters
    ----------
    n_components : int
    t : float >= 0, steps
    alpha : float, how much of the density is taken out: 1 for the shape of the data alone
    n_landmarks : int or None (100, or all rows where there are fewer)
    selector : a selector or its name
    gamma : float or None; None is one over the median squared distance of rows (2,000 of them) to their
        tenth nearest landmark
    random_state : int, RandomState or None

    Attributes
    ----------
    landmarks_, landmark_indices_ : see `LandmarkEmbedding`
    gamma_ : float
    eigenvalues_ : (n_components,) of one step, in [0, 1]
    """

    def __init__(
        self, n_components=2, *, t=1, alpha=1.0, n_landmarks=None, selector="kmeans++", gamma=None, random_state=None
    ):
        self.n_components = n_components
        self.t = t
        self.alpha = alpha
        self.n_landmarks = n_landmarks
        self.selector = selector
        self.gamma = gamma
        self.random_state = random_state

    def _begin(self, X, rng):
        if not self.t >= 0:
            raise ValueError(f"t={self.t!r}: expected a number of steps, 0 or more.")
        self._choose_landmarks(X, rng)
        self._refuse_components(X, self.landmarks_.shape[0] - 1)
        self.gamma_ = self._width(X) if self.gamma is None else float(self.gamma)

    @property
    def _begins_with_rows(self):
        return self.gamma is None

    def _rounds(self):
        return ("density", "mass", "walk")

    def _sums_of(self, round_, X):
        if round_ == "density":
            return (self._kernel(X).sum(axis=0),)
        kernel, row_sums = self._normalised(X)
        if round_ == "mass":
            return (kernel.sum(axis=0),)
        walk = kernel * self._side / np.sqrt(row_sums)[:, None]
        return walk.T @ walk, float(row_sums.sum())

    def _use(self, round_, sums):
        if round_ == "density":
            self._q = sums[0]
            self._w = self._q / self._kernel(self.landmarks_).sum(axis=0)
            return
        if round_ == "mass":
            self._mass = sums[0]
            self._side = np.sqrt(np.divide(self._w, self._mass, out=np.zeros_like(self._w), where=self._mass > 0))
            return
        gram, degree = sums
        m = len(gram)
        constant = np.sqrt(self._mass * self._w)
        constant /= np.linalg.norm(constant)
        gram = gram - np.outer(constant, constant)  # its eigenvalue was 1 and becomes 0

        values, vectors = linalg.eigh(gram, subset_by_index=[m - self.n_components, m - 1])
        values, vectors = values[::-1], vectors[:, ::-1]
        real = values > m * np.finfo(np.float64).eps
        if real.any() and values[0] > 1 - 1e-10:
            warnings.warn(
                "The walk never leaves some piece of the data: components tell pieces apart before anything else; "
                "lower gamma.",
                UserWarning,
                stacklevel=4,
            )
        self.eigenvalues_ = np.where(real, np.sqrt(np.clip(values, 0, 1)), 0)
        length = np.where(real, self.eigenvalues_**self.t / np.sqrt(np.where(real, values, 1)), 0)
        pull = self._side[:, None] * vectors * length * np.sqrt(degree)
        self._pull = pull * signs(pull)

    def _width(self, X) -> float:
        sample = X[:: max(1, X.shape[0] // 2000)]
        squared = squared_to_landmarks(sample, self.landmarks_)
        rank = min(_WIDTH_RANK, squared.shape[1] - 1)
        middle = float(np.median(np.partition(squared, rank, axis=1)[:, rank]))
        return 1 / middle if middle > 0 else 1.0

    def _kernel(self, X) -> np.ndarray:
        """(n, m) float64 kernel of a block of rows."""
        exponent = self.gamma_ * squared_to_landmarks(X, self.landmarks_).astype(np.float64, copy=False)
        exponent -= np.maximum(exponent.min(axis=1, keepdims=True) - _FAR, 0)
        return np.exp(-exponent, out=exponent)

    def _normalised(self, X) -> tuple[np.ndarray, np.ndarray]:
        """K (n, m) and D (n,) of a block of rows."""
        kernel = self._kernel(X)
        kernel /= (kernel @ self._w)[:, None] ** self.alpha
        kernel /= self._q**self.alpha
        return kernel, kernel @ self._w

    def _embed(self, X):
        kernel, row_sums = self._normalised(X)
        return kernel @ self._pull / row_sums[:, None]
