import numpy as np
import pytest

from cairn.metrics.matching import average_precision
from cairn.metrics.oks import THRESHOLDS, match_images, oks, oks_ap

nan = np.nan
SIGMAS = np.array([0.05, 0.1])


def test_similarity_by_hand():
    # area 10,000 px^2: scale 100, k = 2 sigma = 0.1 and 0.2. A point 10 px off: exp(-100 / (2 * 10000 * 0.01)) =
    # exp(-1/2)
    truth = [[[50, 50], [80, 50]]]
    assert oks(truth, truth, [1e4], SIGMAS) == pytest.approx(np.ones((1, 1)))
    assert oks([[[60, 50], [80, 50]]], truth, [1e4], SIGMAS) == pytest.approx((np.exp(-0.5) + 1) / 2)
    assert oks([[[50, 50], [80, 70]]], truth, [1e4], SIGMAS) == pytest.approx((1 + np.exp(-0.5)) / 2)


def test_unlabelled_points_do_not_count_and_missing_predictions_have_no_likeness():
    truth = [[[50, 50], [nan, nan]]]
    assert oks([[[60, 50], [0, 0]]], truth, [1e4], SIGMAS) == pytest.approx(np.exp(-0.5))
    assert oks([[[nan, nan], [80, 50]]], [[[50, 50], [80, 50]]], [1e4], SIGMAS) == pytest.approx(0.5)


def test_a_truth_without_labels_excuses_what_lies_in_its_doubled_box():
    bare, box = np.full((1, 2, 2), nan), [[100, 100, 120, 120]]
    inside = [[[85, 110], [139, 139]]]
    assert oks(inside, bare, [400], SIGMAS, box) == pytest.approx(1)
    # 2 px outside the doubled box, which ends at 140: exp(-4 / (2 * 400 * 0.01)) for the first point
    outside = [[[142, 110], [110, 110]]]
    assert oks(outside, bare, [400], SIGMAS, box) == pytest.approx((np.exp(-0.5) + 1) / 2)
    assert oks(inside, bare, [400], SIGMAS) == 0


def test_average_precision_by_hand():
    # One truth and one prediction of OKS (1 + e^-0.5) / 2 = 0.803: right at 0.50 ... 0.80, seven of ten thresholds.
    truth, predicted = [[[[50, 50], [80, 50]]]], [[[[60, 50], [80, 50]]]]
    assert oks_ap(match_images(predicted, [[1]], truth, [[1e4]], SIGMAS)) == pytest.approx(0.7)
    assert len(THRESHOLDS) == 10


def test_a_false_prediction_costs_only_where_it_scores_higher():
    truth = [[[[50, 50], [80, 50]]]]
    both = [[[[50, 50], [80, 50]], [[500, 50], [580, 50]]]]
    assert oks_ap(match_images(both, [[0.9, 0.1]], truth, [[1e4]], SIGMAS)) == pytest.approx(1)
    assert oks_ap(match_images(both, [[0.1, 0.9]], truth, [[1e4]], SIGMAS)) == pytest.approx(0.5)


def test_a_crowd_excuses_any_number_of_predictions():
    one, many = [[50, 50], [80, 50]], [[250, 50], [280, 50]]
    args = [[one, many, many]], [[0.1, 0.9, 0.8]], [[one, many]], [[1e4, 1e4]], SIGMAS
    assert oks_ap(match_images(*args)) < 0.9
    assert oks_ap(match_images(*args, crowd=[[False, True]])) == pytest.approx(1)


def test_objects_outside_the_range_of_areas_are_ignored():
    small, large = [[50, 50], [60, 55]], [[250, 50], [280, 90]]
    far = [[650, 50], [680, 90]]  # false, but its rectangle of 1,200 px^2 lies outside the range as well
    args = [[small, far]], [[0.1, 0.9]], [[small, large]], [[900, 1e4]], SIGMAS
    assert oks_ap(match_images(*args)) < 0.5
    assert oks_ap(match_images(*args, area_range=(0, 1000))) == pytest.approx(1)


def test_no_labels_at_all():
    assert np.isnan(oks_ap(match_images([np.zeros((1, 2, 2))], [[1]], [np.full((1, 2, 2), nan)], [[100]], SIGMAS)))


def test_wrong_number_of_sigmas_is_refused():
    with pytest.raises(ValueError, match="2 sigmas for 3 points"):
        oks(np.zeros((1, 3, 2)), np.zeros((1, 3, 2)), [1], SIGMAS)


def drawn():
    """25 pictures with ties, crowds, objects without labels, and predictions of nothing."""
    rng = np.random.RandomState(0)
    sigmas = rng.uniform(0.03, 0.1, 6)
    pictures = []
    for _ in range(25):
        truth, areas, boxes, crowd, found, scores = [], [], [], [], [], []
        for _ in range(rng.randint(0, 5)):
            centre, size = rng.uniform(100, 500, 2), rng.uniform(20, 200)
            points = centre + rng.uniform(-0.5, 0.5, (6, 2)) * size
            labelled = rng.rand(6) < (0.8 if rng.rand() < 0.85 else 0)
            truth.append(np.where(labelled[:, None], points, nan))
            areas.append(size**2 * rng.uniform(0.4, 1))
            boxes.append([*(centre - size / 2), *(centre + size / 2)])
            crowd.append(rng.rand() < 0.1)
            for _ in range(rng.randint(0, 3)):
                found.append(points + rng.normal(size=(6, 2)) * size * rng.choice([0.02, 0.05, 0.1]))
                scores.append(round(rng.rand(), 1))
        for _ in range(rng.randint(0, 3)):
            found.append(rng.uniform(100, 500, 2) + rng.uniform(-50, 50, (6, 2)))
            scores.append(round(rng.rand(), 1))
        shaped = np.reshape(found, (-1, 6, 2)), scores, np.reshape(truth, (-1, 6, 2)), areas
        pictures.append((*shaped, np.reshape(boxes, (-1, 4)), crowd))
    return sigmas, tuple(zip(*pictures, strict=True))


def test_agrees_with_the_coco_evaluation():
    # AP, AP at 0.50, at 0.75, of medium and of large objects, as pycocotools 2.0.11 gives them for the same data
    sigmas, (found, scores, truth, areas, boxes, crowd) = drawn()

    def matched(low, high):
        return match_images(found, scores, truth, areas, sigmas, boxes=boxes, crowd=crowd, area_range=(low, high))

    everything = average_precision(matched(0, 1e10))
    ours = [
        everything.mean(),
        everything[0],
        everything[5],
        oks_ap(matched(32**2, 96**2)),
        oks_ap(matched(96**2, 1e10)),
    ]
    theirs = [0.32066857982263497, 0.4354584746334801, 0.31339690377025997, 0.27862473062605203, 0.4470632357353381]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
