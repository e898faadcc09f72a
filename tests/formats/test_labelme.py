"""LabelMe: a JSON file beside each picture."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, pictures_of, same_points, save_blank, several


def put(folder, *shapes, name="a.json", **changes):
    """A file as LabelMe 5 writes it."""
    document = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "a.png", "imageData": None}
    document |= {"imageHeight": 30, "imageWidth": 20} | changes
    path = folder / name
    path.write_text(json.dumps(document, indent=2))
    return path


def point(label, x, y, group=None, **more):
    more = {"flags": {}} | more
    return {"label": label, "points": [[x, y]], "group_id": group, "shape_type": "point", **more}


def box(*corners, group=None, label="face"):
    return {"label": label, "points": list(corners), "group_id": group, "shape_type": "rectangle", "flags": {}}


# Written by LabelFile.save of labelme 6.3.1 with these shapes; what we write of it, its LabelFile loads as the same.
LABELME = """{
  "version": "6.3.1",
  "flags": {},
  "shapes": [
    {"label": "wing", "points": [[4.0, 5.0], [40.5, 30.25]], "group_id": 1, "description": "",
     "shape_type": "rectangle", "flags": {}, "mask": null},
    {"label": "root", "points": [[5.25, 6.5]], "group_id": 1, "description": "",
     "shape_type": "point", "flags": {}, "mask": null},
    {"label": "tip", "points": [[39.0, 29.0]], "group_id": 1, "description": "",
     "shape_type": "point", "flags": {"hidden": true}, "mask": null}
  ],
  "imagePath": "a.png",
  "imageData": null,
  "imageHeight": 48,
  "imageWidth": 64
}"""


def test_a_file_that_labelme_wrote(tmp_path):
    save_blank(tmp_path / "a.png", 64, 48)
    (tmp_path / "a.json").write_text(LABELME)
    found = read(tmp_path / "a.json")
    assert found.skeleton.names == ("root", "tip")
    assert found.landmarks.points.tolist() == [[[4.75, 6], [38.5, 28.5]]]
    assert found.landmarks.boxes.tolist() == [[3.5, 4.5, 40, 29.75]]
    assert found.landmarks.visibility.tolist() == [[2, 1]]
    write(found, tmp_path, format="labelme")
    again, first = json.loads((tmp_path / "a.json").read_text()), json.loads(LABELME)
    kept = ("label", "points", "group_id", "shape_type", "flags")
    assert [{k: s[k] for k in kept} for s in again["shapes"]] == [{k: s[k] for k in kept} for s in first["shapes"]]


def test_the_middle_of_the_first_pixel_is_a_half(folder):
    found = read(put(folder, point("nose", 0.5, 0.5), point("ear", 19.5, 29.5), box([20, 30], [0, 0])))
    assert found.skeleton.names == ("nose", "ear")
    assert found.landmarks.points[0].tolist() == [[0, 0], [19, 29]]
    assert found.landmarks.boxes[0].tolist() == [-0.5, -0.5, 19.5, 29.5]
    assert found.columns["label"].tolist() == ["face"]


def test_the_point_lies_on_the_pixel_that_was_clicked(folder):
    import cv2

    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, point("n", 4.5, 22.5), imagePath="dot.png"))
    x, y = found.landmarks.points[0, 0].astype(int)
    assert found.images[0].rgb()[y, x].tolist() == [255, 255, 255]


def test_groups_are_objects_and_outlines_are_passed_over(folder):
    outline = {"label": "wing", "points": [[0, 0], [1, 1], [2, 2]], "group_id": None, "shape_type": "polygon"}
    found = read(put(folder, point("u", 1.5, 1.5, 7), point("u", 2.5, 2.5, 8), point("v", 3.5, 3.5, 7), outline))
    np.testing.assert_array_equal(found.landmarks.points, [[[1, 1], [3, 3]], [[2, 2], [np.nan] * 2]])


def test_points_without_groups_belong_to_the_boxes_around_them(folder):
    shapes = [point("u", 2, 2), point("u", 12, 12), point("v", 3, 3), box([0, 0], [5, 5]), box([10, 10], [15, 15])]
    assert read(put(folder, *shapes)).landmarks.labelled.tolist() == [[True, True], [True, False]]


def test_a_flag_says_that_a_point_is_hidden(folder):
    shapes = [point("u", 1, 1, flags={"occluded": True}), point("v", 2, 2, flags={"occluded": False})]
    assert read(put(folder, *shapes)).landmarks.visibility.tolist() == [[1, 2]]


def test_a_folder_has_a_file_for_each_picture(folder):
    put(folder, point("u", 1, 1))
    put(folder, name="b.json", imagePath="b.png")
    (folder / "other.json").write_text('{"settings": 1}')
    found = read(folder)
    assert (len(found.images), len(found)) == (2, 1)


def test_pixels_in_the_file_are_not_read(folder):
    assert len(read(put(folder, point("u", 1, 1), imageData="A" * 100_000))) == 1


def test_labels_in_another_folder_find_their_pictures_where_the_user_says(folder):
    (folder / "labels").mkdir()
    path = put(folder / "labels", point("u", 1, 1), imagePath="..\\a.png")
    with pytest.raises(InputError, match="leaves the folder"):
        read(path)
    assert read(path, pictures=folder).images.label(0) == str(folder / "a.png")


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("labelme")
    for name in "abc":
        save_blank(folder / f"{name}.png", 9, 9)
    data = labelled(folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "w", "v"))
    if not data.landmarks.labelled.any(axis=1).all():
        return
    assert write(data, folder, format="labelme") == []
    back = read(folder)
    assert back.skeleton.names == ("u", "w", "v")
    same_points(back, data)


def test_hidden_points_boxes_and_labels_come_back(folder):
    data = labelled(folder, [[[1, 2], [3, 4]], [[5, 5], [np.nan] * 2]], [1, 1], names=("a", "b"))
    marks = {**data.landmarks.__dict__, "boxes": [[0, 0, 9, 9], [1, 1, 8, 30]], "visibility": [[2, 1], [2, 0]]}
    data = Dataset(pictures_of(folder), Landmarks(**marks), columns={"label": np.array(["cat", "dog"])})
    assert write(data, folder, format="labelme") == []
    assert read(folder).equals(data)


def test_pictures_in_folders_have_their_files_beside_them(folder):
    save_blank(folder / "x" / "d.png", 9, 9)
    data = labelled(folder, [[[1, 2]]], [0], names=("a",))
    write(data.landmarks, folder, images=[folder / "x" / "d.png"], format="labelme")
    assert read(folder / "x").images.label(0) == str(folder / "x" / "d.png")


def test_folders_below_are_read_too(folder):
    data = labelled(folder, [[[1, 2]], [[3, 4]]], [0, 1], names=("a",))
    save_blank(folder / "x" / "d.png", 9, 9)
    write(data.landmarks, folder, images=[folder / "a.png", folder / "x" / "d.png"], format="labelme")
    assert read(folder).landmarks.points[:, 0, 0].tolist() == [1, 3]


def test_one_picture_may_be_one_file(folder):
    data = labelled(folder, [[[1, 2]]], [0], names=("a",))
    one = data.take_images([0])
    assert write(one, folder / "mine.json", format="labelme") == []
    same_points(read(folder / "mine.json"), one)
    with pytest.raises(InputError, match="holds one picture, and there are 3"):
        write(data, folder / "mine.json", format="labelme")


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, [[[1, 2]], [[np.nan] * 2]], [0, 1], names=("a",))
    marks = Landmarks(**{**data.landmarks.__dict__, "visibility": [[2], [3]]})
    lost = write(marks, folder, images=data.images, format="labelme")
    assert any("absent" in s for s in lost)
    assert any("1 objects with neither" in s for s in lost)


@pytest.mark.parametrize(
    ("shapes", "changes", "message"),
    [
        ([], {}, "no points in it"),
        ([point("u", "1", 1)], {}, r"shapes\[0\]: '1' is not a number"),
        ([point("u", 1, 1e300)], {}, r"shapes\[0\]: a number beyond"),
        ([{"label": "u", "points": [[1, 2, 3]], "shape_type": "point"}], {}, r"shapes\[0\]: 'points' must be pairs"),
        ([{"label": "u", "points": [], "shape_type": "point"}], {}, r"a point with 0 coordinates"),
        ([{"label": "u", "points": [[1, 1]], "shape_type": "rectangle"}], {}, r"a rectangle with 1 points"),
        ([{"points": [[1, 1]], "shape_type": "point"}], {}, r"shapes\[0\]: expected an object with 'label'"),
        ([point("u", 1, 1, group=[1])], {}, r"'group_id' is '\[1\]'"),
        ([point("u", 1, 1, 3), point("u", 2, 2, 3)], {}, r"'u' stands twice in the group '3'"),
        ([point("u", 1, 1), point("v", 1, 1), point("u", 2, 2)], {}, r"'u' stands twice and nothing says"),
        ([], {"imagePath": None}, r"'imagePath' is 'None'"),
        ([], {"imagePath": "zz.png"}, r"there is no picture 'zz\.png'"),
        ([], {"shapes": {}}, r"no list 'shapes'"),
    ],
)
def test_a_damaged_file_is_refused(folder, shapes, changes, message):
    path = put(folder, *shapes, **changes)
    with pytest.raises(InputError, match=message) as error:
        read(path, format="labelme")
    assert "a.json" in str(error.value)
