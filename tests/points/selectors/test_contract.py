"""Every selector keeps scikit-learn's contract and ours."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from cairn.points import check_selector
from cairn.points.selectors import SELECTORS, make_selector

NAMES = list(SELECTORS)
ROWS = [name for name in NAMES if "kmeans" not in name or name == "kmeans++"]


@parametrize_with_checks([make() for make in SELECTORS.values()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    check_selector(make_selector(name, None if name == "union" else 12))


@pytest.mark.parametrize("name", NAMES)
def test_contract_on_sparse_rows(name):
    X = sparse.random(80, 30, density=0.2, format="csr", random_state=0)
    check_selector(make_selector(name, None if name == "union" else 9), X)


@pytest.mark.parametrize("name", NAMES)
def test_moving_all_rows_far_away_changes_no_choice(name):
    X = np.random.default_rng(0).normal(size=(80, 2))
    selector = make_selector(name, None if name == "union" else 8, random_state=3)
    near, far = clone(selector).fit(X), clone(selector).fit(X + 1024.0)
    np.testing.assert_allclose(far.points_ - 1024, near.points_, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_in_pipeline_and_grid_search(name):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (40, 2)), rng.normal(6, 1, (40, 2))])
    y = np.repeat([0, 1], 40)
    selector = make_selector(name, random_state=0)
    step = type(selector).__name__.lower()
    grid = {f"{step}__random_state": [0, 1]} if name == "union" else {f"{step}__n_landmarks": [8, 12]}
    search = GridSearchCV(make_pipeline(selector, LogisticRegression()), grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.95
    names = search.best_estimator_[0].get_feature_names_out()
    assert names[0] == f"{step}0"
    assert len(names) == search.best_estimator_[0].points_.shape[0]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in {"random", "leverage", "union"}])
def test_a_row_repeated_is_one_landmark_at_most(name):
    X = np.concatenate([np.zeros((500, 2)), [[1.0, 0], [0, 1], [5, 5]]])
    found = make_selector(name, random_state=0).fit(X)
    assert len(np.unique(found.points_, axis=0)) == len(found.points_) <= 4


@pytest.mark.parametrize("name", ["kmeans", "kmeans++", "max-min", "dpp", "greedy-dpp"])
def test_more_landmarks_than_different_rows_are_refused(name):
    with pytest.raises(ValueError, match=r"different landmarks in X, n_landmarks=3 were"):
        make_selector(name, 3, random_state=0).fit(np.repeat([[0.0, 1], [2, 3]], 50, axis=0))


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, "many"])
def test_no_number_of_landmarks(bad):
    with pytest.raises(ValueError, match="expected a whole number of at least 1"):
        make_selector("random", bad).fit(np.eye(3))


def test_unknown_selector():
    with pytest.raises(ValueError, match="expected a selector or one of random, kmeans"):
        make_selector("best")
    with pytest.raises(ValueError, match="cannot be set on UnionLandmarks"):
        make_selector("union", 5)


@pytest.mark.parametrize("name", NAMES)
def test_constant_columns(name):
    X = np.random.default_rng(0).normal(size=(50, 3))
    X[:, 1] = 4
    found = make_selector(name, None if name == "union" else 6, random_state=0).fit(X)
    np.testing.assert_allclose(found.points_[:, 1], 4)


def test_check_selector_names_what_is_broken():
    class Forgetful(SELECTORS["random"]):
        def fit(self, X, y=None):
            super().fit(X, y)
            self.points_ = self.points_[::-1].copy()
            return self

    with pytest.raises(AssertionError, match="Forgetful: points_ are not the rows"):
        check_selector(Forgetful(5))
