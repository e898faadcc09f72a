"""Rows at random."""

import numpy as np

from cairn.points import RandomLandmarks


def test_every_row_is_as_likely_as_another():
    X = np.arange(20.0)[:, None]
    counts = sum(
        np.bincount(RandomLandmarks(5, random_state=seed).fit(X).indices_, minlength=20) for seed in range(2000)
    )
    assert np.abs(counts - 500).max() < 100  # five standard deviations


def test_all_rows():
    assert (RandomLandmarks(7).fit(np.eye(7)).indices_ == np.arange(7)).all()
