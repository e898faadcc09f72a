import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from cairn.points.clustering.kasp import KASP

RINGS, RING = make_circles(1500, noise=0.03, factor=0.5, random_state=0)
BLOBS, BLOB = make_blobs(600, centers=3, n_features=5, random_state=1)


@parametrize_with_checks([KASP()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_rings_and_new_rows_of_them():
    found = KASP(2, n_landmarks=200, random_state=0).fit(RINGS[:1000])
    assert adjusted_rand_score(RING[:1000], found.labels_) == 1
    assert adjusted_rand_score(RING[1000:], found.predict(RINGS[1000:])) == 1


def test_predict_agrees_with_fit():
    found = KASP(3, random_state=0).fit(BLOBS)
    assert_array_equal(found.predict(BLOBS), found.labels_)


def test_a_row_has_the_label_of_its_mean():
    found = KASP(3, n_landmarks=50, random_state=0).fit(BLOBS)
    nearest = np.linalg.norm(BLOBS[:, None] - found.landmarks_, axis=-1).argmin(axis=1)
    assert_array_equal(found.labels_, found.landmark_labels_[nearest])


def test_number_of_clusters_is_found():
    assert KASP(None, random_state=0).fit(BLOBS).n_clusters_ == 3


def test_pieces_give_the_means_and_labels_of_the_whole():
    landmarks = BLOBS[::10]
    whole = KASP(3, selector=landmarks, random_state=0).fit(BLOBS)
    one, two, three = (KASP(3, selector=landmarks, random_state=0).partial_fit(part) for part in np.split(BLOBS, 3))
    three.merge(one).merge(two)
    assert_array_equal(three.predict(BLOBS), whole.labels_)
    assert_allclose(three.landmarks_, whole.landmarks_)


def test_pieces_with_other_landmarks_are_refused():
    one = KASP(3, selector=BLOBS[::10]).partial_fit(BLOBS)
    with pytest.raises(ValueError, match="other landmarks"):
        one.merge(KASP(3, selector=BLOBS[::11]).partial_fit(BLOBS))


@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({}, BLOBS * np.nan, "NaN"),
        ({"n_landmarks": 601}, BLOBS, "more than n_samples=600"),
        ({}, np.ones((9000, 2)), "Found 1 distinct rows"),
        ({"n_clusters": 5, "selector": np.eye(5)}, np.ones((10, 5)), "distinct means"),
    ],
)
def test_bad_input_is_said_in_one_sentence(settings, rows, message):
    with pytest.raises(ValueError, match=message):
        KASP(**settings).fit(rows)
