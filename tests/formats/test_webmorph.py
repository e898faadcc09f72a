"""WebMorph templates."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, write
from cairn.skeleton import Skeleton
from tests.formats.conftest import labelled, one_each, same_points, save_blank


def put(folder, text, name="a.tem"):
    path = folder / name
    path.write_text(text)
    return path


def test_points_stand_as_they_are_and_lines_are_edges(folder):
    found = read(put(folder, "4\n0\t0\n1.5\t2.25\n3 4\n5\t6\n3\n0\n2\n0 0\n0\n4\n0 1 2 0\n1\n2\n2 3\n"))
    assert found.landmarks.points[0].tolist() == [[0, 0], [1.5, 2.25], [3, 4], [5, 6]]
    assert found.skeleton.edges == ((0, 1), (1, 2), (2, 0), (2, 3))
    assert found.images.label(0) == str(folder / "a.png")


def test_the_point_lies_on_the_pixel_that_was_clicked(folder):
    import cv2

    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, "1\n4\t22\n0\n", "dot.tem"))
    x, y = found.landmarks.points[0, 0].astype(int)
    assert found.images[0].rgb()[y, x].tolist() == [255, 255, 255]


def test_a_file_of_webmorphr(tmp_path):
    # webmorphR (L. DeBruine), inst/extdata/tem_examples/dlib7.tem, whole
    save_blank(tmp_path / "dlib7.jpg", 675, 900)
    text = "7\n244.5\t418.25\n425.5\t418.5\n462\t416\n389\t421\n209\t416\n280\t420.5\n330\t552\n0\n"
    found = read(put(tmp_path, text, "dlib7.tem"))
    assert found.landmarks.points[0, [0, 6]].tolist() == [[244.5, 418.25], [330, 552]]


def test_the_london_set(shared_data):
    found = read(shared_data / "london189")
    assert found.landmarks.points.shape == (102, 189, 2)
    assert found.landmarks.points[0, 0].tolist() == [188, 210.333]
    assert len(found.skeleton.edges) > 150
    # the two first points are the pupils: hardly anything in a face is darker
    dark = []
    for image, points in zip(found.images, found.landmarks.points, strict=True):
        grey = image.rgb().astype(float).mean(axis=2)
        for x, y in np.rint(points[:2]).astype(int):
            dark.append(grey[y - 2 : y + 3, x - 2 : x + 3].mean() < grey[y - 20 : y + 21, x - 20 : x + 21].mean() - 20)
    assert np.mean(dark) > 0.9


@settings(max_examples=25, deadline=None)
@given(points=one_each)
def test_reading_what_was_written_gives_the_same(tmp_path_factory, points):
    folder = tmp_path_factory.mktemp("webmorph")
    for name in "abc":
        save_blank(folder / f"{name}.png", 9, 9)
    data = labelled(folder, points, [0, 1, 2])
    lost = write(data, folder, format="webmorph")
    assert bool(lost) == bool(np.isnan(points).any())
    same_points(read(folder), data)


def test_edges_come_back_in_folders_too(folder):
    save_blank(folder / "x" / "d.png", 9, 9)
    data = labelled(folder, [[[1, 2], [3, 4], [5, 6], [7, 8]]], [0])
    skeleton = Skeleton(data.skeleton.names, edges=((0, 1), (1, 2), (3, 0)))
    marks = replace(data.landmarks, skeleton=skeleton)
    assert write(marks, folder, images=[folder / "x" / "d.png"], format="webmorph") == []
    back = read(folder)
    assert back.skeleton.edges == skeleton.edges
    assert back.images.label(0) == str(folder / "x" / "d.png")


def test_one_object_may_be_one_file(folder):
    data = labelled(folder, [[[1, 2]]], [1]).take([0])
    assert write(data, folder / "b.tem") == []
    same_points(read(folder / "b.tem"), data)
    assert any("beside a picture of the same name" in s for s in write(data, folder / "c.tem"))
    with pytest.raises(InputError, match="holds one object, and there are 2"):
        write(labelled(folder, np.ones((2, 1, 2)), [0, 1]), folder / "b.tem")


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, [[[1, 2]], [[np.nan] * 2], [[5, 6]]], [0, 1, 1], names=("tip",))
    lost = write(data, folder, format="webmorph")
    for words in ("names", "one object in a picture; 1 further", "1 pictures without an object", "written as NaN"):
        assert any(words in s for s in lost), words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n \n", r"the file is empty"),
        ("2\n1\t1\n", r"ends after 1 of 2 points"),
        ("1\n1\tx\n0\n", r"line 2: 'x' is not a number"),
        ("2\n1\t1\n1\t2\t3\n0\n", r"line 3: 3 numbers; expected x and y"),
        ("1\n1\t1e99\n0\n", r"line 2: '1e99' is no coordinate"),
        ("99999\n1\t1\n", r"99999 points; expected 1 to 10,000"),
        ("1\n1\t1\n1\n", r"ends before whether the line is closed"),
        ("1\n1\t1\n1\n2\n", r"line 4: '2'; expected whether the line is closed"),
        ("1\n1\t1\n1\n0\n2\n", r"ends before the points of a line"),
        ("1\n1\t1\n1\n0\n2\n0 1\n", r"line 6: expected 2 points from 0 to 0"),
        ("1\n1\t1\n99999999\n", r"line 3: '99999999'; expected the number of lines"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(folder, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, text), format="webmorph")
    assert "a.tem" in str(error.value)


def test_files_that_do_not_go_together_are_refused(folder):
    put(folder, "1\n1\t1\n0\n")
    put(folder, "2\n1\t1\n2\t2\n0\n", "b.tem")
    with pytest.raises(InputError, match=r"b\.tem: 2 points, but .*a\.tem has 1"):
        read(folder)
    with pytest.raises(InputError, match=r"there is no picture 'zz'"):
        read(put(folder, "1\n1\t1\n0\n", "zz.tem"))
