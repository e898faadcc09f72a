import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from cairn.points.clustering.ensemble import LandmarkSpectralEnsemble

RINGS, RING = make_circles(1200, noise=0.03, factor=0.5, random_state=0)
BLOBS, BLOB = make_blobs(600, centers=3, n_features=5, random_state=1)


@parametrize_with_checks([LandmarkSpectralEnsemble(n_members=3)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_rings_and_new_rows_of_them():
    found = LandmarkSpectralEnsemble(2, n_members=8, random_state=0).fit(RINGS[:1000])
    assert adjusted_rand_score(RING[:1000], found.labels_) == 1
    assert adjusted_rand_score(RING[1000:], found.predict(RINGS[1000:])) == 1


def test_predict_agrees_with_fit():
    found = LandmarkSpectralEnsemble(3, n_members=5, random_state=0).fit(BLOBS)
    assert adjusted_rand_score(BLOB, found.labels_) > 0.98
    assert_array_equal(found.predict(BLOBS), found.labels_)
    assert_array_equal(found.predict(BLOBS[7:8]), found.labels_[7:8])


def test_members_differ_in_landmarks_and_number_of_clusters():
    found = LandmarkSpectralEnsemble(3, n_members=6, member_clusters=(4, 12), random_state=0).fit(BLOBS)
    counts = [member.n_clusters_ for member in found.members_]
    assert len(set(counts)) > 1
    assert 4 <= min(counts) <= max(counts) <= 12
    assert not np.array_equal(found.members_[0].landmarks_, found.members_[1].landmarks_)


def test_number_of_clusters_is_found():
    assert LandmarkSpectralEnsemble(None, n_members=10, random_state=0).fit(BLOBS).n_clusters_ == 3


def test_few_different_rows_are_enough_for_few_clusters():
    few = np.repeat([[0.0, 0], [0, 1], [9, 9], [9, 8], [30, 0]], 200, axis=0)
    labels = LandmarkSpectralEnsemble(2, random_state=0).fit_predict(few)
    assert len(np.unique(labels)) == 2
    assert all(len(np.unique(labels[at : at + 200])) == 1 for at in range(0, 1000, 200))


@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({}, BLOBS * np.nan, "NaN"),
        ({}, np.ones((9000, 2)), "Found 1 distinct rows"),
        ({"n_landmarks": 601}, BLOBS, "more than n_samples=600"),
        ({"member_clusters": 9}, BLOBS, "member_clusters=9"),
        ({"member_clusters": (9, 3)}, BLOBS, r"member_clusters=\(9, 3\)"),
        ({"n_members": 0}, BLOBS, "n_members=0"),
    ],
)
def test_bad_input_is_said_in_one_sentence(settings, rows, message):
    with pytest.raises(ValueError, match=message):
        LandmarkSpectralEnsemble(**settings).fit(rows)
