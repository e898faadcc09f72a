"""Every embedding keeps scikit-learn's contract and ours."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_swiss_roll
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from cairn.points import LandmarkKernelPCA, LandmarkMDS, LandmarkStressMDS
from cairn.points.embedding import EMBEDDINGS

NAMES = list(EMBEDDINGS)


def roll(n, seed=0, dtype=np.float64):
    return make_swiss_roll(n, random_state=seed)[0].astype(dtype)


@pytest.mark.filterwarnings("ignore:The graph:UserWarning")
@parametrize_with_checks([make() for make in EMBEDDINGS.values()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        LandmarkMDS(metric="precomputed"),
        LandmarkStressMDS(metric="precomputed"),
        LandmarkKernelPCA(kernel="precomputed", selector="random"),
    ]
)
def test_scikit_learn_checks_of_precomputed(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", NAMES)
def test_new_rows_agree_with_fitted_rows(name):
    X = roll(400)
    model = EMBEDDINGS[name](n_landmarks=40, random_state=0)
    fitted = model.fit_transform(X)
    scale = np.abs(fitted).max()
    np.testing.assert_allclose(model.transform(X), fitted, atol=1e-9 * scale)
    np.testing.assert_allclose(model.transform(X[17:20]), fitted[17:20], atol=1e-9 * scale)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_kept_and_agrees_with_float64(name):
    X = roll(300, dtype=np.float32)
    single = EMBEDDINGS[name](n_landmarks=30, random_state=0).fit_transform(X)
    double = EMBEDDINGS[name](n_landmarks=30, random_state=0).fit_transform(X.astype(np.float64))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, atol=2e-3 * np.abs(double).max())


@pytest.mark.parametrize("offset", [4096, 1e8])
@pytest.mark.parametrize("name", NAMES)
def test_far_from_the_origin_nothing_changes(name, offset):
    X = roll(300)
    settings = {"n_landmarks": 30, "random_state": 0}
    near = EMBEDDINGS[name](**settings).fit_transform(X)
    far = EMBEDDINGS[name](**settings).fit_transform(X + offset)
    np.testing.assert_allclose(far, near, atol=1e-5 * np.abs(near).max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:The graph:UserWarning")
def test_sparse_rows_give_what_dense_rows_give(name):
    X = sparse.random(120, 30, density=0.3, format="csr", random_state=0)
    settings = {"n_landmarks": 60, "selector": "random", "random_state": 0}
    thin = EMBEDDINGS[name](**settings).fit_transform(X)
    full = EMBEDDINGS[name](**settings).fit_transform(X.toarray())
    np.testing.assert_allclose(thin, full, atol=1e-6 * np.abs(full).max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_row_repeated_many_times_and_a_constant_column(name):
    X = np.concatenate([np.repeat(roll(1), 5000, axis=0), roll(300, 1)])
    X = np.column_stack([X, np.full(len(X), 3.0)])
    model = EMBEDDINGS[name](n_landmarks=30, selector="max-min", random_state=0)
    placed = model.fit_transform(X)
    assert np.isfinite(placed).all()
    np.testing.assert_allclose(placed[1:5000], np.broadcast_to(placed[0], (4999, 2)))
    assert np.linalg.matrix_rank(placed - placed.mean(axis=0)) == 2


@pytest.mark.parametrize("name", NAMES)
def test_bad_input(name):
    make = EMBEDDINGS[name]
    X = roll(50)
    with pytest.raises(ValueError, match="n_landmarks=60 is more than n_samples=50"):
        make(n_landmarks=60).fit(X)
    with pytest.raises(ValueError, match=r"n_components=7 is more than the [45] that 5 landmarks"):
        make(n_components=7, n_landmarks=5).fit(X)
    with pytest.raises(ValueError, match="n_components=0: expected a whole number"):
        make(n_components=0).fit(X)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        make().fit(X)
    with pytest.raises(ValueError, match="expected a selector or one of"):
        make(selector="best").fit(roll(50))


@pytest.mark.parametrize("make", [LandmarkMDS, LandmarkStressMDS])
def test_bad_precomputed_distances(make):
    X = np.abs(roll(30) @ roll(30, 1).T)
    with pytest.raises(ValueError, match=r"precomputed and not symmetric: X\[0, 1\] is"):
        make(metric="precomputed").fit(X)
    with pytest.raises(ValueError, match="diagonal is not 0"):
        make(metric="precomputed").fit(X + X.T)
    with pytest.raises(ValueError, match="Negative values in data"):
        make(metric="precomputed").fit(-X - X.T)
    with pytest.raises(ValueError, match=r"has shape \(30, 29\): expected as many columns as rows"):
        make(metric="precomputed").fit(X[:, :29])
    with pytest.raises(ValueError, match="takes only 'random' or 'max-min'"):
        make(metric="precomputed", selector="kmeans").fit(np.zeros((9, 9)))


@pytest.mark.parametrize("name", NAMES)
def test_in_pipeline_grid_search_and_clone(name):
    X, t = make_swiss_roll(200, random_state=0)
    model = EMBEDDINGS[name](random_state=0)
    step = type(model).__name__.lower()
    pipeline = make_pipeline(clone(model), LinearRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(pipeline, {f"{step}__n_landmarks": [20, 50]}, cv=2).fit(X, t)
    assert np.isfinite(search.best_score_)
    assert list(search.best_estimator_[0].get_feature_names_out()) == [f"{step}0", f"{step}1"]


@pytest.mark.parametrize("name", NAMES)
def test_memory_grows_with_rows_times_landmarks_not_with_rows_squared(name, monkeypatch):
    monkeypatch.setattr("cairn.points.distances.BLOCK", 1 << 14)
    X = roll(4000)
    model = EMBEDDINGS[name](n_landmarks=20, random_state=0)
    tracemalloc.start()
    try:
        model.fit_transform(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.1 * len(X) ** 2 * 8
