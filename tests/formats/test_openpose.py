"""OpenPose: people of a picture with confidences."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, write
from cairn.formats.openpose import BODY_25, COCO_18, MPI_15
from cairn.images import Source
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, same_points, save_blank, several

# cam01.0000.json of the first demonstration of Pose2Sim (perfanalytics, BSD 3-Clause), as OpenPose 1.3 wrote it
OPENPOSE = (
    '{"version":1.3,"people":[{"person_id":[-1],"pose_keypoints_2d":[505.232,431.63,0.664216,515.849,410.613,0.6074'
    "1,489.417,405.32,0.668967,521.069,405.425,0.133121,452.648,400.017,0.679661,521.038,494.789,0.71398,384.303,47"
    "8.904,0.666443,542.041,610.29,0.659144,300.143,594.661,0.690961,568.227,720.712,0.674367,268.58,715.519,0.7072"
    "65,478.869,736.483,0.675958,389.456,725.953,0.649799,457.99,920.553,0.640835,368.557,899.416,0.664056,421.056,"
    "1078.38,0.6676,331.681,1010.01,0.658113,463.158,463.215,0.64987,515.746,342.25,0.685157,431.649,1146.64,0.6765"
    "74,447.471,1141.34,0.700625,400.105,1094.02,0.645542,326.456,1062.48,0.627354,310.734,1046.81,0.626106,331.792"
    ',1025.62,0.555979],"face_keypoints_2d":[],"hand_left_keypoints_2d":[],"hand_right_keypoints_2d":[],"pose_keypo'
    'ints_3d":[],"face_keypoints_3d":[],"hand_left_keypoints_3d":[],"hand_right_keypoints_3d":[]},{"person_id":[-1]'
    ',"pose_keypoints_2d":[79.3784,331.803,0.451137,89.9826,326.423,0.438317,74.0443,321.232,0.440268,105.512,331.7'
    "34,0.380456,58.4093,321.252,0.315967,116.171,394.615,0.518987,0,0,0,110.915,452.698,0.51267,16.1649,442.076,0."
    "396311,74.0335,405.465,0.474693,13.577,484.198,0.280037,89.8712,515.834,0.530878,0,0,0,74.0298,620.871,0.48864"
    "9,13.5983,615.692,0.49765,63.6432,720.772,0.481855,13.5832,705.086,0.461627,79.4497,363.346,0.453015,89.8711,2"
    "79.267,0.458461,58.2763,741.769,0.372975,68.8046,741.858,0.400318,68.8799,731.295,0.445516,13.6271,736.484,0.2"
    '68078,13.6527,731.235,0.279725,0,0,0],"face_keypoints_2d":[],"hand_left_keypoints_2d":[],"hand_right_keypoints'
    '_2d":[],"pose_keypoints_3d":[],"face_keypoints_3d":[],"hand_left_keypoints_3d":[],"hand_right_keypoints_3d":[]'
    "}]}"
)


def put(folder, *people, name="a_keypoints.json", **more):
    path = folder / name
    path.write_text(json.dumps({"version": 1.3, "people": list(people)} | more))
    return path


def person(*triples, who=-1, **more):
    return {"person_id": [who], "pose_keypoints_2d": [v for t in triples for v in t], "face_keypoints_2d": []} | more


def test_a_body_of_25_points(folder):
    triples = [(i + 0.5, 2 * i + 0.5, 0.5) for i in range(24)] + [(0, 0, 0)]
    found = read(put(folder, person(*triples)))
    marks = found.landmarks
    assert found.skeleton.names == BODY_25
    assert (BODY_25[8], BODY_25[24], COCO_18[8], COCO_18[17]) == ("MidHip", "RHeel", "RHip", "LEar")
    assert marks.points[0, 3].tolist() == [3, 6]  # 0.5 is the centre of the first pixel
    assert np.isnan(marks.points[0, 24]).all()
    assert marks.confidence[0, [0, 24]].tolist() == [0.5, 0]
    assert found.images.label(0) == str(folder / "a.png")


def test_a_file_that_openpose_wrote(folder):
    (folder / "a_keypoints.json").write_text(OPENPOSE)
    found = read(folder / "a_keypoints.json")
    marks = found.landmarks
    assert found.skeleton.names == BODY_25
    assert len(marks) == 2
    np.testing.assert_allclose(marks.points[0, [0, 24]], [[504.732, 431.13], [331.292, 1025.12]])
    np.testing.assert_allclose(marks.confidence[0, 0], 0.664216)
    assert [BODY_25[i] for i in np.flatnonzero(~marks.labelled[1])] == ["LElbow", "LHip", "RHeel"]
    write(found, folder / "again", format="openpose")
    same_points(found, read(folder / "again"))


@pytest.mark.parametrize("names", [COCO_18, MPI_15])
def test_the_other_bodies(folder, names):
    found = read(put(folder, person(*[(5, 5, 0.9)] * len(names))))
    assert found.skeleton.names == names


def test_face_and_hands_follow_where_anybody_has_them(folder):
    one = person(*[(5, 5, 0.9)] * 18, face_keypoints_2d=[3, 4, 0.5] * 70)
    two = person(*[(6, 6, 0.9)] * 18, hand_left_keypoints_2d=[7, 8, 1.2] * 21)
    found = read(put(folder, one, two))
    assert found.skeleton.names[18:20] == ("face_0", "face_1")
    assert found.skeleton.names[-1] == "left_hand_20"
    assert found.landmarks.labelled.sum(axis=1).tolist() == [88, 39]
    assert found.landmarks.confidence[1, -1] == 1  # hands may say more than 1


def test_the_point_lies_on_the_pixel(folder):
    import cv2

    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, person((4.5, 22.5, 1)), name="dot_keypoints.json"))
    x, y = found.landmarks.points[0, 0].astype(int)
    assert found.images[0].rgb()[y, x].tolist() == [255, 255, 255]


def test_a_folder_of_frames_of_a_video(folder):
    (folder / "run.mp4").write_bytes(b"video")
    put(folder, person((5, 5, 0.9), who=3), name="run_000000000000_keypoints.json")
    put(folder, name="run_000000000012_keypoints.json")
    found = read(folder)
    assert list(found.images.sources) == [Source(str(folder / "run.mp4"), frame=n) for n in (0, 12)]
    assert found.landmarks.track_id.tolist() == [3]


def test_files_of_the_first_versions(folder):
    one = {"pose_keypoints": [5, 5, 0.5] * 18}
    assert read(put(folder, one)).skeleton.names == COCO_18


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("openpose")
    for name in "abc":
        save_blank(folder / f"{name}.png", 9, 9)
    data = labelled(folder, np.array([p for _, p in rows]), [i for i, _ in rows])
    assert write(data, folder, format="openpose") == []
    back = read(folder)
    same_points(back, data)
    assert back.landmarks.confidence is None


def test_confidences_tracks_and_hands_come_back_in_openposes_order(folder):
    names = tuple(reversed(COCO_18)) + tuple(f"left_hand_{i}" for i in range(21))
    data = labelled(folder, np.arange(78.0).reshape(1, 39, 2), [1], names=names)
    marks = replace(data.landmarks, confidence=np.linspace(0.1, 0.9, 39)[None], track_id=[7])
    lost = write(marks, folder, images=data.images, format="openpose")
    assert not any("confidence" in s or "track" in s for s in lost)
    back = read(folder).landmarks
    assert back.skeleton.names == COCO_18 + names[18:]
    assert back.track_id.tolist() == [7]
    np.testing.assert_allclose(back.points[0, :18], marks.points[0, 17::-1])
    np.testing.assert_allclose(back.confidence[0, 18:], marks.confidence[0, 18:])


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0], names=("apex", "base"))
    marks = Landmarks(**{**data.landmarks.__dict__, "visibility": [[1, 2]]})
    lost = write(marks, folder, images=data.images, format="openpose")
    assert any("names" in s for s in lost)
    assert any("hidden" in s for s in lost)
    eighteen = labelled(folder, np.ones((1, 18, 2)), [0])
    assert any("taken for OpenPose's own body" in s for s in write(eighteen, folder, format="openpose"))


def test_one_file_for_several_pictures_is_refused(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0])
    with pytest.raises(InputError, match="holds one picture, and there are 3"):
        write(data, folder / "out.json", format="openpose")
    assert write(data.take_images([0]), folder / "out.json", format="openpose") == []
    same_points(read(folder / "out.json"), data.take_images([0]))


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([], "no points in it"),
        ([{"pose_keypoints_2d": [1, 2]}], r"people\[0\], pose_keypoints_2d: 2 numbers; expected x, y and confidence"),
        ([person((5, "x", 1))], r"'x' is not a number"),
        ([person((5, 1e300, 1))], r"a number beyond"),
        ([person(*[(5, 5, 1)] * 18), person(*[(5, 5, 1)] * 25)], r"people\[1\]: 25 points in .*, but 18 before"),
        ([person((0.2, 0.9, 1))], r"not pixels; run OpenPose with --keypoint_scale 0"),
        ([person(*[(5, 5, 1)] * 10_001)], r"10001 points; expected 1 to"),
        ([5], r"no list 'people'"),
    ],
)
def test_a_damaged_file_is_refused(folder, people, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, *people))
    assert "a_keypoints.json" in str(error.value)


def test_a_picture_that_is_not_there_is_named(folder):
    with pytest.raises(InputError, match=r"there is no picture 'zz' with any ending; looked in "):
        read(put(folder, person((5, 5, 1)), name="zz_keypoints.json"))
    with pytest.raises(InputError, match="leaves the folder"):
        read(put(folder, person((5, 5, 1)), image="../a.png"))
