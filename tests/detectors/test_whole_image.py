import numpy as np

from cairn.detectors.checks import check_finder
from cairn.detectors.whole_image import WholeImage
from cairn.images import Image
from tests.conftest import draw_kites


def test_keeps_the_contract():
    check_finder(WholeImage, draw_kites(3))


def test_the_box_spans_the_outer_edges_of_the_pixels():
    ((boxes, scores),) = WholeImage().predict([Image(np.zeros((30, 40, 3), np.uint8))])
    assert boxes.tolist() == [[-0.5, -0.5, 39.5, 29.5]]
    assert scores.tolist() == [1.0]
