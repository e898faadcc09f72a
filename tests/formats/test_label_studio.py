"""Label Studio: percent of the picture."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, pictures_of, same_points, save_blank, several


def put(folder, *tasks, name="export.json"):
    path = folder / name
    path.write_text(json.dumps(list(tasks)))
    return path


def task(*results, image="/data/upload/1/1b2c3d4e-a.png", **more):
    return {"id": 1, "data": {"image": image}, "annotations": [{"id": 5, "result": list(results)}], **more}


def key(label, x, y, **more):
    """A keypoint as https://labelstud.io/tags/keypointlabels shows it."""
    value = {"x": x, "y": y, "width": 2, "keypointlabels": [label]} | more.pop("value", {})
    about = {"original_width": 20, "original_height": 30, "image_rotation": 0, "type": "keypointlabels"}
    return about | {"from_name": "kp", "to_name": "img", "value": value} | more


def rectangle(name, x, y, width, height, label="face", **value):
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [label]} | value
    return {"id": name, "from_name": "box", "to_name": "img", "type": "rectanglelabels", "value": value}


def test_percent_count_from_the_edge_of_the_first_pixel(folder):
    found = read(put(folder, task(key("nose", 2.5, 100 / 60), key("ear", 97.5, 100), rectangle("r", 0, 0, 100, 100))))
    assert found.skeleton.names == ("nose", "ear")
    np.testing.assert_allclose(found.landmarks.points[0], [[0, 0], [19, 29.5]], atol=1e-12)
    assert found.landmarks.boxes[0].tolist() == [-0.5, -0.5, 19.5, 29.5]
    assert found.columns["label"].tolist() == ["face"]


def test_the_point_lies_on_the_pixel_that_was_clicked(folder):
    import cv2

    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, task(key("n", 100 * 4.5 / 20, 100 * 22.5 / 30), image="s3://bucket/x/dot.png")))
    x, y = np.rint(found.landmarks.points[0, 0]).astype(int)
    assert found.images[0].rgb()[y, x].tolist() == [255, 255, 255]


def test_an_example_of_label_studios_own_repository(tmp_path):
    # label-studio 0.4.0, examples/image_keypoints/completions/0.json, Apache-2.0
    save_blank(tmp_path / "spacexmoon-800x501.jpg", 800, 501)
    about = {"from_name": "tag", "to_name": "img", "source": "$image", "type": "keypointlabels"}
    size = 0.6666666666666666
    content = {
        "completions": [
            {
                "result": [
                    {
                        "id": "hqudA4A3U4",
                        **about,
                        "value": {"x": 49.6, "y": 52.340425531914896, "width": size, "keypointlabels": ["Hello"]},
                    },
                    {
                        "id": "Rz9oHDXIwG",
                        **about,
                        "value": {
                            "x": 47.733333333333334,
                            "y": 52.765957446808514,
                            "width": size,
                            "keypointlabels": ["World"],
                        },
                    },
                ]
            }
        ],
        "data": {"image": "https://user.fm/files/v2-901310d5cb3fa90e0616ca10590bacb3/spacexmoon-800x501.jpg"},
        "id": 0,
        "task_path": "../examples/image_keypoints/tasks.json",
    }
    (tmp_path / "0.json").write_text(json.dumps(content))
    found = read(tmp_path / "0.json")
    assert found.skeleton.names == ("Hello", "World")
    expected = [[0.496 * 800 - 0.5, 0.52340425531914896 * 501 - 0.5], [0.47733333 * 800 - 0.5, 0.52765957 * 501 - 0.5]]
    np.testing.assert_allclose(found.landmarks.points[0], expected, atol=1e-4)


def test_parents_and_relations_make_objects(folder):
    results = [
        rectangle("r1", 0, 0, 50, 50),
        key("u", 10, 10, id="k1", parentID="r1"),
        key("v", 20, 20, id="k2", parentID="r1"),
        key("u", 60, 60, id="k3"),
        key("v", 70, 70, id="k4"),
        {"type": "relation", "from_id": "k3", "to_id": "k4", "direction": "right"},
    ]
    found = read(put(folder, task(*results)))
    assert sorted(found.landmarks.points[:, 0, 0].tolist()) == [1.5, 11.5]
    assert found.landmarks.labelled.all()


def test_points_without_parents_belong_to_the_rectangles_around_them(folder):
    results = [rectangle("r1", 0, 0, 50, 50), rectangle("r2", 50, 50, 50, 50), key("u", 60, 60), key("u", 10, 10)]
    assert read(put(folder, task(*results, key("v", 70, 70)))).landmarks.labelled.tolist() == [
        [True, False],
        [True, True],
    ]


def test_a_turned_rectangle_becomes_the_upright_box_around_it(folder):
    results = [key("u", 50, 50), rectangle("r", 50, 50, 50, 30, rotation=90)]  # 10 x 9 px at (9.5, 14.5)
    np.testing.assert_allclose(read(put(folder, task(*results))).landmarks.boxes[0], [0.5, 14.5, 9.5, 24.5], atol=1e-9)


def test_the_small_export_is_read_too(folder):
    value = {"x": 2.5, "y": 50, "width": 1, "keypointlabels": ["u"], "original_width": 20, "original_height": 30}
    found = read(put(folder, {"image": "/data/upload/1/a.png", "kp": [value], "id": 1, "annotator": 1}))
    assert found.landmarks.points[0, 0].tolist() == [0, 14.5]


def test_hidden_points_cancelled_annotations_and_predictions(folder):
    one = task(key("u", 10, 10, value={"hidden": True}), key("v", 0, 0, value={"hidden": True}))
    one["annotations"].insert(0, {"was_cancelled": True, "result": [key("w", 1, 1)]})
    one["predictions"] = [{"result": [key("x", 1, 1)]}]
    found = read(put(folder, one))
    assert found.skeleton.names == ("u",)
    assert found.landmarks.visibility.tolist() == [[1]]
    one["annotations"] = []
    assert read(put(folder, one)).skeleton.names == ("x",)


def test_several_annotators_are_observers(folder):
    one = task(key("u", 50, 50), key("v", 25, 25))
    one["annotations"][0]["completed_by"] = {"id": 1, "email": "ann@lab"}
    one["annotations"].append({"completed_by": 2, "result": [key("u", 60, 60)]})
    one["annotations"].append({"completed_by": 2, "result": [key("u", 99, 99)]})  # a draft of the same person
    two = task(key("v", 50, 50), image="b.png")
    two["annotations"][0]["completed_by"] = 2
    data = read(put(folder, one, two))
    width = data.images[0].size[0]
    assert data.observer_names == ("ann@lab", "2")
    assert data.skeleton.names == ("u", "v")
    x = data.observers[..., 0] + 0.5
    np.testing.assert_allclose(x[0], [[0.5 * width, 0.25 * width], [np.nan, np.nan]])
    np.testing.assert_allclose(x[1, 0], [0.6 * width, np.nan])
    np.testing.assert_allclose(data.landmarks.points[0, :, 0] + 0.5, [0.55 * width, 0.25 * width])


def test_several_annotators_of_several_objects_cannot_be_matched_and_that_is_said(folder):
    one = task(key("n", 50, 50), key("n", 70, 70))
    one["annotations"].append({"completed_by": 2, "result": [key("n", 60, 60)]})
    with pytest.warns(UserWarning, match="1 of 2 tasks have several annotations, with several objects that cannot"):
        data = read(put(folder, one, task(key("n", 50, 50), image="b.png")))
    assert len(data) == 3


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "w", "v"))
    if not data.landmarks.labelled.any(axis=1).all():
        return
    assert write(data, shared_folder / "points.json", format="label_studio") == []
    back = read(shared_folder / "points.json")
    assert back.skeleton.names == data.skeleton.names
    same_points(back, data)


def test_hidden_points_boxes_and_labels_come_back(folder):
    data = labelled(folder, [[[1, 2], [3, 4]], [[5, 5], [np.nan] * 2]], [1, 1], names=("a", "b"))
    boxes = np.array([[0, 0, 9, 9], [1, 1, 8, 30]])
    marks = {**data.landmarks.__dict__, "boxes": boxes, "visibility": [[2, 1], [2, 0]]}
    data = Dataset(pictures_of(folder), Landmarks(**marks), columns={"label": np.array(["cat", "dog"])})
    assert write(data, folder / "out.json", format="label_studio") == []
    back = read(folder / "out.json")
    same_points(back, data)
    assert back.columns["label"].tolist() == ["cat", "dog"]
    np.testing.assert_array_equal(back.landmarks.visibility, data.landmarks.visibility)


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, [[[1, 2]], [[np.nan] * 2]], [0, 1], names=("a",))
    lost = write(data, folder / "out.json", format="label_studio")
    assert any("1 objects with neither" in s for s in lost)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([task(rectangle("r", 0, 0, 1, 1))], "no points in it"),
        ([task(key("u", "1", 1))], r"task 1, result 1: x: '1' is not a number"),
        ([task(key("u", 1, 1e9))], r"task 1, result 1: y: a number beyond"),
        ([task(key("u", 1, 1, image_rotation=90))], r"turned by '90' degrees"),
        ([task(key("u", 1, 1, value={"keypointlabels": []}))], r"expected a value with 'keypointlabels'"),
        ([task(key("u", 1, 1), key("v", 1, 1), key("u", 2, 2))], r"'u' stands twice and nothing says"),
        ([task(key("u", 1, 1), image="zz.png")], r"there is no picture 'zz\.png'"),
        ([task(key("u", 1, 1), image="/data/local-files/?d=../a.png")], r"leaves the folder"),
        ([task(key("u", 1, 1), data={})], r"names no picture"),
        ([task(key("u", 1, 1)), 5], r"expected a list of tasks"),
    ],
)
def test_a_damaged_file_is_refused(folder, tasks, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, *tasks))
    assert "export.json" in str(error.value)
