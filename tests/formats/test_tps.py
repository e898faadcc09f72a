"""TPS: y from the bottom."""

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, same_points, save_blank, several


def put(folder, text, name="wings.tps"):
    path = folder / name
    path.write_text(text)
    return path


def test_the_bottom_left_pixel_is_0_0_in_the_file(folder):
    found = read(put(folder, "LM=3\n0 0\n19. 29.\n5.5 10.25\nIMAGE=a.png\nID=0\n"))  # a.png is 20 x 30 px
    assert found.landmarks.points[0].tolist() == [[0, 29], [19, 0], [5.5, 18.75]]


def test_the_point_lies_on_the_pixel_that_was_clicked(folder):
    import cv2

    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255  # the eighth row from the bottom, counted from 0 it is 7
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, "LM=1\n4 7\nIMAGE=dot.png\n"))
    x, y = found.landmarks.points[0, 0].astype(int)
    assert found.images[0].rgb()[y, x].tolist() == [255, 255, 255]


def test_the_height_is_that_of_the_picture_as_people_see_it(folder):
    import PIL.Image

    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # lies on its side
    PIL.Image.new("RGB", (50, 20)).save(folder / "phone.jpg", exif=exif)
    assert read(put(folder, "LM=1\n0 0\nIMAGE=phone.jpg\n")).landmarks.points[0, 0].tolist() == [0, 49]


def test_everything_that_tpsdig_may_write_is_read(folder):
    text = (
        "lm = 2\n1,5 2,5\n-1 -1\nCURVES=2\nPOINTS=2\n1 1\n2 2\nPOINTS=1\n3 3\n"
        "IMAGE=C:\\Users\\me\\A.PNG\nID=7\nSCALE=0.01\nCOMMENT=a = b\n\n# remark\n"
        "LM=2\n1 1\nNA NA\nID=b\nLM=0\nIMAGE=c.png\n"
    )
    found = read(put(folder, text))
    assert len(found) == 2
    assert len(found.images) == 3
    assert found.landmarks.points[0, 0].tolist() == [1.5, 26.5]
    assert np.isnan(found.landmarks.points[:, 1]).all()
    assert found.columns["scale"].tolist()[0] == 0.01
    assert found.columns["id"].tolist() == ["7", "b"]
    assert found.columns["comment"].tolist() == ["a = b", ""]


def test_depth_is_kept_as_it_stands(folder):
    found = read(put(folder, "LM3=1\n1 2 3\nIMAGE=a.png\n"))
    assert found.landmarks.points[0, 0].tolist() == [1, 27, 3]
    assert write(found, folder / "out.tps") == []
    assert read(folder / "out.tps").landmarks.equals(found.landmarks)


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows])
    if not data.landmarks.labelled.any():
        return
    assert write(data, shared_folder / "wings.tps") == []
    same_points(read(shared_folder / "wings.tps"), data)


def test_ids_scales_and_other_columns_come_back(folder):
    text = "LM=1\n1 1\nIMAGE=a.png\nID=x7\nSCALE=0.5\nSEX=f\nLM=1\n1 1\nIMAGE=b.png\nID=x8\nSCALE=0.25\nSEX=m\n"
    data = read(put(folder, text))
    assert write(data, folder / "out.tps") == []
    back = read(folder / "out.tps")
    for column in ("id", "scale", "sex"):
        assert back.columns[column].tolist() == data.columns[column].tolist()


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0], names=("apex", "base"))
    marks = Landmarks(**{**data.landmarks.__dict__, "confidence": [[0.5, 0.5]]})
    lost = write(marks, folder / "out.tps", images=data.images)
    assert any("names" in s for s in lost)
    assert any("confidence" in s for s in lost)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LM=3\n1 1\n2 2\nIMAGE=a.png\n", r"line 4: expected 3 points, found 2; LM= on line 1"),
        ("LM=1\n1 1\n2 2\nIMAGE=a.png\n", r"line 3: expected 1 points, found one more"),
        ("LM=2\n1 1\n", r"ends after 1 of 2 points"),
        ("LM=1\n1 one\nIMAGE=a.png\n", r"line 2: 'one' is not a number"),
        ("LM=1\n1 2 3\nIMAGE=a.png\n", r"line 2: 3 numbers; expected 2"),
        ("LM=many\nIMAGE=a.png\n", r"line 1: 'many' is not a number of points"),
        ("LM=999999\n", r"line 1: 999999 points; expected 1 to 10,000"),
        ("LM=99999999999999999999\n", r"line 1: '9+' is not a number of points"),
        ("LM=1\n1 1\nID=zz\n", r"line 1: there is no picture 'zz'; looked in "),
        ("LM=1\n1 1\n", r"line 1: no IMAGE= in this record"),
        ("LM=1\n1 1\nIMAGE=../a.png\n", r"'../a.png' leaves the folder"),
        ("LM=1\n1 1\nIMAGE=a.png\nLM=1\n2 2\nIMAGE=a.png\n", r"line 4: the picture 'a.png' stands on line 1 too"),
        ("LM=1\n1 1\nIMAGE=a.png\nLM=2\n2 2\n3 3\nIMAGE=b.png\n", r"line 4: 2 points, but 1 on line 1"),
        ("LM=1\n1 1\nCURVES=1\nPOINTS=3\n1 1\nIMAGE=a.png\n", r"line 6: 2 points of a curve are missing"),
        ("LM=0\nIMAGE=a.png\n", r"all records have LM=0"),
        ("1 2\nLM=1\n", r"line 1: '1 2' stands before any LM="),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(folder, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, text))
    assert "wings.tps" in str(error.value)


def test_several_specimens_in_a_picture_are_told_apart_by_their_ids(folder):
    found = read(put(folder, "LM=1\n1 1\nIMAGE=a.png\nID=1\nLM=1\n2 2\nIMAGE=a.png\nID=2\n"))
    assert found.landmarks.image_index.tolist() == [0, 0]


def test_a_folder_with_several_files_asks_for_one(folder):
    put(folder, "LM=1\n1 1\nIMAGE=a.png\n", "one.tps")
    assert len(read(folder)) == 1
    put(folder, "LM=1\n1 1\nIMAGE=a.png\n", "two.tps")
    with pytest.raises(InputError, match=r"has 2 \.tps files; name one"):
        read(folder)


def test_pictures_beside_in_images(folder):
    save_blank(folder / "images" / "w.jpg", 10, 10)
    assert read(put(folder, "LM=1\n0 0\nIMAGE=w.jpg\n")).landmarks.points[0, 0].tolist() == [0, 9]


def test_wings12(shared_data):
    found = read(shared_data / "wings12" / "wings.tps")
    assert found.landmarks.points.shape == (40, 12, 2)
    assert found.landmarks.points[0, 0].tolist() == [290, 371]  # 108 from the bottom of 480
    assert found.columns["id"].tolist()[:4] == [0, 1, 4, 5]


def test_the_crossveins_of_wings12_are_dark_where_the_points_are(shared_data):
    found = read(shared_data / "wings12")
    dark = []
    for image, points in zip(found.images, found.landmarks.points, strict=True):
        grey = image.rgb()[..., 0].astype(float)
        for x, y in points[6:10].astype(int):
            here = grey[y - 2 : y + 3, x - 2 : x + 3].mean()
            dark.append(here < grey[y - 15 : y + 16, x - 15 : x + 16].mean() - 5)
    assert np.mean(dark) > 0.9


CURVED = (
    "LM=1\n1 1\nCURVES=2\nPOINTS=3\n2 2\n3. 3\n-1 -1\nPOINTS=2\n4 4\n5 5.5\nOUTLINES=1\nPOINTS=2\n7 7\n8 8.25\n"
    "IMAGE=a.png\nID=1\nSCALE=0.01\nVARIABLES=1 2 3\nRADII=1\n4.5\n"
)


def test_semilandmarks_are_points_behind_the_landmarks_with_edges_along_the_curve(folder):
    found = read(put(folder, CURVED + "LM=1\n9 9\nCURVES=0\nIMAGE=b.png\nID=2\n"))
    assert found.skeleton.names == ("p0", "c1_p1", "c1_p2", "c1_p3", "c2_p1", "c2_p2")
    assert found.skeleton.edges == ((1, 2), (2, 3), (4, 5))
    assert found.landmarks.points[0, [0, 1, 5]].tolist() == [[1, 28], [2, 27], [5, 23.5]]
    assert found.landmarks.labelled.tolist() == [[True, True, True, False, True, True], [True] + [False] * 5]
    assert found.columns["outlines"].tolist() == ["7.0 7.0,8.0 8.25", ""]
    assert found.columns["radii"].tolist() == ["4.5", ""]
    assert found.columns["variables"].tolist() == ["1 2 3", ""]
    assert found.spacing is None  # nobody says of what unit SCALE is
    assert write(found, folder / "out.tps") == []
    back = read(folder / "out.tps")
    assert back.equals(found)
    assert "LM=1\n1.0 1.0\nCURVES=2\nPOINTS=3\n2.0 2.0\n" in (folder / "out.tps").read_text()


def test_curves_of_different_lengths_are_kept_as_text(folder):
    other = "LM=1\n1 1\nCURVES=1\nPOINTS=1\n2 2\nIMAGE=b.png\nID=2\n"
    found = read(put(folder, CURVED + other))
    assert found.skeleton.names == ("p0",)
    assert found.columns["curves"].tolist() == ["2.0 2.0,3.0 3.0,-1.0 -1.0;4.0 4.0,5.0 5.5", "2.0 2.0"]
    assert write(found, folder / "out.tps") == []
    assert read(folder / "out.tps").equals(found)


def test_specimens_with_curves_alone(folder):
    found = read(put(folder, "LM=0\nCURVES=1\nPOINTS=2\n1 1\n2 2\nIMAGE=a.png\n"))
    assert found.skeleton.names == ("c1_p1", "c1_p2")
    assert write(found, folder / "out.tps") == []
    assert read(folder / "out.tps").landmarks.equals(found.landmarks)
    with pytest.raises(InputError, match="curves of different lengths; resample"):
        read(
            put(folder, "LM=0\nCURVES=1\nPOINTS=1\n1 1\nIMAGE=a.png\nLM=0\nCURVES=1\nPOINTS=2\n1 1\n2 2\nIMAGE=b.png\n")
        )


def test_curves_have_depth_where_landmarks_have(folder):
    found = read(put(folder, "LM3=1\n1 1 4\nCURVES=1\nPOINTS=1\n2 2 5\nIMAGE=a.png\n"))
    assert found.landmarks.points[0].tolist() == [[1, 28, 4], [2, 27, 5]]
    with pytest.raises(InputError, match="line 5: 2 numbers; expected 3"):
        read(put(folder, "LM3=1\n1 1 4\nCURVES=1\nPOINTS=1\n2 2\nIMAGE=a.png\n"))


def test_mm_per_pixel_are_written_as_scale_and_the_missing_unit_is_said(folder):
    from dataclasses import replace

    data = replace(labelled(folder, np.ones((1, 1, 2)), [0]), spacing=(0.2, 0.2))
    assert write(data, folder / "out.tps") == ["mm per pixel are written as SCALE, whose unit a TPS file does not say"]
    assert read(folder / "out.tps").columns["scale"].tolist() == [0.2]


def test_names_out_of_turn_are_no_curves(folder):
    data = labelled(folder, np.ones((1, 3, 2)), [0], names=("p0", "c1_p2", "c1_p1"))
    lost = write(data, folder / "out.tps")
    assert "names" in " ".join(lost)
    assert read(folder / "out.tps").skeleton.names == ("p0", "p1", "p2")


def test_many_curves_are_bounded(folder):
    with pytest.raises(InputError, match="points; expected 1 to 10,000"):
        read(put(folder, "LM=1\n1 1\nCURVES=1\nPOINTS=999999999\n1 1\nIMAGE=a.png\n"))
