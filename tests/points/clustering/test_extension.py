import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import DBSCAN, AgglomerativeClustering
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.manifold import Isomap
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from cairn.points.clustering.extension import LandmarkExtension, reconstruction_weights

BLOBS, BLOB = make_blobs(800, centers=3, n_features=5, random_state=1)


@parametrize_with_checks([LandmarkExtension(AgglomerativeClustering()), LandmarkExtension(PCA(1))])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_a_clusterer_that_cannot_predict_speaks_for_new_rows():
    found = LandmarkExtension(AgglomerativeClustering(3), random_state=0).fit(BLOBS[:500])
    assert adjusted_rand_score(BLOB[:500], found.labels_) > 0.98
    assert adjusted_rand_score(BLOB[500:], found.predict(BLOBS[500:])) > 0.98
    assert_array_equal(found.predict(BLOBS[:500]), found.labels_)


def test_noise_stays_noise():
    rows = np.concatenate([BLOBS, 100 + 50 * np.arange(5)[:, None] * np.ones(5)])
    found = LandmarkExtension(DBSCAN(eps=3), selector=rows, n_neighbors=1).fit(rows)
    assert (found.labels_[-5:] == -1).all()
    assert (found.labels_[:-5] >= 0).mean() > 0.95


def test_an_embedder_that_is_linear_is_extended_nearly_exactly():
    found = LandmarkExtension(PCA(2), n_landmarks=200, n_neighbors=8, random_state=0)
    coordinates = found.fit_transform(BLOBS)
    expected = found.estimator_.transform(BLOBS)
    inside = np.abs(coordinates - expected).max(axis=1)
    assert np.median(inside) < 0.01 * expected.std()


def test_a_landmark_keeps_its_own_coordinates():
    found = LandmarkExtension(Isomap(n_neighbors=10), selector=BLOBS[BLOB == 0][::3]).fit(BLOBS)
    assert_allclose(found.transform(found.landmarks_), found.estimator_.embedding_, atol=1e-6)


def test_transform_agrees_with_fit_transform_and_keeps_float32():
    rows = BLOBS.astype(np.float32)
    found = LandmarkExtension(PCA(2), n_landmarks=50, random_state=0)
    coordinates = found.fit_transform(rows)
    assert coordinates.dtype == np.float32
    assert_array_equal(found.transform(rows), coordinates)
    assert found.get_feature_names_out().tolist() == ["landmarkextension0", "landmarkextension1"]


def test_what_it_offers_follows_the_estimator():
    assert not hasattr(LandmarkExtension(PCA()), "predict")
    assert not hasattr(LandmarkExtension(DBSCAN()), "transform")


def test_weights_rebuild_a_row_and_their_sum_is_one():
    rng = np.random.default_rng(0)
    landmarks, rows = rng.normal(size=(9, 4)), rng.normal(size=(30, 4))
    nearest = np.tile(np.arange(9), (30, 1))
    weights = reconstruction_weights(rows, landmarks, nearest, ridge=1e-9)
    assert_allclose(weights.sum(axis=1), 1)
    assert_allclose(weights @ landmarks, rows, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({}, BLOBS * np.nan, "NaN"),
        ({"n_landmarks": 801}, BLOBS, "more than n_samples=800"),
        ({}, np.ones((9000, 2)), "Found 1 distinct rows"),
        ({"n_neighbors": -1}, BLOBS, "n_neighbors=-1"),
    ],
)
def test_bad_input_is_said_in_one_sentence(settings, rows, message):
    with pytest.raises(ValueError, match=message):
        LandmarkExtension(PCA(1), **settings).fit(rows)


def test_set_output_names_coordinates_and_clusterers_have_none():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(BLOBS, columns=list("abcde"), index=np.arange(800) + 5)
    made = LandmarkExtension(PCA(2), random_state=0).set_output(transform="pandas")
    placed = made.fit_transform(frame)
    assert list(placed.columns) == list(made.get_feature_names_out()) == ["landmarkextension0", "landmarkextension1"]
    assert list(placed.index) == list(frame.index)
    pandas.testing.assert_frame_equal(made.transform(frame), placed)
    clusterer = LandmarkExtension(AgglomerativeClustering(3))
    assert not hasattr(clusterer, "transform")
    assert not hasattr(clusterer, "fit_transform")
