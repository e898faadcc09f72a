import numpy as np
import pytest

from cairn.geometry.procrustes import centroid_size
from cairn.shape.plausibility import Plausibility
from tests.shape.test_plausibility import found, marks, rings


@pytest.fixture(scope="module")
def judge() -> Plausibility:
    truth = rings(60, seed=5)
    return Plausibility.fit(marks(rings(300)), predicted=found(truth), truth=marks(truth))


def spoilt(truth: np.ndarray, which: list[int]):
    seen = found(truth, seed=4)
    points = seen.points.copy()
    points[:, which] += 0.2 * centroid_size(truth)[:, None, None] * np.array([0.8, -0.6])
    return marks(points, confidence=seen.confidence, covariance=seen.covariance)


def test_a_displaced_point_goes_back_to_where_the_others_say(judge):
    truth = rings(100, seed=31)
    before = spoilt(truth, [3])
    after = judge.repair(before)
    error = [np.linalg.norm(m.points - truth, axis=-1)[:, 3].mean() for m in (before, after)]
    assert error[1] < 0.3 * error[0]
    assert after.altered[:, 3].all()
    assert not after.altered[:, [0, 1, 2, 4, 5, 6, 7, 8, 9]].any(axis=0).all()


def test_only_what_is_implausible_moves(judge):
    before = spoilt(rings(100, seed=32), [3])
    after = judge.repair(before)
    same = ~after.altered
    assert np.array_equal(after.points[same], before.points[same])
    assert np.array_equal(after.covariance[same], before.covariance[same])
    assert np.array_equal(after.altered, ~after.plausible_points)


def test_the_covariance_of_a_repaired_point_is_as_large_as_its_error(judge):
    truth = rings(400, seed=33)
    after = judge.repair(spoilt(truth, [3]))
    away = (after.points - truth)[:, 3]
    square = np.einsum("ni,nij,nj->n", away, np.linalg.inv(after.covariance[:, 3]), away)
    assert 1.2 < square.mean() < 3.2  # 2 for a Gaussian


def test_good_shapes_stay_as_they_are(judge):
    good = found(rings(300, seed=34))
    after = judge.repair(good)
    assert after.altered.any(axis=1).mean() < 0.03


def test_labels_without_covariance_are_repaired_too(judge):
    truth = rings(50, seed=35)
    points = truth.copy()
    points[:, 6] += 0.3 * centroid_size(truth)[:, None]
    after = judge.repair(marks(points))
    assert (
        np.linalg.norm(after.points - truth, axis=-1)[:, 6].mean()
        < 0.3 * np.linalg.norm(points - truth, axis=-1)[:, 6].mean()
    )
    assert after.covariance is None


def test_what_turns_and_grows_the_shape_turns_and_grows_the_repair(judge):
    before = spoilt(rings(20, seed=36), [5])
    turned = np.stack([-before.points[..., 1], before.points[..., 0]], axis=-1) * 2 + 7
    a = judge.repair(before)
    b = judge.repair(marks(turned, confidence=before.confidence, covariance=4 * before.covariance))
    again = np.stack([-a.points[..., 1], a.points[..., 0]], axis=-1) * 2 + 7
    assert np.allclose(b.points, again, atol=1e-6)
