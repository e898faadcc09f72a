"""Landmarks in every region."""

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering

from cairn.points import KMeansLandmarks, KMeansPlusPlusLandmarks, LocalLandmarks, RandomLandmarks
from cairn.points.selectors.local import share_out


@pytest.fixture
def groups():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 3, (900, 2)), rng.normal(40, 1, (80, 2)), rng.normal([40, 0], 1, (20, 2))])
    return X, np.repeat(["large", "middle", "small"], [900, 80, 20])


def counts(selector, groups):
    return dict(zip(*np.unique(selector.fit(*groups).landmark_regions_, return_counts=True), strict=True))


def test_equal_and_by_size(groups):
    assert counts(LocalLandmarks(30, regions="y"), groups) == {"large": 10, "middle": 10, "small": 10}
    assert counts(LocalLandmarks(100, regions="y", allocation="size"), groups) == {"large": 90, "middle": 8, "small": 2}
    assert counts(LocalLandmarks(75, regions="y"), groups) == {"large": 28, "middle": 27, "small": 20}


def test_by_error_and_density(groups):
    X, y = groups
    spread = np.array([((X[y == name] - X[y == name].mean(axis=0)) ** 2).sum() for name in np.unique(y)])
    found = list(counts(LocalLandmarks(1000 // 2, regions="y", allocation="error"), groups).values())
    np.testing.assert_allclose(found, 500 * spread / spread.sum(), atol=1.5)
    dense = list(counts(LocalLandmarks(100, regions="y", allocation="density"), groups).values())
    root = np.sqrt(spread)  # round groups in the plane: d = 2, so that the power is 1/2
    np.testing.assert_allclose(dense, 100 * root / root.sum(), atol=1.5)


@pytest.mark.parametrize("regions", [3, AgglomerativeClustering(3)])
def test_regions_are_found(groups, regions):
    found = LocalLandmarks(12, regions=regions, random_state=0).fit(groups[0])
    for name in np.unique(groups[1]):
        assert len(set(found.regions_[groups[1] == name])) == 1
        assert (groups[1][found.indices_] == name).sum() == 4
    np.testing.assert_array_equal(found.regions_[found.indices_], found.landmark_regions_)


def test_a_rare_group_is_heard_where_random_rows_miss_it(groups):
    def share(selector):
        chosen = [selector.set_params(random_state=s).fit(*groups).indices_ for s in range(20)]
        return np.mean([(groups[1][i] == "small").sum() for i in chosen])

    assert share(RandomLandmarks(12)) < 1
    assert share(LocalLandmarks(12, regions="y")) == 4


def test_any_selector_may_choose_within(groups):
    means = LocalLandmarks(9, selector=KMeansLandmarks(), regions="y", random_state=0).fit(*groups)
    assert means.indices_ is None
    assert means.points_.shape == (9, 2)
    rows = LocalLandmarks(9, selector=KMeansPlusPlusLandmarks(), regions="y", random_state=0).fit(*groups)
    np.testing.assert_array_equal(groups[1][rows.indices_], rows.landmark_regions_)


def test_a_region_gives_no_more_than_it_has():
    X = np.concatenate([np.zeros((50, 1)), np.arange(50.0)[:, None] + 5])
    y = np.repeat([0, 1], 50)
    with pytest.raises(ValueError, match="found only 11 different landmarks in X, n_landmarks=20"):
        LocalLandmarks(20, regions="y").fit(X, y)
    assert len(LocalLandmarks(regions="y").fit(X, y).points_) == 51


def test_bad_settings(groups):
    with pytest.raises(ValueError, match="n_landmarks=2 is fewer than the 3 regions"):
        LocalLandmarks(2, regions="y").fit(*groups)
    with pytest.raises(ValueError, match="fit was given y=None"):
        LocalLandmarks(5, regions="y").fit(groups[0])
    with pytest.raises(ValueError, match="allocation='fair': expected one of equal, size"):
        LocalLandmarks(5, allocation="fair").fit(groups[0])
    with pytest.raises(ValueError, match="regions=0: expected a number of at least 1"):
        LocalLandmarks(5, regions=0).fit(groups[0])


@pytest.mark.parametrize("seed", range(50))
def test_shares(seed):
    rng = np.random.default_rng(seed)
    most = rng.integers(1, 30, 6)
    count = int(rng.integers(6, most.sum() + 1))
    weights = rng.exponential(size=6) * rng.integers(0, 2, 6)
    given = share_out(count, weights, most)
    assert given.sum() == count
    assert (given >= 1).all()
    assert (given <= most).all()
