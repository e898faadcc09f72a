"""Multidimensional scaling by stress, from distances to landmarks only.

The landmarks are scaled by SMACOF (de Leeuw 1977) from their classical solution. Every row, landmarks included, is then
put where its own raw stress to the landmarks, ``sum_j (|x - y_j| - d_j)^2``, is least: the same majorisation for one
point against fixed ones,

    x <- mean(y) + sum_j d_j (x - y_j) / |x - y_j| / m,

for a block of rows at a time, with steps of twice the length (de Leeuw & Heiser 1980) but for the last.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from cairn.points.embedding.dissimilarity import DistanceEmbedding
from cairn.points.embedding.triangulation import triangulation

__all__ = ["LandmarkStressMDS", "place_by_stress", "smacof"]


def smacof(distances: np.ndarray, start: np.ndarray, max_iter: int, tol: float) -> tuple[np.ndarray, float, int]:
    """Minimise raw stress with unit weights by the Guttman transform.

    Parameters
    ----------
    distances : (m, m)
    start : (m, n_components)
    max_iter : most rounds
    tol : smallest drop of the stress, as a share of the sum of squared distances, that is worth another round

    Returns
    -------
    points : (m, n_components), raw stress (each pair once), rounds
    """
    points, scale = start, max(float((distances**2).sum()) / 2, np.finfo(float).tiny)
    before = np.inf
    rounds = 0
    while rounds < max_iter:
        rounds += 1
        between = euclidean_distances(points)
        np.fill_diagonal(between, 0)
        stress = float(((between - distances) ** 2).sum()) / 2
        if before - stress <= tol * scale:
            break
        before = stress
        ratio = np.divide(distances, between, out=np.zeros_like(between), where=between > 0)
        points = (ratio.sum(axis=1)[:, None] * points - ratio @ points) / len(points)
    return points, stress, rounds


def place_by_stress(
    distances: np.ndarray, start: np.ndarray, landmarks: np.ndarray, max_iter: int, tol: float
) -> np.ndarray:
    """Put each row where its stress to fixed landmarks is least.

    Rows do not see each other, so a row's place does not depend on the block that it comes in.

    Parameters
    ----------
    distances : (n, m) of the rows to the landmarks
    start : (n, n_components)
    landmarks : (m, n_components)
    max_iter : most rounds
    tol : a row stays where it is once its step is below this share of the landmarks' spread

    Returns
    -------
    (n, n_components)
    """
    placed = start.copy()
    m = len(landmarks)
    mean = landmarks.mean(axis=0)
    enough = tol * max(float(np.sqrt(((landmarks - mean) ** 2).sum(axis=1).mean())), np.finfo(float).tiny)
    moving = np.arange(len(start))

    def guttman(rows):
        points = placed[rows]
        between = np.zeros((len(rows), m))
        for here, there in zip(points.T, landmarks.T, strict=True):
            gap = here[:, None] - there
            between += np.multiply(gap, gap, out=gap)
        np.sqrt(between, out=between)
        own = distances if len(rows) == len(distances) else distances[rows]
        ratio = np.divide(own, between, out=between, where=between > 0)  # 0 where a row lies on a landmark
        return mean + (ratio.sum(axis=1)[:, None] * points - ratio @ landmarks) / m

    for _ in range(max_iter):
        if not len(moving):
            break
        target = guttman(moving)
        step = np.linalg.norm(target - placed[moving], axis=1)
        placed[moving] = 2 * target - placed[moving]
        moving = moving[step > enough]
    placed[:] = guttman(np.arange(len(placed)))
    return placed


STEP = 0.1
"""Stress grows with the square of the way from its minimum: rows stop at a share of the root of SMACOF's tolerance."""


class LandmarkStressMDS(DistanceEmbedding):
    """SMACOF on landmarks, every other row put where its stress to them is least.

    Parameters
    ----------
    n_components : int
    n_landmarks : int or None (100, or all rows where there are fewer)
    selector : a selector or its name; a precomputed X takes "random" or "max-min"
    metric : "euclidean", "precomputed", another name that `sklearn.metrics.pairwise_distances` knows, or a callable
    max_iter : int, most rounds, of SMACOF and of each row's placing
    tol : float, smallest drop of the stress, as a share of the sum of squared distances, that is worth another round
    random_state : int, RandomState or None

    Attributes
    ----------
    landmarks_, landmark_indices_ : see `LandmarkEmbedding`
    landmark_embedding_ : (m, n_components) where SMACOF put the landmarks
    stress_ : float, normalised stress of the landmarks, sqrt(raw stress / sum of squared distances)
    n_iter_ : int, rounds of SMACOF
    """

    def __init__(
        self,
        n_components=2,
        *,
        n_landmarks=None,
        selector="random",
        metric="euclidean",
        max_iter=300,
        tol=1e-6,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_landmarks = n_landmarks
        self.selector = selector
        self.metric = metric
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _begin(self, X, rng):
        self._choose_landmarks(X, rng)
        squared = self._squared_between_landmarks()
        self._map = triangulation(squared, self.n_components)
        distances = np.sqrt((squared + squared.T) / 2)
        self._places, raw, self.n_iter_ = smacof(distances, self._map.landmarks, self.max_iter, self.tol)
        total = float((distances**2).sum()) / 2
        self.stress_ = float(np.sqrt(raw / total)) if total > 0 else 0.0
        self.landmark_embedding_ = self._places.astype(X.dtype, copy=False)

    def _block_width(self, X):
        return 4 * self.n_components * super()._block_width(X)

    def _embed(self, X):
        squared = self._squared(X)
        return place_by_stress(
            np.sqrt(squared), self._map.place(squared), self._places, self.max_iter, STEP * np.sqrt(self.tol)
        )
