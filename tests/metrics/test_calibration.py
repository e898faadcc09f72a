import numpy as np
import pytest

from cairn.metrics.calibration import auroc, ece, rank_correlation, reliability

nan = np.nan


def test_ece_by_hand():
    # Two bins in use: four cases at 0.95, three right: |0.95 - 0.75| = 0.2; one at 0.1, wrong: 0.1. (4 * 0.2 + 0.1) / 5
    assert ece([0.95] * 4 + [0.1], [1, 1, 1, 0, 0]) == pytest.approx(0.18)
    assert ece([0, 1, 1], [0, 1, 1]) == 0


def test_confident_and_always_wrong_is_the_worst():
    assert ece([1, 1], [0, 0]) == 1


def test_bins_are_closed_above():
    _, _, count = reliability([0, 1 / 15, 1 / 15 + 1e-9, 1], [1, 1, 1, 1])
    assert count.tolist() == [2, 1] + [0] * 12 + [1]


def test_errors_within_a_bin_cancel_and_across_bins_do_not():
    assert ece([0.5, 0.5], [0, 1]) == 0
    assert ece([0.4, 0.6], [1, 0]) == pytest.approx(0.6)


def test_cases_without_a_figure_do_not_count():
    assert ece([0.95, nan, 0.5], [1, 1, nan]) == pytest.approx(0.05)
    assert np.isnan(ece([], []))


def test_a_confidence_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"1\.2"):
        ece([0.2, 1.2], [1, 1])


def test_auroc_by_hand():
    # pairs (with, without): 3>1, 3>2, 2=2 counts half, 2>1: 3.5 of 4
    assert auroc([3, 2, 2, 1], [1, 1, 0, 0]) == pytest.approx(3.5 / 4)
    assert auroc([1, 1, 1], [0, 1, 0]) == 0.5
    assert np.isnan(auroc([1, 2], [1, 1]))


def test_auroc_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    score, outcome = rng.integers(0, 20, 500), rng.random(500) < 0.3
    assert auroc(score, outcome) == pytest.approx(metrics.roc_auc_score(outcome, score), abs=1e-12)


def test_rank_correlation():
    assert rank_correlation([0.9, 0.8, 0.1], [1, 2, np.inf]) == pytest.approx(-1)
    assert np.isnan(rank_correlation([0.5, 0.5], [1, 2]))


def test_whole_numbers_rank_like_any_others():
    rng = np.random.default_rng(0)
    score, other, outcome = rng.integers(0, 30, 200), rng.integers(0, 30, 200), rng.random(200) < 0.4
    assert auroc(score, outcome) == auroc(score.astype(float), outcome)
    assert auroc(score - 50, outcome) == auroc(score, outcome)
    assert rank_correlation(score, other) == pytest.approx(rank_correlation(score / 7, other / 7))
    stats = pytest.importorskip("scipy.stats")
    assert rank_correlation(score, other) == pytest.approx(stats.spearmanr(score, other).statistic)
