import numpy as np
import pytest

from cairn.metrics.bootstrap import interval

RNG = np.random.default_rng(0)
VALUES = RNG.normal(3, 2, size=400)


def test_interval_of_the_mean_is_that_of_theory():
    low, high = interval(VALUES)
    error = VALUES.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((VALUES.mean() - 1.96 * error, VALUES.mean() + 1.96 * error), abs=0.2 * error)


def test_the_fast_road_of_the_mean_draws_what_the_general_one_draws():
    groups = RNG.integers(50, size=400)
    assert interval(VALUES, groups) == pytest.approx(interval(VALUES, groups, statistic=lambda v: v.mean()), abs=1e-12)


def test_copies_within_a_group_do_not_narrow_the_interval():
    once = interval(VALUES[:40])
    copied = interval(np.repeat(VALUES[:40], 10), np.repeat(np.arange(40), 10))
    assert copied == pytest.approx(once, abs=1e-12)


def test_any_statistic():
    low, high = interval(VALUES, statistic=np.median, repeats=500)
    assert low < np.median(VALUES) < high


def test_rows_may_have_any_shape():
    pairs = np.stack([VALUES, 2 * VALUES], axis=1)
    assert interval(pairs, statistic=lambda p: p[:, 1].sum() / p[:, 0].sum(), repeats=50) == pytest.approx((2, 2))


def test_the_seed_decides():
    assert interval(VALUES, seed=1) == interval(VALUES, seed=1)
    assert interval(VALUES, seed=1) != interval(VALUES, seed=2)


def test_a_higher_level_is_wider():
    low, high = interval(VALUES, level=0.5)
    wide = interval(VALUES, level=0.99)
    assert wide[0] < low < high < wide[1]


def test_one_group_has_no_interval():
    assert np.isnan(interval([1, 2, 3], [7, 7, 7])).all()
    assert np.isnan(interval([])).all()


def test_repeats_without_a_value_do_not_count():
    low, high = interval([0, 1], statistic=lambda v: np.nan if v.all() else v.mean(), repeats=200)
    assert (low, high) == (0, 0.5)


def test_wrong_number_of_groups_is_refused():
    with pytest.raises(ValueError, match="2 groups for 3 values"):
        interval([1, 2, 3], [0, 1])
