"""MorphoJ's lines of label and coordinates."""

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, sniff, write
from tests.formats.conftest import labelled, same_points, several


def put(folder, text):
    (folder / "wings.txt").write_text(text)
    return folder / "wings.txt"


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_a_line_is_a_specimen_and_y_counts_from_the_bottom(folder, delimiter):
    path = put(folder, "a.png,1,2.5,3,4\nb,5,6,7,8\n".replace(",", delimiter))
    assert sniff(path) == "morphoj"
    found = read(path)  # a.png is 20 x 30 px, b.png 31 x 17
    assert found.landmarks.points.tolist() == [[[1, 26.5], [3, 25]], [[5, 10], [7, 8]]]


def test_titles_are_ignored_where_the_format_is_named(folder):
    path = put(folder, "ID,x1,y1\na.png,1,2\n")
    assert read(path, format="morphoj").landmarks.points.tolist() == [[[1, 27]]]
    assert sniff(path) == "csv"


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    used = sorted({i for i, _ in rows})
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows]).take_images(used)
    lost = write(data, shared_folder / "wings.txt", format="morphoj")
    assert lost == ([] if data.landmarks.labelled.all() else [lost[0]])
    assert all("refuses missing points" in s for s in lost)
    same_points(read(shared_folder / "wings.txt", format="morphoj"), data)


def test_names_and_more_are_said_to_be_lost(folder):
    lost = " ".join(
        write(labelled(folder, np.ones((1, 2, 2)), [0], names=("u", "v")), folder / "w.txt", format="morphoj")
    )
    assert "names" in lost
    assert "2 pictures without an object" in lost


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png,1,2\nb.png,1,x\n", "line 2: 'x' is not a number"),
        ("a.png,1,2\nb.png,1\n", "line 2: 2 cells; expected 3"),
        ("a.png,1,2,3\n", "line 1: 3 numbers; expected x and y"),
        ("q.png,1,2\n", "line 1: there is no picture 'q.png'"),
        ("ID,x1,y1\n", "has titles and no more"),
        ("../a.png,1,2\n", "leaves the folder"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(folder, text, message):
    with pytest.raises(InputError, match=message):
        read(put(folder, text), format="morphoj")


def test_blank_lines_and_quotes_are_no_label(folder):
    for text in ("\x0c\n", '""\n', " \n1,2\n"):
        with pytest.raises(InputError, match="not a format that is known"):
            sniff(put(folder, text))
