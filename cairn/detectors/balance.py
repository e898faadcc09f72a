"""How often training shows each object, where some points are labelled on few of them only.

In a mixture of sets with different points most objects lack some. Shown alike, a point that one object in six has would
get a sixth of the training that the others get. So an object counts for the sum, over its labelled points, of one part
in all labels of that point: every point then has the same total, however many objects have it.
"""

from __future__ import annotations

import numpy as np

__all__ = ["shares"]

_MOST = 10.0  # times the mean: one object must not be all that training sees


def shares(points: np.ndarray) -> np.ndarray:
    """(N,) how often to show each object, 1 on average; all exactly 1 where all have all points.

    Parameters
    ----------
    points : (N, K, D), NaN = not labelled
    """
    labelled = np.isfinite(points).all(axis=-1)
    count = labelled.sum(axis=0)
    if not count.any() or (labelled == (count > 0)).all():
        return np.ones(len(points))
    weight = (labelled / np.maximum(count, 1)).sum(axis=1)
    weight /= weight.mean()
    often = weight > _MOST
    weight[often] = _MOST
    weight[~often] *= (len(weight) - _MOST * often.sum()) / weight[~often].sum()
    return weight
