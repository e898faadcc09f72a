import io
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from cairn.points.clustering.landmark_spectral import LandmarkSpectralClustering

RINGS, RING = make_circles(1500, noise=0.03, factor=0.5, random_state=0)
BLOBS, BLOB = make_blobs(900, centers=4, n_features=6, cluster_std=1.0, random_state=3)


@parametrize_with_checks([LandmarkSpectralClustering()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_rings_that_k_means_cannot_tell_apart():
    found = LandmarkSpectralClustering(2, random_state=0).fit(RINGS)
    assert normalized_mutual_info_score(RING, found.labels_) == pytest.approx(1)


@pytest.mark.parametrize("search", ["exact", "approximate"])
def test_blobs_in_more_columns(search):
    found = LandmarkSpectralClustering(4, search=search, random_state=0).fit(BLOBS)
    assert adjusted_rand_score(BLOB, found.labels_) > 0.98


def test_new_rows_get_the_labels_of_their_rings():
    found = LandmarkSpectralClustering(2, random_state=0).fit(RINGS[:1000])
    assert adjusted_rand_score(RING[1000:], found.predict(RINGS[1000:])) == 1


def test_predict_says_of_the_training_rows_what_fit_said_in_any_company():
    found = LandmarkSpectralClustering(4, random_state=0).fit(BLOBS)
    assert_array_equal(found.predict(BLOBS), found.labels_)
    assert_array_equal(np.concatenate([found.predict(BLOBS[i : i + 1]) for i in range(50)]), found.labels_[:50])


@pytest.mark.parametrize("clusters", [1, 2, 4, 7])
def test_number_of_clusters_is_found(clusters):
    rng = np.random.default_rng(clusters)
    centres = 20 * np.eye(7)[:clusters]
    rows = np.concatenate([rng.normal(size=(150, 7)) + centre for centre in centres])
    assert LandmarkSpectralClustering(None, random_state=0).fit(rows).n_clusters_ == clusters


def test_one_cluster():
    assert set(LandmarkSpectralClustering(1).fit(BLOBS).labels_) == {0}


def test_pieces_give_what_the_whole_gives():
    landmarks = BLOBS[::9]
    whole = LandmarkSpectralClustering(4, selector=landmarks, random_state=0).fit(BLOBS)
    parts = [
        LandmarkSpectralClustering(4, selector=landmarks, random_state=0).partial_fit(part)
        for part in np.array_split(BLOBS, 5)
    ]
    left = parts[0].merge(parts[1]).merge(parts[2].merge(parts[3])).merge(parts[4])
    assert left.n_samples_seen_ == len(BLOBS)
    assert_array_equal(left.predict(BLOBS), whole.labels_)
    assert_allclose(left.eigenvalues_, whole.eigenvalues_, atol=1e-12)


def test_a_stream_of_blocks_finds_clusters_that_came_later():
    order = np.random.default_rng(0).permutation(len(BLOBS))
    stream = LandmarkSpectralClustering(4, n_landmarks=80, random_state=0)
    for part in np.array_split(order, 4):
        stream.partial_fit(BLOBS[part])
    assert adjusted_rand_score(BLOB, stream.predict(BLOBS)) > 0.98


def test_merge_leaves_the_other_as_it_was():
    make = lambda rows: LandmarkSpectralClustering(4, selector=BLOBS[::9], random_state=0).fit(rows)  # noqa: E731
    one, two = make(BLOBS[:450]), make(BLOBS[450:])
    before = two.predict(BLOBS)
    one.merge(two)
    assert_array_equal(two.predict(BLOBS), before)
    assert not hasattr(one, "labels_")  # they were those of other rows


def test_pieces_with_other_landmarks_are_refused():
    one = LandmarkSpectralClustering(4, random_state=0).fit(BLOBS[:450])
    two = LandmarkSpectralClustering(4, random_state=0).fit(BLOBS[450:])
    with pytest.raises(ValueError, match="other landmarks"):
        one.merge(two)


def test_a_row_repeated_many_times_weighs_and_does_no_harm():
    rows = np.concatenate([BLOBS, np.repeat(BLOBS[:1], 5000, axis=0)])
    found = LandmarkSpectralClustering(4, random_state=0).fit(rows)
    assert adjusted_rand_score(BLOB, found.labels_[:900]) > 0.95
    assert len(set(found.labels_[900:])) == 1


def test_constant_columns_change_nothing():
    wide = np.column_stack([BLOBS, np.full(len(BLOBS), 7.0)])
    landmarks = BLOBS[::9]
    narrow = LandmarkSpectralClustering(4, selector=landmarks, random_state=0).fit(BLOBS)
    found = LandmarkSpectralClustering(4, selector=np.column_stack([landmarks, np.full(100, 7.0)]), random_state=0)
    assert adjusted_rand_score(found.fit(wide).labels_, narrow.labels_) == 1


@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({}, np.where(BLOBS > 9, np.nan, BLOBS) * np.nan, "NaN"),
        ({"n_landmarks": 1000}, BLOBS, "n_landmarks=1000 is more than n_samples=900"),
        ({}, np.ones((100_000, 2)), "Found 1 distinct rows"),
        ({}, np.zeros((50, 3)), "Found 1 distinct rows"),
        ({"n_clusters": 20, "n_landmarks": 10}, BLOBS, "Found 10 distinct landmarks"),
        ({"n_clusters": 0}, BLOBS, "n_clusters=0"),
        ({"n_clusters": 2.5}, BLOBS, "n_clusters=2.5"),
        ({"n_neighbors": 1}, BLOBS, "n_neighbors=1: expected a whole number of at least 2"),
        ({"search": "quick"}, BLOBS, "search='quick'"),
    ],
)
def test_bad_input_is_said_in_one_sentence(settings, rows, message):
    with pytest.raises(ValueError, match=message):
        LandmarkSpectralClustering(**settings).fit(rows)


def test_pipeline_grid_search_clone_pickle_and_names():
    pipe = make_pipeline(StandardScaler(), LandmarkSpectralClustering(4, random_state=0))
    assert adjusted_rand_score(BLOB, pipe.fit_predict(BLOBS)) > 0.98
    assert pipe[-1].get_feature_names_out()[0] == "landmarkspectralclustering0"
    score = lambda model, X, y: adjusted_rand_score(y, model.predict(X))  # noqa: E731
    search = GridSearchCV(
        LandmarkSpectralClustering(random_state=0, n_landmarks=60), {"n_clusters": [2, 4]}, scoring=score, cv=2
    )
    assert search.fit(BLOBS, BLOB).best_params_ == {"n_clusters": 4}
    again = pickle.load(io.BytesIO(pickle.dumps(pipe[-1])))
    assert_array_equal(again.labels_, pipe[-1].labels_)
    assert not hasattr(clone(pipe[-1]), "labels_")


def test_float32_is_kept_and_changes_no_label():
    found = LandmarkSpectralClustering(4, random_state=0).fit(BLOBS)
    single = clone(found).fit(BLOBS.astype(np.float32))
    assert single.transform(BLOBS.astype(np.float32)).dtype == np.float32
    assert adjusted_rand_score(single.labels_, found.labels_) > 0.98
