import numpy as np
from numpy.testing import assert_array_equal

from cairn.points.clustering.row_sample import RowSample
from cairn.points.distinct import row_hash


def sample(rows, size):
    return RowSample.of(size, row_hash(rows), rows)


def same(a, b):
    assert_array_equal(a.hashes, b.hashes)
    assert_array_equal(a.counts, b.counts)
    assert_array_equal(a.columns[0], b.columns[0])


def test_pieces_in_any_order_give_the_sample_of_the_whole():
    rows = np.random.default_rng(0).integers(0, 12, size=(500, 2)).astype(float)  # many copies
    whole = sample(rows, 40)
    a, b, c = (sample(part, 40) for part in np.split(rows, [100, 320]))
    same(a.merged(b).merged(c), whole)
    same(c.merged(a.merged(b)), whole)
    same(sample(rows[::-1].copy(), 40), whole)


def test_counts_are_those_of_the_rows():
    rows = np.random.default_rng(1).integers(0, 9, size=(400, 2)).astype(float)
    found = sample(rows, 30)
    for row, count in zip(found.columns[0], found.counts, strict=True):
        assert count == (rows == row).all(axis=1).sum()


def test_every_row_is_kept_while_there_is_room():
    found = sample(np.repeat(np.eye(5), 3, axis=0), 100)
    assert found.counts.tolist() == [3] * 5


def test_rows_are_as_likely_wherever_they_stand():
    rows = np.arange(20_000.0)[:, None]
    kept = sample(rows, 1_000).columns[0]
    assert 450 < (kept < 10_000).sum() < 550  # 3 standard deviations are 47
