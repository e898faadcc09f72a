import numpy as np
import pytest

from cairn.metrics.radial import mre, sdr

nan = np.nan
TRUTH = np.zeros((2, 2, 2))
PREDICTED = np.array([[[10, 0], [0, 12.5]], [[15, 0], [nan, nan]]])  # 2, 2.5 and 3 mm at 0.2 mm; one missed


def test_millimetres_where_the_spacing_is_known_and_px_where_not():
    assert mre(PREDICTED, TRUTH, spacing=(0.2, 0.2)) == pytest.approx(2.5)
    assert mre(PREDICTED, TRUTH) == pytest.approx(12.5)


def test_within_a_radius_includes_it_and_a_missed_point_is_within_none():
    assert sdr(PREDICTED, TRUTH, spacing=(0.2, 0.2)).tolist() == [0.25, 0.5, 0.75, 0.75]
    assert sdr(PREDICTED, TRUTH, radii=[1000]).tolist() == [0.75]


def test_unlabelled_points_do_not_count():
    truth = TRUTH.copy()
    truth[1] = nan
    assert sdr(PREDICTED, truth, radii=[12]).tolist() == [0.5]
    assert np.isnan(mre(PREDICTED, TRUTH * nan))
    assert np.isnan(sdr(PREDICTED, TRUTH * nan)).all()
