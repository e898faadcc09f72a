import numpy as np
import pytest

from cairn.metrics.matching import average_precision, match, match_all


def test_the_best_score_chooses_first_and_a_truth_is_taken_once():
    similarity = [[0.6, 0.9], [0.8, 0.95]]
    assert match(similarity, [0.3, 0.7], 0.5).tolist() == [0, 1]  # the second prediction goes first
    assert match(similarity, [0.7, 0.3], 0.5).tolist() == [1, 0]
    assert match(similarity, [0.7, 0.3], 0.85).tolist() == [1, -1]


def test_threshold_is_included():
    assert match([[0.5]], [1], 0.5).tolist() == [0]
    assert match([[0.49]], [1], 0.5).tolist() == [-1]


def test_ignored_truths_are_picked_last_and_a_crowd_many_times():
    similarity = [[0.6, 0.9], [0.0, 0.9], [0.0, 0.8]]
    scores = [3, 2, 1]
    assert match(similarity, scores, 0.5, ignored=[False, True]).tolist() == [0, 1, -1]
    assert match(similarity, scores, 0.5, ignored=[False, True], crowd=[False, True]).tolist() == [0, 1, 1]


def test_what_takes_an_ignored_truth_is_neither_right_nor_false():
    # One truth, found by the second; the first takes an ignored one. Without the excuse precision would be 1/2.
    similarity = [[0, 0.9], [0.9, 0]]
    assert average_precision(match_all([similarity], [[2, 1]], 0.5, ignored=[[False, True]])) == pytest.approx([1])
    assert average_precision(match_all([[[0], [0.9]]], [[2, 1]], 0.5)) == pytest.approx([0.5])


def test_average_precision_by_hand():
    # Four truths, predictions by falling score: right, false, right. Precision 1 up to recall 1/4, 2/3 up to 2/4, then
    # 0: recalls 0..0.25 are 26 readings of 1, 0.26..0.50 are 25 of 2/3.
    matched = match_all([[[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]], [[3, 2, 1]], 0.5)
    assert average_precision(matched) == pytest.approx([(26 + 25 * 2 / 3) / 101])


def test_empty_images_and_no_truths():
    assert average_precision(match_all([np.zeros((0, 1))], [[]], [0.5, 0.9])).tolist() == [0, 0]
    assert np.isnan(average_precision(match_all([np.zeros((2, 0))], [[1, 2]], 0.5))).all()
    assert np.isnan(average_precision(match_all([], [], 0.5))).all()


def test_only_the_best_of_an_image_take_part():
    similarity = [[0], [0], [1]]
    assert average_precision(match_all([similarity], [[3, 2, 1]], 0.5, most=2)).tolist() == [0]


def test_a_bootstrap_sample_of_images_is_the_same_as_matching_that_sample():
    rng = np.random.default_rng(0)
    similarity = [rng.random((4, 3)) for _ in range(6)]
    scores = [rng.random(4) for _ in range(6)]
    chosen = [0, 2, 2, 5, 5, 5]
    sample = match_all([similarity[i] for i in chosen], [scores[i] for i in chosen], [0.5, 0.7])
    drawn = match_all(similarity, scores, [0.5, 0.7]).of_images(chosen)
    np.testing.assert_allclose(average_precision(drawn), average_precision(sample))
