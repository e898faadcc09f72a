"""StereoMorph's shape files, written by hand as its own code writes them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, sniff, write
from tests.formats.conftest import labelled, same_points, several

SHAPES = """<shapes>
\t<image.name>a.png</image.name>
\t<image.id>a</image.id>
\t<class>shapes</class>
\t<scaling asnumeric=TRUE >0.05</scaling>
\t<scaling.units>cm</scaling.units>

\t<landmarks.pixel type=matrix rownames=TRUE as.numeric=TRUE>
\t\tbill tip\t1.5\t2
\t\tnape\tNA\tNA
\t</landmarks.pixel>

\t<landmarks.scaled type=matrix rownames=TRUE as.numeric=TRUE>
\t\tbill tip\t0.075\t-0.1
\t</landmarks.scaled>

\t<curves.control type=list names=TRUE as.numeric=TRUE>
\t\t<tomium type=matrix names=FALSE as.numeric=TRUE>
\t\t\t1\t2
\t\t\t3\t4.5
\t\t\t5\t6
\t\t</tomium>
\t</curves.control>
</shapes>
"""


@pytest.fixture
def shapes(folder):
    (folder / "shapes").mkdir()
    (folder / "shapes" / "a.txt").write_text(SHAPES)
    return folder / "shapes"


def test_landmarks_scale_and_curves_are_read(shapes):
    assert sniff(shapes) == "stereomorph"
    found = read(shapes)
    assert found.skeleton.names == ("bill tip", "nape")
    np.testing.assert_array_equal(found.landmarks.points[0], [[1.5, 2], [np.nan, np.nan]])
    assert found.spacing == (0.5, 0.5)  # 0.05 cm
    assert found.columns["curves"].tolist() == ["tomium: 1 2, 3 4.5, 5 6"]
    assert read(shapes / "a.txt").equals(found)


def test_scales_that_differ_are_columns(shapes):
    other = SHAPES.replace("a.png", "b.png").replace("0.05", "0.06").replace("cm", "furlong")
    (shapes / "b.txt").write_text(other)
    found = read(shapes)
    assert found.spacing is None
    assert found.columns["scaling"].tolist() == [0.05, 0.06]
    assert found.columns["scaling_units"].tolist() == ["cm", "furlong"]


def test_everything_comes_back(shapes, folder):
    (shapes / "b.txt").write_text(SHAPES.replace("a.png", "b.png").replace("2\n", "7\n"))
    data = read(shapes)
    (folder / "out").mkdir()
    assert [s for s in write(data, folder / "out", format="stereomorph") if "full paths" not in s] == []
    assert sorted(p.name for p in (folder / "out").iterdir()) == ["a.txt", "b.txt"]
    assert read(folder / "out").equals(data)


@settings(max_examples=15, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, tmp_path_factory, rows):
    out = tmp_path_factory.mktemp("shapes")
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "v", "w"))
    assert [s for s in write(data, out, format="stereomorph") if "full paths" not in s] == []
    back = read(out)
    same_points(back, data, atol=1e-8)


def test_what_is_lost_is_said(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0], names=("u<", "v"))
    data = replace(data, subject=np.array(["ann"]))
    lost = " ".join(write(data, folder / "out", format="stereomorph"))
    assert "subjects" in lost
    assert "numbered from 1" in lost


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tnape\tNA\tNA", "\tnape\tNA", "'nape.*' is no landmark"),
        ("\tnape\tNA\tNA", "\tbill tip\t1\t1", "'bill tip' stands twice"),
        ("\tnape\tNA\tNA", "\tnape\tx\t1", "'x' is not a number"),
        ("\t\t\t5\t6", "\t\t\t5", "in the curve 'tomium' is not x and y"),
        ("</shapes>", "", "no whole StereoMorph shape file"),
        ("</curves.control>", "<x>" * 100_000, "the part 'curves.control' does not end"),
        ("a.png", "../a.png", "leaves the folder"),
        ("a.png", "q.png", "there is no picture 'q.png'"),
    ],
)
def test_what_is_wrong_is_refused(shapes, old, new, message):
    (shapes / "a.txt").write_text(SHAPES.replace(old, new))
    with pytest.raises(InputError, match=message):
        read(shapes / "a.txt")
