import numpy as np
import pytest
from sklearn.datasets import make_blobs

from cairn.points import KASP, LandmarkSpectralClustering, fit_blocks
from cairn.points.clustering.numbering import order_of_clusters

BLOBS, _ = make_blobs(1500, 6, centers=4, random_state=0)  # far from each other: equal eigenvalues


def test_clusters_are_numbered_as_they_come_up():
    np.testing.assert_array_equal(order_of_clusters(np.array([2, 2, 0, 3, 0]), 5), [2, 0, 3, 1, 4])


@pytest.mark.filterwarnings("ignore:The graph:UserWarning")
@pytest.mark.parametrize("make", [KASP, LandmarkSpectralClustering])
def test_a_cluster_keeps_its_number_however_the_rows_are_divided(make):
    whole = fit_blocks(make(4, random_state=0), BLOBS)
    labels = whole.predict(BLOBS)
    np.testing.assert_array_equal(whole.fit(BLOBS).labels_, labels)
    for pieces in (2, 3, 5, 7, 11, 20):
        divided = fit_blocks(make(4, random_state=0), np.array_split(BLOBS, pieces))
        np.testing.assert_array_equal(divided.predict(BLOBS), labels)
