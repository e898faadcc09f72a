import numpy as np
import pytest

from cairn.points.clustering.eigengap import clusters_by_eigengap


@pytest.mark.parametrize(
    ("eigenvalues", "clusters"),
    [
        ([1, 1, 1, 0.6, 0.55, 0.5], 3),
        ([1, 0.999, 0.998, 0.6, 0.55], 3),
        ([1, 0.8, 0.79, 0.7, 0.6], 1),
        ([1, 0.5], 1),
        ([1], 1),
        ([1, 1 - 1e-9, 1 - 4e-4, 1 - 5e-4, 1 - 3e-3], 2),  # many landmarks: all distances to 1 are small
    ],
)
def test_the_gap_is_found(eigenvalues, clusters):
    assert clusters_by_eigengap(np.array(eigenvalues)) == clusters
