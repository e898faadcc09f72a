import os
import threading

import numpy as np
import PIL.Image
import pytest

from cairn.draw import contact_sheet, draw_landmarks, save_picture
from cairn.errors import InputError
from cairn.images import Image, read_image
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

GREY = 90


def flat(width=900, height=900):
    return Image(np.full((height, width, 3), GREY, np.uint8))


def marks(points, skeleton=None, box=None, **more):
    points = np.asarray(points, float)[None]
    skeleton = skeleton or Skeleton.anonymous(points.shape[1])
    box = [np.nan] * 4 if box is None else box
    return Landmarks(skeleton, points, np.array([box]), np.zeros(1, int), **more)


def changed(drawn, image=None):
    """(H, W) how much each pixel differs from the flat grey."""
    return np.abs(drawn.astype(int) - GREY).sum(axis=2)


def centre_of(weight):
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()


@pytest.mark.parametrize("at", [(400, 300), (400.5, 300.25), (10, 880)])
def test_a_point_is_drawn_where_it_is(at):
    x, y = centre_of(changed(draw_landmarks(flat(), marks([at]))))
    assert (x, y) == pytest.approx(at, abs=0.1)


@pytest.mark.parametrize(("size", "scale"), [(64, 13), (200, 4), (799, 2), (800, 1)])
def test_a_small_picture_is_enlarged_about_pixel_edges(size, scale):
    drawn = draw_landmarks(flat(size, size), marks([(20, 31.5)]))
    assert drawn.shape == (size * scale, size * scale, 3)
    x, y = centre_of(changed(drawn))
    assert (x, y) == pytest.approx((scale * 20.5 - 0.5, scale * 32 - 0.5), abs=0.15)


def test_the_picture_lies_under_its_enlarged_points():
    """A bright pixel is covered by the point that is set on its centre, at every scale."""
    for scale in (1, 2, 3, 7):
        pixels = np.zeros((40, 60, 3), np.uint8)
        pixels[12, 33] = 255
        empty = Landmarks.empty(Skeleton.anonymous(1))
        drawn = draw_landmarks(Image(pixels), empty, scale=scale)
        x, y = centre_of(drawn.sum(axis=2).astype(float) ** 2)
        assert (x, y) == pytest.approx((scale * 33.5 - 0.5, scale * 12.5 - 0.5), abs=0.2)


def test_points_stay_visible_in_a_large_picture():
    small = (changed(draw_landmarks(flat(), marks([(400, 400)]))) > 30).sum()
    large = (changed(draw_landmarks(flat(4000, 4000), marks([(400, 400)]))) > 30).sum()
    assert large > 10 * small


def test_points_of_a_crowded_object_do_not_run_together():
    grid = np.stack(np.meshgrid(np.arange(400, 480, 8), np.arange(400, 480, 8)), -1).reshape(-1, 2)
    covered = changed(draw_landmarks(flat(), marks(grid)))[396:476, 396:476] > 30
    assert 0.15 < covered.mean() < 0.6


def test_confidence_is_told_by_colour():
    drawn = draw_landmarks(flat(), marks([(200, 200), (600, 600)], confidence=[[0.0, 1.0]]), legend=False)
    low, high = drawn[200, 200].astype(int), drawn[600, 600].astype(int)
    assert low[0] > low[2] + 100
    assert high[2] > high[0] + 100
    unknown = draw_landmarks(flat(), marks([(200, 200)], confidence=[[np.nan]]), legend=False)[200, 200]
    assert np.ptp(unknown) == 0


def test_parts_have_their_own_colours_where_confidence_is_unknown():
    skeleton = Skeleton(("a", "b", "c"), parts={"one": (0,), "two": (1,)})
    drawn = draw_landmarks(flat(), marks([(100, 100), (300, 300), (500, 500)], skeleton))
    colours = {tuple(drawn[i, i]) for i in (100, 300, 500)}
    assert len(colours) == 3


def test_an_edge_joins_its_points_and_nothing_else():
    skeleton = Skeleton(("a", "b", "c"), edges=((0, 1),))
    drawn = changed(draw_landmarks(flat(), marks([(100, 100), (300, 100), (300, 500)], skeleton)))
    assert drawn[100, 200] > 100
    assert drawn[300, 300] == 0


def test_missing_and_absent_points_are_not_drawn():
    skeleton = Skeleton(("a", "b", "c"), edges=((0, 1), (1, 2)))
    points = [(100, 100), (np.nan, np.nan), (500, 500)]
    drawn = changed(draw_landmarks(flat(), marks(points, skeleton, visibility=[[3, 0, 2]])))
    assert drawn[100, 100] == 0
    assert drawn[500, 500] > 0
    assert drawn[:400].sum() == 0


def test_a_hidden_point_is_hollow():
    drawn = changed(draw_landmarks(flat(), marks([(100, 100), (500, 500)], visibility=[[1, 2]])))
    assert drawn[100, 100] == 0
    assert drawn[90:110, 90:110].sum() > 0
    assert drawn[500, 500] > 0


def test_the_ellipse_is_the_95_percent_region():
    """The semi-axis of a normal distribution's 95 % region in the plane is sqrt(5.991) sigma."""
    covariance = np.array([[[[400.0, 0], [0, 100.0]]]])
    one = marks([(450, 450)], covariance=covariance)
    drawn = changed(draw_landmarks(flat(), one)) > 25
    assert np.flatnonzero(drawn[450]).max() == pytest.approx(450 + 2.4477 * 20, abs=1.6)
    assert np.flatnonzero(drawn[:, 450]).max() == pytest.approx(450 + 2.4477 * 10, abs=1.6)
    assert np.flatnonzero((changed(draw_landmarks(flat(), one, covariance=False)) > 25)[450]).max() < 470


def test_the_ellipse_is_turned_with_its_covariance():
    turned = marks([(450, 450)], covariance=np.array([[[[400.0, 380], [380, 400]]]]))  # long along y = x, y downwards
    drawn = changed(draw_landmarks(flat(), turned)) > 25
    y, x = np.nonzero(drawn)
    assert np.corrcoef(x, y)[0, 1] > 0.8


def test_a_box_with_its_score_and_a_warning_colour():
    plain = draw_landmarks(flat(), marks([(np.nan, np.nan)], box=(200, 300, 500, 600)))
    assert changed(plain)[450, 200] > 100
    assert changed(plain)[600, 350] > 100
    assert changed(plain)[450, 350] == 0
    said = draw_landmarks(flat(), marks([(np.nan, np.nan)], box=(200, 300, 500, 600), score=[0.5]))
    assert changed(said)[275:297, 200:260].sum() > 0
    wrong = draw_landmarks(flat(), marks([(np.nan, np.nan)], box=(200, 300, 500, 600), plausible=[False]))
    assert wrong[450, 200, 0] > wrong[450, 200, 2] + 100
    assert changed(draw_landmarks(flat(), marks([(np.nan, np.nan)], box=(200, 300, 500, 600)), boxes=False)).sum() == 0


def test_truth_is_a_green_cross_joined_to_its_prediction():
    skeleton = Skeleton.anonymous(1)
    drawn = draw_landmarks(flat(), marks([(200, 200)], skeleton), truth=marks([(400, 200)], skeleton)).astype(int)
    for x in (300, 400):
        assert drawn[200, x, 1] > drawn[200, x, 0] + 80
    with pytest.raises(ValueError, match="2 points"):
        draw_landmarks(flat(), marks([(200, 200)], skeleton), truth=marks([(1, 1), (2, 2)]))


def test_truth_alone_can_be_drawn():
    skeleton = Skeleton.anonymous(1)
    drawn = draw_landmarks(flat(), Landmarks.empty(skeleton), truth=marks([(400, 200)], skeleton))
    assert changed(drawn)[200, 400] > 0


def test_names_and_numbers_are_written_beside_the_points():
    skeleton = Skeleton(("flügel", "翼"))
    points = marks([(200, 450), (700, 450)], skeleton)
    bare = changed(draw_landmarks(flat(), points)) > 0
    named = changed(draw_landmarks(flat(), points, names=True)) > 0
    numbered = changed(draw_landmarks(flat(), points, names="numbers")) > 0
    assert named.sum() > numbered.sum() > bare.sum()


def test_grey_16_bit_and_one_pixel_pictures_can_be_drawn_on():
    one = marks([(0, 0)], confidence=[[0.5]], box=(-0.5, -0.5, 0.5, 0.5), score=[1.0])
    for pixels in (np.zeros((1, 1), np.uint8), np.zeros((1, 1, 3), np.uint16), np.zeros((1, 1))):
        assert draw_landmarks(Image(pixels), one, names=True).shape == (16, 16, 3)


def test_nothing_far_away_or_not_finite_breaks_the_picture():
    skeleton = Skeleton(("a", "b", "c"), edges=((0, 1), (1, 2)))
    points = [(1e12, -1e12), (50, 50), (np.inf, 3)]
    covariance = np.array([[np.eye(2) * 1e12, np.full((2, 2), np.nan), -np.eye(2)]])
    for box in ((50, 50, 10, 10), (np.nan, 0, 1, 1), (-1e9, -1e9, 1e9, 1e9)):
        one = marks(points, skeleton, box, confidence=[[0, 1, np.nan]], covariance=covariance, score=[np.nan])
        assert draw_landmarks(flat(), one, names=True).shape == (900, 900, 3)


def test_the_input_is_not_changed():
    image = flat()
    one = marks([(100, 100)], box=(50, 50, 150, 150), confidence=[[0.3]])
    before = one.points.copy()
    draw_landmarks(image, one)
    assert (image.pixels == GREY).all()
    np.testing.assert_array_equal(one.points, before)


def test_points_with_depth_are_drawn_by_x_and_y():
    points = np.array([[[300.0, 200, 77]]])
    one = Landmarks(Skeleton.anonymous(1), points, np.full((1, 4), np.nan), [0], covariance=np.eye(3)[None, None])
    x, y = centre_of(changed(draw_landmarks(flat(), one)))
    assert (x, y) == pytest.approx((300, 200), abs=0.1)


# --- sheets ---


def test_a_sheet_holds_every_tile_once():
    tiles = [(np.full((100, 80, 3), 10 * i, np.uint8), f"tile {i}") for i in range(1, 8)]
    sheet = contact_sheet(tiles, 3)
    for i in range(1, 8):
        assert ((sheet == 10 * i).all(axis=2)).sum() >= 100 * 80
    assert contact_sheet(tiles, 3, title="All of them").shape[0] > sheet.shape[0]


def test_large_tiles_shrink_and_long_captions_stay_in_their_column():
    tiles = [(np.full((900, 2000), 60, np.uint8), "a caption without an end " * 20)]
    sheet = contact_sheet(tiles, 4, size=200)
    assert sheet.shape[1] < 230
    assert ((sheet == 60).all(axis=2)).sum() == 90 * 200
    below = sheet[-20:]
    assert below.min() < 100  # letters
    assert (below[:, :3] == 250).all()


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="make no sheet"):
        contact_sheet([], 3)


# --- files ---


def test_what_is_saved_comes_back(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    save_picture(pixels, tmp_path / "ä.png")
    np.testing.assert_array_equal(read_image(tmp_path / "ä.png").pixels, pixels)
    save_picture(pixels[..., 0], str(tmp_path / "grey.PNG"))
    np.testing.assert_array_equal(read_image(tmp_path / "grey.PNG").pixels, pixels[..., 0])
    flat_red = np.full((16, 16, 3), (250, 20, 10), np.uint8)
    save_picture(flat_red, tmp_path / "a.jpg")
    assert np.abs(read_image(tmp_path / "a.jpg").pixels.astype(int) - flat_red).max() < 8


def test_saving_leaves_nothing_half_done(tmp_path, monkeypatch):
    target = tmp_path / "a.png"
    save_picture(np.zeros((4, 4, 3), np.uint8), target)
    before = target.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match=r"a\.png: cannot be written \(No space left on device\)"):
        save_picture(np.full((50, 50, 3), 9, np.uint8), target)
    assert target.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_saved_picture_has_the_rights_of_any_new_file(tmp_path):
    save_picture(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.png")
    (tmp_path / "b").touch()
    assert os.stat(tmp_path / "a.png").st_mode == os.stat(tmp_path / "b").st_mode


def test_places_that_cannot_be_written(tmp_path):
    pixels = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(InputError, match=r"end the name in \.png or \.jpg"):
        save_picture(pixels, tmp_path / "a.gif")
    with pytest.raises(InputError, match="there is no folder"):
        save_picture(pixels, tmp_path / "none" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        save_picture(pixels, tmp_path / "folder.png")
    assert os.listdir(tmp_path) == ["folder.png"]


def test_drawing_in_threads_gives_the_same_picture():
    one = marks([(100, 100), (300, 400)], confidence=[[0.2, 0.9]], box=(50, 50, 450, 450), score=[0.7])
    expected = draw_landmarks(flat(), one, names=True)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(draw_landmarks(flat(), one, names=True))) for _ in range(3)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 3
    assert all(np.array_equal(r, expected) for r in results)


def test_drawn_pictures_are_read_by_other_programs(tmp_path):
    save_picture(draw_landmarks(flat(100, 50), marks([(10, 10)])), tmp_path / "a.jpg")
    with PIL.Image.open(tmp_path / "a.jpg") as picture:
        assert picture.size == (800, 400)
        assert picture.mode == "RGB"


def test_a_path_and_an_array_can_be_drawn_on(tmp_path):
    pixels = np.full((40, 50, 3), 90, np.uint8)
    save_picture(pixels, tmp_path / "a.png")
    marks = Landmarks(Skeleton.anonymous(1), [[[20.0, 20]]], [[10.0, 10, 30, 30]], [0])
    drawn = draw_landmarks(Image(pixels), marks)
    assert np.array_equal(draw_landmarks(tmp_path / "a.png", marks), drawn)
    assert np.array_equal(draw_landmarks(pixels, marks), drawn)
    with pytest.raises(InputError, match="2 pictures; expected one"):
        draw_landmarks([pixels, pixels], marks)
