import numpy as np
import pytest

from cairn.points.clustering.nearest import NearestLandmarks


def drawn(columns, rows=300, landmarks=80, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, columns)), rng.normal(size=(landmarks, columns))


def by_definition(rows, landmarks, k):
    distances = np.linalg.norm(rows[:, None] - landmarks, axis=-1)
    nearest = np.argsort(distances, axis=1)[:, :k]
    return np.take_along_axis(distances, nearest, 1), nearest


@pytest.mark.parametrize("columns", [2, 9])  # a tree, and all distances
@pytest.mark.parametrize("k", [1, 4])
def test_exact_is_the_definition(columns, k):
    rows, landmarks = drawn(columns)
    distances, nearest = NearestLandmarks(landmarks).query(rows, k)
    expected = by_definition(rows, landmarks, k)
    np.testing.assert_allclose(distances, expected[0], atol=1e-9)
    np.testing.assert_array_equal(nearest, expected[1])


@pytest.mark.parametrize("k", [1, 4])
def test_approximate_distances_are_true_ones_ascending_and_mostly_the_nearest(k):
    rows, landmarks = drawn(6)
    distances, nearest = NearestLandmarks(landmarks, "approximate").query(rows, k)
    np.testing.assert_allclose(distances, np.linalg.norm(rows[:, None] - landmarks[nearest], axis=-1), atol=1e-9)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert all(len(set(row)) == k for row in nearest.tolist())
    true = by_definition(rows, landmarks, k)[1]
    assert np.mean([len(set(a) & set(b)) / k for a, b in zip(nearest.tolist(), true.tolist(), strict=True)]) > 0.8


def test_a_table_far_from_the_origin_has_the_same_neighbours():
    rows, landmarks = drawn(6)
    for search in ("exact", "approximate"):
        here = NearestLandmarks(landmarks, search).query(rows, 3)[1]
        there = NearestLandmarks(landmarks + 1e5, search).query(rows + 1e5, 3)[1]
        assert np.mean(here == there) > 0.99


def test_another_search_is_refused():
    with pytest.raises(ValueError, match="expected one of exact, approximate"):
        NearestLandmarks(np.eye(3), "fast")


def test_far_from_the_origin_the_same_landmarks_are_nearest():
    rng = np.random.default_rng(0)
    landmarks, rows = rng.normal(size=(200, 12)), rng.normal(size=(300, 12))
    near, far = NearestLandmarks(landmarks), NearestLandmarks(landmarks + 1e9)
    distances, found = far.query(rows + 1e9, 5)
    np.testing.assert_allclose(distances, near.query(rows, 5)[0], atol=1e-5)
    assert (found == near.query(rows, 5)[1]).mean() > 0.999
