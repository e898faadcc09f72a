import numpy as np
import pytest

from cairn.metrics.ced import auc, curve, failure

# Worked by hand. Threshold 0.08; NMEs 0.02, 0.04, 0.08, 0.10 and one missed; one without a truth.
NME = [0.02, 0.04, np.nan, 0.08, 0.10, np.inf]


def test_failure_rate_counts_what_is_above_the_threshold_and_what_was_missed():
    assert failure(NME) == pytest.approx(2 / 5)
    assert failure(NME, 0.03) == pytest.approx(4 / 5)


def test_area_is_that_of_the_staircase():
    # steps of 1/5 at 0.02, 0.04, 0.08: (0.06 + 0.04 + 0) / 5 / 0.08
    assert auc(NME) == pytest.approx(0.25)
    assert auc([0, 0]) == 1
    assert auc([np.inf]) == 0


def test_area_agrees_with_a_fine_sum_over_the_curve():
    values = np.random.default_rng(0).gamma(3, 0.01, size=50)
    t = np.linspace(0, 0.08, 80001)
    assert auc(values) == pytest.approx(np.trapezoid(curve(values, t), t) / 0.08, abs=1e-4)


def test_curve_includes_its_threshold():
    assert curve(NME, [0, 0.02, 0.079, 0.08, 1]).tolist() == [0, 0.2, 0.4, 0.6, 0.8]


def test_nothing_to_count():
    assert np.isnan([failure([np.nan]), auc([]), *curve([], [1])]).all()
