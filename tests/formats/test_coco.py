"""COCO keypoints: numbers as they stand, visibility in three states, several objects a picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, write
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton
from tests.formats.conftest import labelled, pictures_of, same_points, save_blank, several


def document(**changes):
    base = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 9, "file_name": "b.png"}],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 1, "bbox": [1, 2, 10, 5], "keypoints": [0, 0, 2, 3, 4, 1, 9, 9, 0]},
            {"id": 2, "image_id": 9, "category_id": 1, "keypoints": [5, 6, 2, 8, 7, 2, 0, 0, 0]},
        ],
        "categories": [{"id": 1, "name": "bird", "keypoints": ["beak", "eye", "tail"], "skeleton": [[1, 2], [2, 3]]}],
    }
    return base | changes


def put(folder, content, name="points.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_file_as_cocos_own(folder):
    found = read(put(folder, document()))
    marks = found.landmarks
    assert len(found.images) == 2  # one without an object stays
    assert marks.image_index.tolist() == [1, 1]
    assert found.skeleton.names == ("beak", "eye", "tail")
    assert found.skeleton.edges == ((0, 1), (1, 2))  # 1-based in the file
    assert marks.points[0, 0].tolist() == [0, 0]  # the centre of the first pixel
    assert marks.visibility.tolist() == [[2, 1, 0], [2, 2, 0]]
    assert np.isnan(marks.points[0, 2]).all()  # 9, 9 with v = 0 means nothing
    assert marks.boxes.tolist() == [[1, 2, 11, 7], [5, 6, 8, 7]]  # the second has none: tight


def test_splits_subjects_scores_and_other_values_are_kept(folder):
    content = document()
    content["images"][0]["split"] = "train"
    content["images"][1]["split"] = "test"
    for i, entry in enumerate(content["annotations"]):
        entry |= {"subject": f"s{i}", "score": 0.5, "age": i, "iscrowd": i, "segmentation": [[1, 2]]}
    found = read(put(folder, content))
    assert found.split.tolist() == ["train", "test"]
    assert found.subject.tolist() == ["s0", "s1"]
    assert found.landmarks.score.tolist() == [0.5, 0.5]
    assert {c: v.tolist() for c, v in found.columns.items()} == {"age": [0, 1], "iscrowd": [0, 1]}


def test_pictures_may_be_in_a_folder_images_beside_the_file(folder):
    save_blank(folder / "images" / "d.png", 5, 5)
    found = read(put(folder, document(images=[{"id": 9, "file_name": "d.png"}])))
    assert found.images.label(0) == str(folder / "images" / "d.png")


def test_two_files_in_a_folder_are_two_splits(folder):
    one, two = document(), document()
    one["images"], two["images"] = [{"id": 9, "file_name": "a.png"}], [{"id": 9, "file_name": "b.png"}]
    put(folder, one, "train.json")
    put(folder, two, "val.json")
    put(folder, {"something": "else"}, "settings.json")
    found = read(folder)
    assert found.split.tolist() == ["train", "val"]
    assert found.landmarks.image_index.tolist() == [0, 0, 1, 1]


def test_objects_of_kinds_without_keypoints_are_passed_over(folder):
    content = document()
    content["categories"].append({"id": 2, "name": "nest"})
    content["annotations"].append({"id": 3, "image_id": 9, "category_id": 2, "bbox": [0, 0, 1, 1]})
    assert len(read(put(folder, content))) == 2


def test_an_object_without_keypoints_is_a_row_without_labels(folder):
    content = document()
    content["annotations"].append({"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 0, 4, 4], "iscrowd": 1})
    marks = read(put(folder, content)).landmarks
    assert not marks.labelled[2].any()
    assert marks.boxes[2].tolist() == [0, 0, 4, 4]


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "v", "w"))
    assert write(data, shared_folder / "points.json") == []
    same_points(read(shared_folder / "points.json"), data)


def test_predictions_come_back_with_confidence_covariance_and_the_whole_skeleton(folder):
    skeleton = Skeleton(
        ("l", "r"), flip=(1, 0), parts={"all": (0, 1)}, normalisers={"width": ((0,), (1,))}, name="mine"
    )
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 20, (3, 2, 2))
    points[1] = np.nan
    marks = Landmarks(
        skeleton,
        points,
        rng.uniform(0, 5, (3, 4)) + np.array([0, 0, 9, 9]),
        [0, 0, 2],
        visibility=np.where(np.isnan(points[..., 0]), 0, 2),
        confidence=rng.uniform(0, 1, (3, 2)),
        covariance=np.tile(np.eye(2), (3, 2, 1, 1)),
        score=[0.9, 0.1, 0.5],
        track_id=[4, 5, 4],
    )
    assert write(marks, folder / "found.json", images=pictures_of(folder)) == []
    back = read(folder / "found.json").landmarks
    np.testing.assert_allclose(back.boxes, marks.boxes, atol=1e-9)
    assert Landmarks.equals(back, Landmarks(**{**marks.__dict__, "boxes": back.boxes}))


def test_absent_points_are_said_to_be_lost(folder):
    data = labelled(folder, np.full((1, 2, 2), np.nan), [0])
    marks = Landmarks(**{**data.landmarks.__dict__, "visibility": [[3, 0]]})
    lost = write(marks, folder / "out.json", images=data.images)
    assert any("absent" in s for s in lost)


def broken(change):
    content = document()
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["annotations"][1].update(keypoints=[1, 2, 2]), r"annotations\[1\]: 3 values .*expected 9"),
        (lambda d: d["annotations"][0]["keypoints"].__setitem__(3, "x"), r"annotations\[0\].*'x' is not a number"),
        (lambda d: d["annotations"][0]["keypoints"].__setitem__(2, 7), r"annotations\[0\]: the visibility 7"),
        (lambda d: d["annotations"][0]["keypoints"].__setitem__(0, 10**400), r"annotations\[0\].*no coordinate"),
        (lambda d: d["annotations"][0].update(image_id=3), r"annotations\[0\]: there is no image with the id 3"),
        (lambda d: d["annotations"][0].update(image_id=None), r"annotations\[0\]: 'image_id' is 'None'"),
        (lambda d: d["annotations"][0].update(bbox=[1, 2]), r"annotations\[0\]: 'bbox' must be"),
        (lambda d: d["annotations"][0].update(bbox=[9, 9, -5, 3]), r"annotations\[0\]: 'bbox' is upside down"),
        (lambda d: d["annotations"][0].update(category_id=[5]), r"'category_id' is '\[5\]'; expected a number"),
        (lambda d: d["categories"][0].update(cairn_skeleton={"a" * 5000: 3}), r"is no skeleton \(.{150,250}\)$"),
        (lambda d: d["annotations"][0].update(category_id=5), r"annotations\[0\]: there is no category with the id 5"),
        (lambda d: [a.update(confidence=[2, 0, 0]) for a in d["annotations"]], r"a confidence is 2; expected 0 to 1"),
        (
            lambda d: [a.update(confidence=[0, 0]) for a in d["annotations"]],
            r"confidence: expected 3 for each annotation",
        ),
        (lambda d: d["annotations"].append(5), r"annotations\[2\]: expected an object"),
        (lambda d: d["images"][1].update(id=7), r"images\[1\]: the id 7 stands twice"),
        (lambda d: d["images"][1].update(file_name="a.png"), r"images\[1\]: the picture 'a.png' stands in"),
        (lambda d: d["images"][1].update(file_name="zz.png"), r"there is no picture 'zz.png'; looked in"),
        (lambda d: d["images"][1].update(file_name="../a.png"), r"leaves the folder"),
        (lambda d: d["images"][1].pop("file_name"), r"images\[1\]: expected an object with"),
        (lambda d: d["categories"][0].update(keypoints=["a", "a", "b"]), r"'a' stands twice"),
        (lambda d: d["categories"][0].update(skeleton=[[1, 9]]), r"indices 0 to 2"),
        (lambda d: d["categories"][0].update(skeleton=[[1]]), r"'skeleton' must be pairs"),
        (lambda d: d["categories"][0].update(keypoints=[f"k{i}" for i in range(10_001)]), r"10001 points; expected 1"),
        (lambda d: d["categories"][0].update(cairn_skeleton={"names": 3}), r"cairn_skeleton is no skeleton"),
        (lambda d: d.pop("annotations"), r"no list 'annotations'"),
        (lambda d: d.update(images={}), r"no list 'images'"),
        (lambda d: d.update(categories=[3]), r"'categories' must be a list"),
    ],
)
def test_wrong_content_is_refused_with_its_place(folder, change, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, broken(change)))
    assert "points.json" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [\n{"id": 1,', r"line 2: not valid JSON"),
        ('{"images": ' + "[" * 100_000, r"nested too deeply"),
        ('{"images": ' + "9" * 5000 + "}", r"not valid JSON|no list"),
        ('{"images": [], "annotations": []}', r"no keypoints"),
        ("[1, 2]", r"expected a JSON object"),
    ],
)
def test_text_that_is_no_such_json_is_refused(folder, text, message):
    with pytest.raises(InputError, match=message):
        read(put(folder, text))


@pytest.mark.parametrize(
    ("path", "images", "rows", "scheme"),
    [
        ("facepictures/points.json", 2350, 2451, "face68"),
        ("pose14/train.json", 3000, 3000, "body14"),
        ("pose14/test.json", 300, 300, "body14"),
        ("pose14", 3300, 3300, "body14"),
        ("wheels5/wheels.json", 151, 304, "wheels5"),
    ],
)
def test_real_files(shared_data, path, images, rows, scheme):
    found = read(shared_data / path)
    assert (len(found.images), len(found), found.skeleton.name) == (images, rows, scheme)


def test_facepictures_carry_the_points_of_faces68(shared_data):
    found = read(shared_data / "facepictures/points.json")
    assert found.landmarks.points[0, 0].tolist() == [275.17, 98.62]
    assert found.landmarks.boxes[0] == pytest.approx([274.21, 88.99, 315.19, 126.41])
    assert len(found.of_split("test")) == 554


def test_a_joint_that_is_not_labelled_is_nan(shared_data):
    marks = read(shared_data / "pose14/train.json").landmarks
    assert np.isnan(marks.points[0, 0]).all()
    assert marks.points[0, 1].tolist() == [26.53, 86.91]


def test_verdicts_come_back(tmp_path):
    from dataclasses import replace

    from cairn.formats.coco import read, write
    from tests.conftest import draw_kites

    data = draw_kites(2)
    for i, image in enumerate(data.images):
        import cv2

        cv2.imwrite(str(tmp_path / f"kite{i:03d}.png"), image.pixels)
    verdicts = {
        "plausible": [True, False],
        "plausible_parts": [[True], [False]],
        "plausible_points": [[True] * 4, [True, False, True, True]],
        "altered": [[False] * 4, [False, True, False, False]],
    }
    judged = replace(data, landmarks=replace(data.landmarks, **{k: np.array(v) for k, v in verdicts.items()}))
    lost = write(judged, tmp_path / "points.json")
    assert not [s for s in lost if "verdicts on" in s or "marks of" in s]
    again = read(tmp_path / "points.json").landmarks
    for name, value in verdicts.items():
        assert getattr(again, name).tolist() == value


def test_pycocotools_reads_what_we_write(folder):
    coco = pytest.importorskip("pycocotools.coco")
    points = np.array([[[1.5, 2], [np.nan, np.nan], [3, 4]], [[5, 6], [7, 8], [9, 10]]])
    data = labelled(folder, points, [0, 2], names=("u", "v", "w"))
    assert write(data, folder / "out.json") == []
    theirs = coco.COCO(str(folder / "out.json"))
    (one,) = theirs.loadAnns(theirs.getAnnIds(imgIds=[1]))
    assert one["keypoints"] == [1.5, 2, 2, 0, 0, 0, 3, 4, 2]
    assert one["bbox"] == [1.5, 2, 1.5, 2]
    assert theirs.loadImgs([3])[0]["file_name"] == "c.png"
    assert theirs.loadCats([1])[0]["keypoints"] == ["u", "v", "w"]


def test_pictures_are_found_as_coco_itself_lays_them_out(folder):
    content = document()
    for image in content["images"]:
        (folder / "train2017").mkdir(exist_ok=True)
        (folder / image["file_name"]).rename(folder / "train2017" / image["file_name"])
    (folder / "annotations").mkdir()
    found = read(put(folder, content, "annotations/person_keypoints_train2017.json"))
    assert [Path(s.path) for s in found.images.sources] == [folder / "train2017" / n for n in ("a.png", "b.png")]


def test_the_number_of_a_specimen_survives_although_coco_has_an_id_of_its_own(folder):
    (folder / "wings.tps").write_text("LM=1\n1 2\nIMAGE=a.png\nID=12\n\nLM=1\n3 4\nIMAGE=b.png\nID=13\n")
    data = read(folder / "wings.tps")
    assert write(data, folder / "wings.json") == []
    found = read(folder / "wings.json")
    assert found.columns["id"].tolist() == [12, 13]
    assert [a["id"] for a in json.loads((folder / "wings.json").read_text())["annotations"]] == [1, 2]
