"""Where the pictures of a label file are looked for."""

import json

import pytest

from cairn.errors import InputError
from cairn.formats import read
from cairn.formats.pictures import PictureFinder
from tests.formats.conftest import save_blank


@pytest.fixture
def finder(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        return PictureFinder(tmp_path / "labels.json", [tmp_path])

    return make


@pytest.mark.parametrize(
    "name",
    ["/home/ann/project/v1/a.png", r"C:\project\v1\a.png", "v1/a.png", "./v1/a.png", "a.png"],
)
def test_labels_may_come_from_another_machine(finder, tmp_path, name):
    assert finder("a.png")(name).path == str(tmp_path / "a.png")


def test_the_folders_that_are_still_there_count(finder, tmp_path):
    find = finder("v1/a.png", "v2/a.png", "a.png")
    assert find("/home/ann/project/v1/a.png").path == str(tmp_path / "v1" / "a.png")
    assert find("/home/ann/project/v2/a.png").path == str(tmp_path / "v2" / "a.png")
    assert find("a.png").path == str(tmp_path / "a.png")


def test_two_names_are_never_one_picture(finder):
    find = finder("a.png")
    find("/home/ann/v1/a.png")
    find("/home/ann/v1/a.png")
    with pytest.raises(InputError, match=r"v2/a\.png' and '/home/ann/v1/a\.png' are not where they were"):
        find("/home/ann/v2/a.png")


def test_a_frame_of_a_video_that_was_moved(finder, tmp_path):
    found = finder("video.mp4")("/data/film/video.mp4#12")
    assert (found.path, found.frame) == (str(tmp_path / "video.mp4"), 12)


def test_what_climbs_out_is_refused(finder):
    with pytest.raises(InputError, match="leaves the folder"):
        finder("a.png")("v1/../../a.png")


def test_what_climbs_out_is_found_in_the_folder_that_the_user_names(tmp_path):
    """LabelMe writes ``../images/a.png`` where its labels have a folder of their own."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"x")
    find = PictureFinder(tmp_path / "labels" / "a.json", [tmp_path / "labels"], tmp_path / "pictures")
    assert find("..\\images\\a.png").path == str(tmp_path / "pictures" / "a.png")
    with pytest.raises(InputError, match="could be either"):
        find("../other/a.png")
    with pytest.raises(InputError, match="there is no picture"):
        find("../images/..")


def test_a_name_with_an_umlaut_may_come_from_a_mac(finder, tmp_path):
    """Which writes the letter and its dots as two characters."""
    assert finder("Fl\u00fcgel.png")("Flu\u0308gel.png").path == str(tmp_path / "Fl\u00fcgel.png")
    assert finder("To\u0308ne.png")("T\u00f6ne.png").path == str(tmp_path / "To\u0308ne.png")


def of_size(width, height):
    """The same labels, of one picture a.png, as three tools say the size of it."""
    labelme = {"shapes": [{"label": "n", "points": [[1, 1]], "shape_type": "point"}], "imagePath": "a.png"}
    coco = {"images": [{"id": 1, "file_name": "a.png", "width": width, "height": height}]}
    return {
        "labelme": json.dumps(labelme | {"imageWidth": width, "imageHeight": height}),
        "coco": json.dumps(coco | {"annotations": [{"id": 1, "image_id": 1, "keypoints": [1, 1, 2]}]}),
        "cvat": f'<annotations><image id="0" name="a.png" width="{width}" height="{height}"><points label="n" '
        'points="1,1"/></image></annotations>',
    }


@pytest.mark.parametrize("tool", ["labelme", "coco", "cvat"])
def test_a_picture_of_another_size_than_its_labels_is_a_warning(tmp_path, tool, recwarn):
    save_blank(tmp_path / "a.png", 60, 40)
    path = tmp_path / "labels"
    path.write_text(of_size(60, 40)[tool])
    assert len(read(path)) == 1
    assert not recwarn
    path.write_text(of_size(10**400, 40)[tool])  # says nothing, and hurts nobody
    assert len(read(path)) == 1
    assert not recwarn
    path.write_text(of_size(120, 80)[tool])
    with pytest.warns(
        UserWarning, match=r"a\.png has 60 x 40 px, but its labels were made on 120 x 80; so it is in 1 of 1"
    ):
        assert len(read(path)) == 1
    path.write_text(of_size(40, 60)[tool])
    with pytest.warns(UserWarning, match=r"made on 40 x 60 \(turned\?\)"):
        read(path)
