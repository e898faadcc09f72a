import numpy as np

from cairn.evaluation.checks.expected import Expected, Tail


def test_the_tail_says_how_many_good_values_go_beyond():
    values = np.random.default_rng(0).exponential(2.0, 20_000)
    tail = Tail.fit(values)
    limit = tail.limit(-3)
    assert abs(tail.log_p(np.array([limit]))[0] + 3) < 1e-9
    assert 4 < (values > limit).sum() < 60  # about one in a thousand


def test_mistakes_do_not_hide_themselves():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.exponential(1.0, 900), np.full(100, 40.0)])
    assert Tail.fit(values).log_p(np.array([40.0]))[0] < -6


def test_no_object_vouches_for_itself(good):
    points = good.landmarks.points.copy()
    points[11, 4] += [15, 0]
    expected = Expected(points, np.arange(len(points)))
    assert np.nanargmax(expected.points.max(axis=1)) == 11
    model = expected.models[int(expected.fold[11])]
    without = points.copy()
    without[expected.fold == expected.fold[11]] += 1000.0  # the model of an object's fold has not seen the fold
    again = Expected(without, np.arange(len(points))).models[int(expected.fold[11])]
    assert np.allclose(model.mean, again.mean)
