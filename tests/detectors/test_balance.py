import numpy as np
import pytest

from cairn.detectors.balance import shares


def objects(*labelled):
    """Objects with the points that are said, of four."""
    points = np.full((len(labelled), 4, 2), np.nan)
    for row, which in zip(points, labelled, strict=True):
        row[list(which)] = 1.0
    return points


def test_all_alike_where_all_have_all_points():
    assert shares(objects(*[range(4)] * 5)).tolist() == [1] * 5
    assert shares(objects(*[(0, 2)] * 5)).tolist() == [1] * 5  # two points that nobody has do not count
    assert shares(objects((), ())).tolist() == [1, 1]


def test_every_point_has_the_same_total_in_a_mixture():
    points = objects(*[range(4)] * 2, *[(0, 1)] * 10)
    share = shares(points)
    assert share.mean() == 1
    # 1/12 + 1/12 for the two common points, 1/2 + 1/2 for the two rare ones
    np.testing.assert_allclose(share[0] / share[-1], (2 / 12 + 2 / 2) / (2 / 12))


def test_no_object_is_all_that_training_sees():
    share = shares(objects(range(4), *[(0,)] * 1000))
    assert share[0] == 10
    assert share.mean() == pytest.approx(1)
    assert share[1:].min() > 0.9
