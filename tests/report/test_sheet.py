import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.report.cases import Cases
from cairn.report.figures import Report
from cairn.report.sheet import worst_rows, worst_sheet
from cairn.skeleton import Skeleton

nan, inf = np.nan, np.inf
SKELETON = Skeleton.anonymous(3)


def made(errors, size=(120, 160), place=20.0):
    n = len(errors)
    rng = np.random.default_rng(0)
    images = [Image(rng.integers(0, 256, (*size, 3), dtype=np.uint8)) for _ in range(n)]
    points = place + np.array([[0, 0], [30, 5], [15, 40]], float) * np.ones((n, 1, 1))
    boxes = np.tile([place, place, place + 30, place + 40], (n, 1))
    truth = Landmarks(SKELETON, points, boxes, np.arange(n))
    predicted = Landmarks(SKELETON, np.where(np.isinf(errors)[:, None, None], nan, points + 2), boxes, np.arange(n))
    data = Dataset(ImageList(images), truth)
    errors = np.asarray(errors, float)
    single = np.repeat(errors[:, None], 3, axis=1)
    cases = Cases(data, predicted, np.arange(n), "box_size", np.ones(n), errors, single, single)
    return Report("m", "d", n, (), 0.1, cases=cases)


def test_missed_ones_come_first_and_unlabelled_ones_not_at_all():
    assert worst_rows(made([0.1, nan, inf, 0.3]), 12).tolist() == [2, 3, 0]
    assert worst_rows(made([0.1, nan, inf, 0.3]), 2).tolist() == [2, 3]


def test_sheet_is_a_picture_with_a_tile_for_each_and_more_rows_for_more():
    few, many = worst_sheet(made([0.1, nan, inf, 0.3])), worst_sheet(made([0.1] * 20))
    assert few.dtype == np.uint8
    assert few.shape[2] == 3
    assert many.shape[0] > 2 * few.shape[0]
    assert worst_sheet(made([0.1] * 20), count=3).shape[0] == few.shape[0]


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (50, 50)])
def test_objects_that_leave_their_picture_are_shown_all_the_same(size):
    assert worst_sheet(made([0.1, inf], size=size)).shape[2] == 3
    assert worst_sheet(made([0.1], size=size, place=-500.0)).shape[2] == 3
    assert worst_sheet(made([0.1], size=size, place=5000.0)).shape[2] == 3


def test_nothing_to_show_is_said():
    with pytest.raises(InputError, match="no measured object"):
        worst_sheet(made([nan]))
    with pytest.raises(ValueError, match="evaluate again"):
        worst_sheet(Report("m", "d", 0, (), nan))
