"""Long tables: a row for each point."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, same_points, several


def put(folder, text):
    (folder / "long.csv").write_text(text)
    return folder / "long.csv"


def test_each_row_is_a_point(folder):
    path = put(folder, "image,landmark,x,y\na.png,nose,1,2.5\na.png,tail,3,4\nb.png,nose,5,6\nb.png,tail,,\nc.png,,,\n")
    assert sniff(path) == "csv_long"
    found = read(path)
    assert found.skeleton.names == ("nose", "tail")
    assert found.landmarks.points[0].tolist() == [[1, 2.5], [3, 4]]
    assert found.landmarks.labelled.tolist() == [[True, True], [True, False]]
    assert len(found.images) == 3


def test_columns_in_any_order_and_rows_too(folder):
    head = "y;X;Bodypart;individual;File;sex;likelihood\n"
    text = head + "2;1;nose;m1;a.png;f;0.5\n6;5;nose;m2;a.png;m;1\n4;3;tail;m1;a.png;f;0.25\n"
    found = read(put(folder, text))
    assert found.landmarks.points[0].tolist() == [[1, 2], [3, 4]]
    assert found.landmarks.image_index.tolist() == [0, 0]
    assert found.columns["sex"].tolist() == ["f", "m"]
    assert found.landmarks.confidence[0].tolist() == [0.5, 0.25]
    assert np.isnan(found.landmarks.points[1, 1]).all()


def test_pandas_makes_long_tables_of_wide_ones_and_wide_ones_of_ours(folder):
    pandas = pytest.importorskip("pandas")
    wide = pandas.DataFrame(
        {
            "image": ["a.png", "b.png"],
            "x_nose": [1.5, np.nan],
            "y_nose": [2, np.nan],
            "x_tail": [3, 4],
            "y_tail": [5, 6],
        }
    )
    long = pandas.wide_to_long(wide, ["x", "y"], i="image", j="point", sep="_", suffix=r"\w+").reset_index()
    long.to_csv(folder / "long.csv", index=False)
    found = read(folder / "long.csv")
    assert set(found.skeleton.names) == {"nose", "tail"}
    nose, tail = found.skeleton.index("nose"), found.skeleton.index("tail")
    np.testing.assert_array_equal(found.landmarks.points[:, nose], [[1.5, 2], [np.nan, np.nan]])
    np.testing.assert_array_equal(found.landmarks.points[:, tail], [[3, 5], [4, 6]])
    write(found, folder / "again.csv", format="csv_long")
    back = pandas.read_csv(folder / "again.csv").pivot(index="image", columns="point", values=["x", "y"])
    np.testing.assert_array_equal(back["x", "tail"], [3, 4])
    np.testing.assert_array_equal(back["y", "nose"], [2, np.nan])


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "v", "w"))
    assert write(data, shared_folder / "long.csv", format="csv_long") == []
    assert sniff(shared_folder / "long.csv") == "csv_long"
    same_points(read(shared_folder / "long.csv"), data, atol=0)


def test_what_stands_beside_the_points_comes_back(folder):
    data = labelled(folder, np.arange(18.0).reshape(3, 3, 2), [0, 0, 2], names=("u", "v", "w"))
    more = {"visibility": [[1, 2, 2], [2, 2, 2], [2, 2, 2]], "confidence": np.linspace(0, 1, 9).reshape(3, 3)}
    marks = Landmarks(**{**data.landmarks.__dict__, **more, "score": [0.5, 0.25, 1], "track_id": [4, 5, 4]})
    split, subject = np.array(["train", "test", "test"]), np.array(["ann", "bo", "ann"])
    data = replace(data, landmarks=marks, split=split, subject=subject, frame=np.array([3, 4, 5]), split_by="long.csv")
    data = replace(data, columns={"sex": np.array(["f", "m", "f"])})
    assert write(data, folder / "long.csv", format="csv_long") == []
    assert read(folder / "long.csv").equals(data)


def test_boxes_and_edges_are_said_to_be_lost(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0], names=("u", "v"))
    marks = Landmarks(**{**data.landmarks.__dict__, "boxes": [[0, 0, 9, 9]]})
    assert "boxes" in " ".join(write(marks, folder / "long.csv", format="csv_long", images=data.images))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,point,x,y\na.png,n,1,x\n", "line 2: 'x' is not a number"),
        ("image,point,x,y\na.png,n,1\n", "line 2: 3 cells; expected 4"),
        ("image,point,x,y\na.png,n,1,2\na.png,n,3,4\n", "line 3: the point 'n' stands twice in one object"),
        ("image,point,x,y\nq.png,n,1,2\n", "line 2: there is no picture 'q.png'"),
        ("image,point,x,y,x\na.png,n,1,2,3\n", "the column 'x' stands twice"),
        ("image,point,x,y\n", "has a first line and no more"),
        ("image,point,x,y\na.png,,,\n", "no points in it"),
        ("image,point,x,y,confidence\na.png,n,1,2,3\n", "confidence 3 lies outside"),
        ("image,point,x,y,visibility\na.png,n,1,2,7\n", "visibility 7 is none of"),
        ("image,point,x,y,split\na.png,n,1,2,a\na.png,m,1,2,b\n", "another split or frame"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(folder, text, message):
    with pytest.raises(InputError, match=message):
        read(put(folder, text))
