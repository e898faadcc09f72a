"""Shapes of ten points drawn from a Gaussian of two modes, so that what is plausible is known."""

import numpy as np
import pytest

from cairn.errors import InputError
from cairn.geometry import boxes, transforms
from cairn.landmarks import Landmarks
from cairn.metrics.calibration import auroc
from cairn.shape.plausibility import Plausibility
from cairn.skeleton import Skeleton

RING = Skeleton(tuple("abcdefghij"), parts={"first": (0, 1, 2, 3), "last": (7, 8, 9)}, name="ring")
ANGLE = np.linspace(0, 2 * np.pi, 10, endpoint=False)
MEAN = np.stack([np.cos(ANGLE), np.sin(ANGLE) * (1 + 0.3 * np.cos(ANGLE))], axis=-1)


def rings(n: int, seed: int = 0, noise: float = 0.01) -> np.ndarray:
    """(n, 10, 2) px, anywhere, of any size, turned any way."""
    rng = np.random.default_rng(seed)
    shapes = MEAN + rng.normal(0, noise, (n, 10, 2))
    shapes[..., 0] *= 1 + 0.1 * rng.normal(size=(n, 1))
    shapes[:, 2:5, 1] += 0.1 * rng.normal(size=(n, 1))
    turn = [transforms.rotation_about((0, 0), a, z) for a, z in rng.uniform((-3, 20), (3, 90), (n, 2))]
    return transforms.apply(np.array(turn), shapes) + rng.uniform(0, 500, (n, 1, 2))


def marks(points: np.ndarray, **more) -> Landmarks:
    return Landmarks(RING, points, boxes.around(points), np.arange(len(points)), **more)


def found(points: np.ndarray, seed: int = 1, confidence: float = 0.8) -> Landmarks:
    """As a detector would give them: with errors of 1 px, their covariance and a confidence."""
    rng = np.random.default_rng(seed)
    n, k = points.shape[:2]
    said = np.clip(confidence + 0.03 * rng.normal(size=(n, k)), 0.01, 0.99)
    spread = np.broadcast_to(np.eye(2), (n, k, 2, 2)) * rng.uniform(0.8, 1.2, (n, k, 1, 1))
    return marks(points + rng.normal(size=points.shape), confidence=said, covariance=spread)


@pytest.fixture(scope="module")
def judge() -> Plausibility:
    truth = rings(60, seed=5)
    return Plausibility.fit(marks(rings(300)), predicted=found(truth), truth=marks(truth))


def test_about_one_good_shape_in_a_hundred_is_called_implausible(judge):
    for good in (marks(rings(2000, seed=9)), found(rings(2000, seed=9), seed=3)):
        said = judge.judge(good)
        assert (~said.plausible).mean() <= 0.03
        assert (~said.plausible_points.all(axis=1)).mean() <= 0.03
        assert (~said.plausible_parts.all(axis=1)).mean() <= 0.03
    assert (~judge.judge(marks(rings(2000, seed=9))).plausible).mean() >= 0.002


@pytest.mark.parametrize(("n", "most"), [(12, 0.06), (20, 0.03), (40, 0.03)])
def test_few_shapes_are_no_excuse_for_many_false_alarms(n, most):
    flagged = [
        (~Plausibility.fit(marks(rings(n, s))).judge(marks(rings(300, 99 + s))).plausible).mean() for s in range(6)
    ]
    assert np.mean(flagged) <= most


def test_a_point_that_is_moved_is_found_and_its_neighbours_are_not_blamed(judge):
    points = rings(200, seed=11)
    size = np.linalg.norm(points - points.mean(axis=1, keepdims=True), axis=(1, 2))
    points[:, 3] += 0.25 * size[:, None] * np.array([0.6, 0.8])
    said = judge.judge(marks(points))
    assert (~said.plausible).all()
    assert (~said.plausible_points[:, 3]).all()
    assert said.plausible_points[:, [0, 1, 2, 4, 5, 6, 7, 8, 9]].mean() > 0.99
    assert (~said.plausible_parts[:, 0]).all()


def test_two_wrong_points_are_both_found(judge):
    points = rings(200, seed=12)
    points[:, [1, 6]] = points[:, [6, 1]]
    wrong = ~judge.judge(marks(points)).plausible_points
    assert wrong[:, [1, 6]].mean() > 0.95
    assert wrong[:, [0, 2, 3, 4, 5, 7, 8, 9]].mean() < 0.02


def test_a_mirrored_shape_is_implausible(judge):
    good, mirrored = rings(200, seed=13), rings(200, seed=14) * [-1, 1]
    score = np.concatenate([judge.scores(marks(good)).fused, judge.scores(marks(mirrored)).fused])
    assert auroc(score, np.repeat([0, 1], 200)) > 0.99


def test_place_size_and_turn_do_not_matter(judge):
    points = rings(50, seed=15)
    turn = transforms.rotation_about((40, -10), 1.1, 3.7)
    a, b = judge.scores(marks(points)), judge.scores(marks(transforms.apply(turn, points)))
    assert np.allclose(a.fused, b.fused, atol=1e-6)
    assert np.allclose(a.points, b.points, atol=1e-6)


def test_a_picture_unlike_that_of_good_fits_is_implausible_though_the_shape_is_fine(judge):
    said = judge.judge(found(rings(100, seed=16), confidence=0.2))
    scores = judge.scores(found(rings(100, seed=16), confidence=0.2))
    assert (~said.plausible).all()
    assert np.median(scores.shape) < 1 < 3 < np.median(scores.appearance)


def test_missing_points_are_not_implausible_and_the_rest_is_still_judged(judge):
    points = rings(300, seed=17)
    points[:, 4] = np.nan
    said = judge.judge(marks(points))
    assert (~said.plausible).mean() < 0.03
    assert said.plausible_points[:, 4].all()
    points[:, 7] += 40
    assert (~judge.judge(marks(points)).plausible).mean() > 0.9
    nothing = judge.judge(marks(np.full((2, 10, 2), np.nan)))
    assert not nothing.plausible.any()
    assert nothing.plausible_points.all()


def test_points_do_not_change(judge):
    points = rings(20, seed=18)
    points[:, 2] += 50
    said = judge.judge(marks(points))
    assert np.array_equal(said.points, points)
    assert said.altered is None


def test_the_rate_of_false_alarms_is_the_users_to_choose(judge):
    from dataclasses import replace

    good = marks(rings(1000, seed=19))
    strict, lax = replace(judge, false_alarms=0.2), replace(judge, false_alarms=0.001)
    assert (~lax.judge(good).plausible).mean() < 0.01 < 0.1 < (~strict.judge(good).plausible).mean() < 0.3
    with pytest.raises(InputError, match="between 0 and 1"):
        replace(judge, false_alarms=0)


def test_one_at_a_time_says_the_same_as_all_together(judge):
    many = found(rings(30, seed=20))
    together = judge.scores(many)
    alone = [judge.scores(many.take([i])).fused[0] for i in range(30)]
    assert np.allclose(together.fused, alone, atol=1e-9)
    assert len(judge.judge(many.take([]))) == 0


def test_arrays_keep_everything(judge):
    again = Plausibility.from_arrays(judge.to_arrays())
    assert again.equals(judge)
    many = found(rings(30, seed=21))
    assert np.array_equal(again.scores(many).fused, judge.scores(many).fused)
    damaged = {**judge.to_arrays(), "mean": np.zeros((3, 2))}
    with pytest.raises(InputError, match="damaged"):
        Plausibility.from_arrays(damaged)


@pytest.mark.parametrize("k", [3, 4])
def test_three_points_are_enough(k):
    skeleton = Skeleton.anonymous(k)
    points = rings(60)[:, :k]
    labels = Landmarks(skeleton, points, boxes.around(points), np.arange(60))
    judge = Plausibility.fit(labels)
    assert (~judge.judge(labels).plausible).mean() < 0.06
    spoilt = points.copy()
    spoilt[:, 1] += 300
    assert (~judge.judge(Landmarks(skeleton, spoilt, boxes.around(spoilt), np.arange(60))).plausible).mean() > 0.9


def test_space_has_shapes_too():
    rng = np.random.default_rng(3)
    mean = rng.normal(size=(8, 3))
    points = 50 * (mean + 0.02 * rng.normal(size=(400, 8, 3))) + rng.uniform(0, 90, (400, 1, 3))
    labels = Landmarks(Skeleton.anonymous(8), points, boxes.around(points), np.arange(400))
    judge = Plausibility.fit(labels.take(np.arange(200)))
    assert (~judge.judge(labels.take(np.arange(200, 400))).plausible).mean() < 0.04
    spoilt = points[200:].copy()
    spoilt[:, 5] += 25
    said = judge.judge(Landmarks(labels.skeleton, spoilt, boxes.around(spoilt), np.arange(200)))
    assert (~said.plausible_points[:, 5]).mean() > 0.95


def test_a_detectors_usual_errors_are_no_alarm_though_few_are_known():
    def rough(truth, seed):
        errors = np.random.default_rng(seed).normal(0, 2.5, truth.shape)
        return marks(truth + errors, confidence=np.full(truth.shape[:2], 0.5))

    truth = rings(4, seed=41)
    alone = Plausibility.fit(marks(rings(100)))
    told = Plausibility.fit(marks(rings(100)), predicted=rough(truth, 1), truth=marks(truth))
    again = rough(rings(200, seed=42), 2)
    assert (~alone.judge(again).plausible).mean() > 0.5
    assert (~told.judge(again).plausible).mean() < 0.2


def test_too_little_is_one_sentence():
    with pytest.raises(InputError, match=r"4 shapes of 10 points.*at least 5"):
        Plausibility.fit(marks(rings(4)))
    with pytest.raises(InputError, match="needs at least 5 with 3 points"):
        Plausibility.fit(Landmarks(Skeleton.anonymous(2), rings(9)[:, :2], boxes.around(rings(9)[:, :2]), np.arange(9)))


def test_wrong_labels_among_the_training_shapes_do_not_blind_it():
    points = rings(300, seed=22)
    points[:15, 6] += 60
    judge = Plausibility.fit(marks(points))
    spoilt = rings(100, seed=23)
    spoilt[:, 6] += 60
    assert (~judge.judge(marks(spoilt)).plausible_points[:, 6]).mean() > 0.8
