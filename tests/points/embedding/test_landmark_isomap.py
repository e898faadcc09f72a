"""Isomap by landmarks."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.datasets import load_digits, make_swiss_roll
from sklearn.manifold import Isomap

from cairn.points import LandmarkIsomap


def up_to_sign(a, b, atol):
    np.testing.assert_allclose(a * np.sign((a * b).sum(axis=0)), b, atol=atol)


@pytest.mark.parametrize("rows", ["roll", "digits"])
def test_all_rows_as_landmarks_is_isomap(rows):
    X = make_swiss_roll(600, random_state=0)[0] if rows == "roll" else load_digits().data[:300]
    theirs = Isomap(n_neighbors=10, n_components=3)
    ours = LandmarkIsomap(3, n_neighbors=10, n_landmarks=len(X), random_state=0)
    expected = theirs.fit_transform(X)
    up_to_sign(ours.fit_transform(X), expected, 1e-6 * np.abs(expected).max())


def test_the_roll_is_unrolled():
    X, t = make_swiss_roll(1500, random_state=0)
    placed = LandmarkIsomap(2, n_neighbors=8, n_landmarks=50, random_state=0).fit_transform(X)
    along = 0.5 * (t * np.sqrt(1 + t**2) + np.arcsinh(t))  # length of the spiral r = t
    flat = np.column_stack([along, X[:, 1]])
    assert np.corrcoef(pdist(placed), pdist(flat))[0, 1] ** 2 > 0.995
    scale = pdist(placed).sum() / pdist(flat).sum()
    assert 0.98 < scale < 1.06  # ways along edges are a little longer than the sheet's


def test_placing_by_stress_explains_the_ways_along_the_sheet_better():
    X, t = make_swiss_roll(1500, random_state=1)
    flat = np.column_stack([0.5 * (t * np.sqrt(1 + t**2) + np.arcsinh(t)), X[:, 1]])
    settings = {"n_landmarks": 50, "selector": "max-min", "random_state": 0}
    by = {how: LandmarkIsomap(2, placing=how, **settings).fit(X) for how in ("strain", "stress")}
    unexplained = {how: 1 - np.corrcoef(pdist(m.embedding_), pdist(flat))[0, 1] ** 2 for how, m in by.items()}
    assert unexplained["stress"] < 0.8 * unexplained["strain"]
    np.testing.assert_allclose(by["stress"].transform(X), by["stress"].embedding_, atol=1e-9)


def test_another_placing_is_refused():
    with pytest.raises(ValueError, match="placing='stres': expected 'strain' or 'stress'"):
        LandmarkIsomap(placing="stres").fit(make_swiss_roll(100)[0])


def test_new_rows_fall_between_their_neighbours():
    X, _ = make_swiss_roll(2000, random_state=0)
    model = LandmarkIsomap(2, n_landmarks=50, random_state=0).fit(X[:1500])
    everything = LandmarkIsomap(2, n_landmarks=50, random_state=0).fit(X)
    held = pdist(model.transform(X[1500:]))
    assert np.corrcoef(held, pdist(everything.embedding_[1500:]))[0, 1] > 0.999


@pytest.mark.parametrize("selector", ["random", "max-min", "kmeans", "local"])
def test_landmarks_are_rows_whatever_chose_them(selector):
    X, _ = make_swiss_roll(400, random_state=0)
    model = LandmarkIsomap(n_landmarks=20, selector=selector, random_state=0).fit(X)
    np.testing.assert_array_equal(X[model.landmark_indices_], model.landmarks_)
    assert len(set(model.landmark_indices_)) == 20


def test_pieces_are_tied_and_said():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (300, 2)), rng.normal(30, 1, (250, 2)), rng.normal([60, 0], 1, (40, 2))])
    with pytest.warns(UserWarning, match="is in 3 pieces, which were tied by their closest rows"):
        model = LandmarkIsomap(n_landmarks=30, random_state=0).fit(X)
    assert model.n_connected_components_ == 3
    assert np.isfinite(model.embedding_).all()
    # The two that are nearest neighbours are tied by their closest rows: the gap is kept in the embedding.
    gap = np.linalg.norm(model.embedding_[:300].mean(axis=0) - model.embedding_[300:550].mean(axis=0))
    assert 38 < gap < 50


def test_many_small_pieces():
    rng = np.random.default_rng(0)
    X = (rng.integers(0, 1000, (60, 1, 2)) + rng.normal(0, 0.1, (60, 10, 2))).reshape(-1, 2)
    with pytest.warns(UserWarning, match="pieces"):
        placed = LandmarkIsomap(n_neighbors=4, n_landmarks=50, random_state=0).fit_transform(X)
    assert np.isfinite(placed).all()


def test_a_million_copies_of_a_row_cost_nothing():
    X, _ = make_swiss_roll(300, random_state=0)
    many = np.concatenate([X[:150], np.broadcast_to(X[7], (100_000, 3)), X[150:]])
    plain = LandmarkIsomap(n_landmarks=30, random_state=0).fit_transform(X)
    placed = LandmarkIsomap(n_landmarks=30, random_state=0).fit_transform(many)
    np.testing.assert_allclose(placed[np.r_[:150, -150:0]], plain, atol=1e-9)
    np.testing.assert_array_equal(placed[150:-150], np.broadcast_to(placed[7], (100_000, 2)))


def test_other_measures():
    X, _ = make_swiss_roll(400, random_state=0)
    theirs = Isomap(n_neighbors=10, metric="manhattan").fit_transform(X)
    ours = LandmarkIsomap(n_neighbors=10, n_landmarks=400, metric="manhattan").fit_transform(X)
    up_to_sign(ours, theirs, 1e-6 * np.abs(theirs).max())


def test_more_neighbours_than_rows():
    with pytest.raises(ValueError, match="n_neighbors=8 needs more than that many different rows; X has 5"):
        LandmarkIsomap(n_landmarks=3).fit(np.repeat(np.random.default_rng(0).normal(size=(5, 2)), 3, axis=0))
