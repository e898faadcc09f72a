import numpy as np

from cairn.report.examples import choose

nan, inf = np.nan, np.inf


def test_worst_begins_with_what_was_missed_and_best_with_the_best():
    errors = np.linspace(0.01, 0.5, 100)
    errors[7], errors[8] = inf, nan
    chosen = choose(errors[None])
    assert chosen["worst"][:2].tolist() == [7, 99]
    assert chosen["best"][:2].tolist() == [0, 1]
    assert abs(np.median(errors[chosen["median"]]) - 0.255) < 0.03
    rows = np.concatenate(list(chosen.values()))
    assert len(rows) == len(set(rows)) == 24
    assert 8 not in rows


def test_few_objects_are_shared_out_and_none_comes_twice():
    for n in range(30):
        rows = np.concatenate([np.empty(0, int), *choose(np.linspace(0, 1, n)[None]).values()])
        assert len(rows) == len(set(rows)) == min(n, 24)


def test_models_that_differ_are_shown_first():
    a, b = np.full(50, 0.03), np.full(50, 0.03)
    b[5], a[9] = 0.3, inf
    assert sorted(choose(np.stack([a, b]))["differences"].tolist()) == [5, 9]
    assert "differences" not in choose(np.stack([a, a]))
