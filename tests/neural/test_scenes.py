import numpy as np
import pytest

pytest.importorskip("torch")
from dataclasses import replace

from cairn.augment import Augmentation
from cairn.dataset import Dataset
from cairn.geometry import boxes as box_geometry
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.neural.scenes import Scene, Scenes, Variety, scene_batches, targets
from cairn.skeleton import Skeleton

PLAIN = Augmentation(0, 0, 0, 0, 0, 0, 0, 0)
CALM = {"soften": 0.0, "hide": 0.0}


def squares(flip=(1, 0), kinds="tight"):
    """Four pictures with a white square each; its points are two opposite corners."""
    images, points = [], []
    for i in range(4):
        pixels = np.zeros((150, 200, 3), np.uint8)
        x, y, side = 30 + 25 * i, 40 + 10 * i, 30 + 8 * i
        pixels[y : y + side + 1, x : x + side + 1] = 255
        images.append(Image(pixels))
        points.append([[x, y], [x + side, y + side]])
    points = np.array(points, float)
    boxes = box_geometry.around(points)
    if kinds == "wide":
        boxes = box_geometry.expand(boxes, 1.5)
    return Dataset(ImageList(images), Landmarks(Skeleton(("a", "b"), flip=flip), points, boxes, np.arange(4)))


def white(pixels):
    """The box around what is bright."""
    y, x = np.nonzero(pixels[..., 0] > 128)
    return np.array([x.min(), y.min(), x.max(), y.max()])


def whole(scene, margin=3):
    """Objects that the picture's edge does not cut."""
    size = scene.pixels.shape[0]
    return (scene.boxes.min(axis=1) > margin) & (scene.boxes.max(axis=1) < size - 1 - margin)


def test_boxes_are_where_the_objects_are_however_the_picture_is_zoomed_and_mirrored():
    scenes = Scenes(squares(), 128, Variety(turn=0, stretch=0, grids=(1,), anywhere=0, **CALM))
    rng = np.random.default_rng(0)
    checked = 0
    for row in list(range(4)) * 10:
        scene = scenes.draw(row, PLAIN, rng)
        if len(scene.boxes) == 1 and whole(scene)[0]:
            np.testing.assert_allclose(white(scene.pixels), scene.boxes[0], atol=1.6)
            checked += 1
    assert checked > 20


def test_a_turned_object_has_a_tight_box_around_its_turned_points():
    scenes = Scenes(squares(), 128, Variety(turn=20, stretch=0, grids=(1,), anywhere=0, **CALM))
    rng = np.random.default_rng(0)
    diagonal = []
    for _ in range(40):
        scene = scenes.draw(0, PLAIN, rng)
        if len(scene.boxes) == 1:
            # Two opposite corners: turned, their box is no longer a square.
            diagonal.append(box_geometry.sides(scene.boxes)[0])
    ratio = np.ptp(np.log(np.array(diagonal)), axis=1)
    assert ratio.max() > 0.3


def test_a_box_that_is_not_tight_turns_as_an_ellipse():
    scenes = Scenes(squares(kinds="wide"), 128, Variety(turn=20, stretch=0, grids=(1,), anywhere=0, **CALM))
    rng = np.random.default_rng(0)
    for _ in range(20):
        for sides in box_geometry.sides(scenes.draw(0, PLAIN, rng).boxes):
            assert sides[0] == pytest.approx(sides[1])  # a circle stays a circle


def test_grids_show_several_objects_and_small_ones():
    scenes = Scenes(squares(), 160, Variety(grids=(0, 0, 1), anywhere=0, **CALM))
    drawn = [scenes.draw(0, PLAIN, np.random.default_rng(i)) for i in range(5)]
    assert min(len(s.boxes) for s in drawn) >= 4
    assert all(s.pixels.shape == (160, 160, 3) for s in drawn)


def test_unlabelled_rows_and_small_objects_are_regions_without_a_say():
    data = squares()
    points = data.landmarks.points.copy()
    points[1:] = np.nan
    data = replace(data, landmarks=replace(data.landmarks, points=points))
    scenes = Scenes(data, 128, Variety(grids=(1,), anywhere=0, **CALM))
    assert len(scenes) == 1
    rng = np.random.default_rng(0)
    part = scenes._square(1, 128, rng)
    assert len(part.boxes) == 0
    assert len(part.ignored) == 1
    fussy = Scenes(squares(), 128, Variety(smallest=500, grids=(1,), anywhere=0, enlarge=1, **CALM))
    assert len(fussy.draw(0, PLAIN, rng).boxes) == 0


def test_without_a_mirror_image_nothing_is_mirrored():
    ramp = np.tile(np.linspace(0, 255, 200).astype(np.uint8)[None, :, None], (150, 1, 3))
    for flip, expected in ((None, {False}), ((1, 0), {False, True})):
        data = replace(squares(flip=flip), images=ImageList([Image(ramp)] * 4))
        scenes = Scenes(data, 64, Variety(turn=0, grids=(1,), anywhere=0, **CALM))
        rng = np.random.default_rng(0)
        drawn = [scenes.draw(3, PLAIN, rng).pixels.astype(int).max(axis=(0, 2)) for _ in range(12)]
        falls = {bool(np.median(np.diff(r[r > 0])) < 0) for r in drawn}
        assert falls == expected


def test_targets_say_where_the_centre_is_and_what_the_box_is():
    boxes = np.array([[40.0, 24.0, 88.0, 72.0]])
    scene = Scene(np.zeros((128, 128, 3), np.uint8), boxes, np.array([[0.0, 100.0, 20.0, 127.0]]))
    heat, box, weight, counted = targets(scene, 8, 0.1)
    assert np.argwhere(heat == 1).tolist() == [[6, 8]]  # row, column: (48 - 3.5) / 8 = 5.6, (64 - 3.5) / 8 = 7.6
    np.testing.assert_array_equal(box[6, 8], boxes[0])
    assert weight.sum() == pytest.approx(1)
    assert weight[heat < 0.2].sum() == 0
    assert not counted[13:, :2].any()
    assert counted[:12].all()


def test_the_smaller_of_two_objects_is_not_hidden_by_the_larger():
    boxes = np.array([[50.0, 50.0, 66.0, 66.0], [8.0, 8.0, 120.0, 120.0]])
    heat, box, _, _ = targets(Scene(np.zeros((128, 128, 3), np.uint8), boxes, np.empty((0, 4))), 8, 0.1)
    assert (heat == 1).sum() == 2
    np.testing.assert_array_equal(box[7, 7], boxes[0])


def test_batches_depend_on_seed_and_step_alone():
    scenes = Scenes(squares(), 96, Variety())
    run = [b.pixels for b in scene_batches(scenes, Augmentation(), 4, 8, 0.1, 5, 0, 3)]
    again = [b.pixels for b in scene_batches(scenes, Augmentation(), 4, 8, 0.1, 5, 2, 3)]
    other = [b.pixels for b in scene_batches(scenes, Augmentation(), 4, 8, 0.1, 6, 2, 3)]
    np.testing.assert_array_equal(run[2], again[0])
    assert (run[2] != other[0]).any()
