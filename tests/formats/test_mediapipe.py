"""MediaPipe: shares of the picture."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, write
from cairn.formats.mediapipe import BODY_33, HAND_21
from tests.formats.conftest import labelled, pictures_of, same_points, several


def put(folder, content, name="a.json"):
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def point(x, y, z=0.0, **more):
    return {"x": x, "y": y, "z": z} | more


FACES = [[point(0.025, 1 / 60), point(0.5, 0.5, 0.1)], [point(0.1, 0.1), point(0.2, 0.2)]]  # a.png is 20 x 30 px


@pytest.mark.parametrize(
    "content",
    [
        {"faceLandmarks": FACES, "faceBlendshapes": [], "facialTransformationMatrixes": []},  # JavaScript
        {"face_landmarks": FACES, "face_blendshapes": []},  # Python's tasks
        {"multi_face_landmarks": [{"landmark": f} for f in FACES]},  # its older solutions
        {"multiFaceLandmarks": [{"landmark": f} for f in FACES]},
        [{"image": "a.png", "landmarks": FACES}],
    ],
)
def test_each_way_in_which_a_result_becomes_json(folder, content):
    marks = read(put(folder, content)).landmarks
    np.testing.assert_allclose(marks.points[0], [[0, 0, 0], [9.5, 14.5, 2]], atol=1e-9)
    assert marks.image_index.tolist() == [0, 0]
    assert marks.skeleton.names == ("0", "1")


def test_the_pixel_that_mediapipe_draws_into_is_the_one_of_the_point(folder):
    import cv2

    x, y = 0.23, 0.77
    pixels = np.zeros((30, 20), np.uint8)
    pixels[int(y * 30), int(x * 20)] = 255  # as its drawing_utils
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, {"landmarks": [[point(x, y)]]}, "dot.json"))
    px, py = np.rint(found.landmarks.points[0, 0, :2]).astype(int)
    assert found.images[0].rgb()[py, px].tolist() == [255, 255, 255]


# The head of json.dumps(dataclasses.asdict(HandLandmarkerResult(...))) of mediapipe 1.2.2; its 21 points are alike.
HAND = (
    '{"handedness": [[{"index": 1, "score": 0.97, "display_name": "Left", "category_name": "Left"}]], "hand_landmarks":'
    ' [[%s]], "hand_world_landmarks": [[%s]]}'
)
POINT = '{"x": %s, "y": 0.5, "z": -0.02, "visibility": 0.0, "presence": 0.0, "name": null}'


def test_a_result_of_mediapipes_own_class(folder):
    points = ", ".join(POINT % (0.25 + i / 100) for i in range(21))
    (folder / "a.json").write_text(HAND % (points, points))
    found = read(folder / "a.json")
    assert len(found.landmarks) == 1  # not the world's coordinates, which are metres
    width, height = found.images[0].size
    np.testing.assert_allclose(found.landmarks.points[0, [0, 20], 0], [0.25 * width - 0.5, 0.45 * width - 0.5])
    np.testing.assert_allclose(found.landmarks.points[0, :, 1], 0.5 * height - 0.5)
    assert found.skeleton.names[0] == "wrist"


def test_hands_bodies_and_names_in_the_file(folder):
    hand = read(put(folder, {"landmarks": [[point(0.1, 0.1)] * 21], "worldLandmarks": [[]]}))
    assert hand.skeleton.names == HAND_21
    body = read(put(folder, {"pose_landmarks": {"landmark": [point(0.1, 0.1, visibility=0.9)] * 33}}))
    assert body.skeleton.names == BODY_33
    own = read(put(folder, {"landmarks": [[point(0.1, 0.1, name="u"), point(0.1, 0.1, name="v")]]}))
    assert own.skeleton.names == ("u", "v")


def test_visibility_and_presence(folder):
    values = [point(0.1, 0.1, visibility=0.9, presence=1), point(0.2, 0.2, visibility=0.1, presence=0.25)]
    marks = read(put(folder, {"landmarks": [values]})).landmarks
    assert marks.visibility.tolist() == [[2, 1]]
    assert marks.presence.tolist() == [[1, 0.25]]
    nothing = [point(0.1, 0.1, visibility=0), point(0.2, 0.2, visibility=0)]  # as JavaScript's face landmarker has it
    assert read(put(folder, {"faceLandmarks": [nothing]})).landmarks.visibility is None


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "w", "v"))
    assert write(data, shared_folder / "points.json", format="mediapipe") == []
    back = read(shared_folder / "points.json")
    assert back.skeleton.names == data.skeleton.names
    same_points(back, data)


def test_depth_hidden_points_and_presence_come_back(folder):
    points = np.array([[[1, 2, 3], [4, 5, -6], [np.nan] * 3]])
    data = labelled(folder, points[..., :2], [1], names=("a", "b", "c"))
    marks = replace(data.landmarks, points=points, visibility=[[2, 1, 0]], presence=[[1, 0.5, 0]])
    assert write(marks, folder / "out.json", images=pictures_of(folder), format="mediapipe") == []
    back = read(folder / "out.json")
    assert len(back.images) == 3
    np.testing.assert_allclose(back.landmarks.points, points, atol=1e-9)
    assert back.landmarks.visibility.tolist() == [[2, 1, 0]]
    assert back.landmarks.presence.tolist() == [[1, 0.5, 0]]


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, [[[1, 2]]], [0], names=("a",))
    marks = replace(data.landmarks, boxes=[[0, 0, 5, 5]], visibility=[[1]])
    lost = write(marks, folder / "out.json", images=data.images, format="mediapipe")
    assert any("boxes" in s for s in lost)
    assert any("visibility is 0" in s for s in lost)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"landmarks": [[{"x": "1"}]]}, r"object 1, point 0: x: '1' is not a number"),
        ({"landmarks": [[point(1e9, 1)]]}, r"x: a number beyond"),
        ({"landmarks": [[{"x": 1, "y": 1}], [{"x": 1, "y": 1}] * 2]}, r"result 1: 2 points, but 1 before"),
        ({"landmarks": [[{"x": 1}, 5]]}, r"object 1: expected a list of points"),
        ({"landmarks": [[]], "x": 1}, r"object 1: 0 points"),
        ({"face_landmarks": [[point(0, 0)]], "hand_landmarks": [[point(0, 0)]]}, r"face_landmarks and hand_landmarks"),
        ([{"landmarks": [[point(0, 0)]]}] * 2, r"result 1: has no 'image'"),
        ({"landmarks": [], "x": 1}, r"no points in it"),
        ({"landmarks": [[point(0, 0)]], "image": "../a.png"}, r"leaves the folder"),
        ({"landmarks": [[point(0, 0)]], "image": "zz.png"}, r"there is no picture 'zz\.png'"),
    ],
)
def test_a_damaged_file_is_refused(folder, content, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, content))
    assert "a.json" in str(error.value)
