"""The number of clusters, read from a gap in the spectrum.

A graph of c clusters that hardly touch has c eigenvalues near 1, and the next is lower (von Luxburg 2007, "A tutorial
on spectral clustering", section 8.3). How much lower depends on how fast a walk mixes inside a cluster, so it is the
ratio of the distances to 1 that is compared,

    c = argmax_c (1 - lambda_{c+1}) / (1 - lambda_c + floor)

with a floor under what a few stray edges and rounding make of a 1, relative to the last distance known: the more
landmarks, the slower a walk mixes, and the smaller all distances.
"""

from __future__ import annotations

import numpy as np

__all__ = ["clusters_by_eigengap"]


def clusters_by_eigengap(eigenvalues: np.ndarray, floor: float = 1e-3) -> int:
    """Number of clusters.

    Parameters
    ----------
    eigenvalues : (m,) descending, the first 1
    floor : > 0, relative to the last distance

    Returns
    -------
    int from 1 to m - 1; 1 where m is 1
    """
    if len(eigenvalues) < 2:
        return 1
    distance = np.maximum(1 - np.asarray(eigenvalues, float), 1e-12)
    return int(np.argmax(distance[1:] / (distance[:-1] + floor * distance[-1]))) + 1
