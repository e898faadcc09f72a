"""Which number a cluster has.

k-means numbers clusters by where it happened to start. Where eigenvalues are equal, as of groups that do not touch, the
last digit of a sum decides that, and with it how the rows were divided. Clusters are therefore numbered in the order in
which they come up in something that does not depend on the division.
"""

from __future__ import annotations

import numpy as np

__all__ = ["order_of_clusters"]


def order_of_clusters(labels: np.ndarray, count: int) -> np.ndarray:
    """Labels in the order in which they first come up; those that never do come last.

    Parameters
    ----------
    labels : (n,) from 0 to count - 1
    count : of clusters

    Returns
    -------
    (count,) a permutation
    """
    found, first = np.unique(labels, return_index=True)
    return np.concatenate([found[np.argsort(first)], np.setdiff1d(np.arange(count), found)])
