import base64
import io

import numpy as np
import pytest

from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.report.pictures import cut, data_uri, tile
from cairn.skeleton import Skeleton

nan = np.nan


def spot(size, x, y):
    """A dark picture with one light pixel block around (x, y)."""
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[y - 1 : y + 2, x - 1 : x + 2] = 255
    return Image(pixels)


@pytest.mark.parametrize(("x", "y"), [(60, 50), (3, 4), (115, 95)])
def test_points_lie_on_what_they_lay_on_in_the_picture(x, y):
    part = cut(spot((100, 120), x, y), np.array([[x - 8.0, y - 8.0], [x + 8.0, y + 8.0]]), side=340)
    rows, columns = np.nonzero(part.pixels[..., 0] > 128)
    assert np.allclose(part.place(np.array([x, y], float)), [columns.mean(), rows.mean()], atol=0.6)


def test_a_cut_is_square_where_there_is_room_and_never_leaves_the_picture():
    image = Image(np.zeros((100, 300, 3), np.uint8))
    assert cut(image, np.array([[100.0, 40], [140, 60]])).pixels.shape[:2] == (340, 340)
    assert cut(image, np.array([[0.0, 0], [299, 99]])).pixels.shape[:2] == (113, 340)
    for around in ([[-500.0, -500], [-400, -450]], [[900.0, 900], [950, 920]], [[nan, nan], [nan, nan]]):
        assert max(cut(image, np.array(around)).pixels.shape) == 340


def test_pixels_come_out_of_the_page_as_they_went_in():
    from PIL import Image as Pillow

    pixels = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    address = data_uri(pixels)
    kind, data = address.split(",", 1)
    assert kind == "data:image/jpeg;base64"
    again = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(data))))
    assert again.shape == pixels.shape
    assert np.abs(again.astype(int) - pixels).max() < 6


def test_points_that_are_not_there_are_not_drawn():
    skeleton = Skeleton.anonymous(2)
    boxes, index = np.array([[0.0, 0, 9, 9]]), np.zeros(1, int)
    truth = Landmarks(skeleton, np.array([[[2.0, 3], [nan, nan]]]), boxes, index)
    missed = Landmarks(skeleton, np.full((1, 2, 2), nan), boxes, index)
    part = cut(Image(np.zeros((10, 10, 3), np.uint8)), boxes.reshape(2, 2))
    html = tile(part, words="w", truth=truth, found=missed)
    assert "nan" not in html
    assert html.count('class="found"') == 1
    assert "h0" not in html  # no dot
    assert html.count("<path") == 2  # one cross, dark and light


def test_a_ring_has_its_points_name_beside_it_towards_the_middle():
    part = cut(Image(np.zeros((100, 100, 3), np.uint8)), np.array([[0.0, 0], [99, 99]]))
    skeleton = Skeleton(("left & low", "right", "other"))
    asked = Landmarks(skeleton, [[[10.0, 80], [90, 20], [nan, nan]]], [[0.0, 0, 99, 99]], [0])
    html = tile(part, words="w", found=asked, asked=asked)
    assert 'text-anchor="start">left &amp; low</text>' in html.replace(' class="name"', "")
    assert html.count("<text") == 2
    many = Landmarks(Skeleton.anonymous(7), [[[10.0 * i, 50] for i in range(7)]], [[0.0, 0, 99, 99]], [0])
    assert "<text" not in tile(part, words="w", asked=many)
