"""Classical scaling of landmarks and distance-based triangulation of everything else (de Silva & Tenenbaum 2004).

With D the landmarks' squared distances, ``B = -J D J / 2`` and its eigenpairs ``(l_i, v_i)``, landmark j lies at
``sqrt(l_i) v_ij``. A row whose squared distances to the landmarks are ``d`` lies at ``-L (d - mean) / 2`` with
``L_i = v_i' / sqrt(l_i)`` and `mean` the mean column of D: for a landmark's own row that is where it already lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from cairn.points.embedding.contract import signs

__all__ = ["Triangulation", "triangulation"]


@dataclass(frozen=True, eq=False)
class Triangulation:
    """The map from squared distances to places.

    Attributes
    ----------
    pull : (m, n_components), ``-L' / 2``
    mean : (m,) mean squared distance to each landmark, from all landmarks
    landmarks : (m, n_components) where the landmarks lie
    eigenvalues : (n_components,), 0 for components that the landmarks do not have
    """

    pull: np.ndarray
    mean: np.ndarray
    landmarks: np.ndarray
    eigenvalues: np.ndarray

    def place(self, squared: np.ndarray) -> np.ndarray:
        """Places (n, n_components) of rows with squared distances (n, m) to the landmarks."""
        return (squared - self.mean) @ self.pull


def triangulation(squared: np.ndarray, n_components: int) -> Triangulation:
    """Scale landmarks by strain.

    Parameters
    ----------
    squared : (m, m) squared distances between landmarks, float64
    n_components : <= m
    """
    squared = (squared + squared.T) / 2
    mean = squared.mean(axis=0)
    inner = -(squared - mean - mean[:, None] + mean.mean()) / 2
    m = len(squared)
    values, vectors = linalg.eigh(inner, subset_by_index=[m - n_components, m - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    vectors = vectors * signs(vectors)
    real = values > m * np.finfo(np.float64).eps * max(float(np.abs(inner).max()), np.finfo(np.float64).tiny)
    values = np.where(real, values, 0.0)
    root = np.sqrt(values)
    return Triangulation(
        pull=-0.5 * vectors * np.divide(1, root, out=np.zeros_like(root), where=real),
        mean=mean,
        landmarks=vectors * root,
        eigenvalues=values,
    )
