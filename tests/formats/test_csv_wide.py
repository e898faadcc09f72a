"""Wide tables: as they come, one observer or several, and all that a prediction says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import csv_wide, read, sniff, write
from cairn.landmarks import Landmarks
from cairn.schemes import scheme
from cairn.skeleton import Skeleton
from tests.formats.conftest import labelled, pictures_of, same_points, save_blank, several


def put(folder, text, name="points.csv"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "image,1_x,1_y,2_x,2_y\na.png,0,1,2.5,3\n",
        "file,1.x,1.y,2.x,2.y\na.png,0,1,2.5,3\n",
        "filename;1_x;1_y;2_x;2_y\na.png;0;1;2.5;3\n",
        "Image\t1 x\t1 y\t2 x\t2 y\na\t0\t1\t2.5\t3\n",
        "image,1_X,2_X,1_Y,2_Y\nA.PNG,0,2.5,1,3\n",
        "image,x_1,y_1,x_2,y_2\r\na.png,0,1,2.5,3\r\n",
        ",x1,y1,x2,y2,x3,y3\na.png,0,1,2.5,3,,\n",
        '\ufeff"image","1_x","1_y","2_x","2_y"\n"a.png","0","1","2.5","3"\n\n',
    ],
)
def test_the_usual_ways_of_writing_a_table_are_understood(folder, text):
    path = put(folder, text)
    assert sniff(path) == "csv"
    found = read(path)
    assert found.skeleton.names[:2] == ("1", "2")
    assert found.landmarks.points[0, :2].tolist() == [[0, 1], [2.5, 3]]
    assert found.images.label(0) == str(folder / "a.png")


def test_names_empty_cells_and_other_columns(folder):
    found = read(put(folder, "image,apex_x,apex_y,base_x,base_y,sex,id\na.png,1,2,,,f,007\nb.png,3,4,NaN,nan,m,008\n"))
    assert found.skeleton.names == ("apex", "base")
    assert np.isnan(found.landmarks.points[:, 1]).all()
    assert found.landmarks.boxes.tolist() == [[1, 2, 1, 2], [3, 4, 3, 4]]
    assert {c: v.tolist() for c, v in found.columns.items()} == {"sex": ["f", "m"], "id": ["007", "008"]}


def test_a_point_with_half_a_coordinate_is_none(folder):
    assert np.isnan(read(put(folder, "image,p_x,p_y\na.png,1,\n")).landmarks.points).all()


def test_a_box_that_is_upside_down_is_refused_with_its_line(folder):
    with pytest.raises(InputError, match=r"line 3: the box 5, 1, 2, 4 is upside down"):
        read(put(folder, "image,x0,y0,x1,y1,p_x,p_y\na.png,1,1,2,4,1,2\nb.png,5,1,2,4,1,2\n"))


def test_a_table_of_boxes_is_not_one_of_points(folder):
    assert not csv_wide.matches(folder / "boxes.csv", b"image,split,x0,y0,x1,y1\n")
    assert not csv_wide.matches(folder / "pairs.csv", b"fold,same,a,b\n")


def test_splits_subjects_frames_and_spacing(folder):
    found = read(
        put(
            folder,
            "image,split,subject,frame,spacing_x,spacing_y,p_x,p_y\na.png,train,s1,4,.5,.5,1,2\nb.png,test,s2,9,.5,.5,1,2\n",
        )
    )
    assert found.split.tolist() == ["train", "test"]
    assert found.subject.tolist() == ["s1", "s2"]
    assert found.frame.tolist() == [4, 9]
    assert found.spacing == (0.5, 0.5)


def test_several_objects_in_a_picture_need_to_be_meant(folder):
    with pytest.raises(InputError, match=r"line 3: the picture 'a.png' stands on line 2 too; .*'instance'"):
        read(put(folder, "image,p_x,p_y\na.png,1,2\na.png,3,4\n"))
    found = read(put(folder, "image,instance,p_x,p_y\na.png,1,1,2\na.png,2,3,4\nb.png,,,\n"))
    assert found.landmarks.image_index.tolist() == [0, 0]
    assert len(found.images) == 2


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_exactly_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("nose", "a_x", "x"))
    assert write(data, shared_folder / "points.csv") == []
    back = read(shared_folder / "points.csv")
    same_points(back, data, atol=0)
    assert back.landmarks.equals(data.landmarks)


def predictions(k, n, seed, boxes=True):
    """Everything that a model may say."""
    rng = np.random.default_rng(seed)
    skeleton = Skeleton(tuple(f"point {i}" for i in range(k)))
    root = rng.normal(size=(n, k, 2, 2))
    covariance = root @ root.swapaxes(-1, -2)
    points = rng.uniform(0, 20, (n, k, 2))
    points[rng.uniform(size=(n, k)) < 0.2] = np.nan
    covariance = (covariance + covariance.swapaxes(-1, -2)) / 2
    return Landmarks(
        skeleton,
        points,
        rng.uniform(0, 10, (n, 4)) + np.array([0, 0, 10, 10]),
        np.sort(rng.integers(0, 3, n)),
        visibility=rng.integers(0, 4, (n, k)),
        presence=rng.uniform(size=(n, k)),
        confidence=rng.uniform(size=(n, k)),
        covariance=covariance,
        plausible=rng.uniform(size=n) < 0.5,
        plausible_points=rng.uniform(size=(n, k)) < 0.5,
        altered=rng.uniform(size=(n, k)) < 0.5,
        score=rng.uniform(size=n),
        track_id=rng.integers(0, 99, n),
    )


@settings(max_examples=20, deadline=None)
@given(k=st.integers(1, 5), n=st.integers(1, 6), seed=st.integers(0, 99))
def test_predictions_come_back_exactly(shared_folder, k, n, seed):
    marks = predictions(k, n, seed)
    path = shared_folder / "found.csv"
    assert write(marks, path, images=pictures_of(shared_folder)) == []
    back = read(path)
    assert back.landmarks.equals(marks)
    assert len(back.images) == 3


def test_predictions_of_a_known_scheme_come_back_with_it(folder):
    face = scheme("face68")
    points = np.random.default_rng(0).uniform(0, 20, (1, 68, 2))
    marks = Landmarks(face, points, [[0, 0, 19, 19]], [0], confidence=np.full((1, 68), 0.5), score=[0.9])
    assert write(marks, folder / "found.csv", images=pictures_of(folder)) == []
    assert read(folder / "found.csv").landmarks.equals(marks)


def test_what_is_lost_of_an_unknown_skeleton_is_said(folder):
    skeleton = Skeleton(("l", "r"), flip=(1, 0))
    marks = Landmarks(skeleton, np.ones((1, 2, 2)), [[1, 1, 1, 1]], [0])
    assert any("mirror pairs" in s for s in write(marks, folder / "found.csv", images=pictures_of(folder)))


def test_names_that_cannot_be_titles_become_numbers_and_it_is_said(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0], names=("spacing", "ok"))
    assert any("numbered from 1" in s for s in write(data, folder / "out.csv"))
    assert read(folder / "out.csv").skeleton.names == ("1", "2")


def test_columns_that_would_be_read_as_a_point_are_not_written(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0])
    data = Dataset(data.images, data.landmarks, columns={"far_x": [1], "far_y": [2], "age": [3]})
    lost = write(data, folder / "out.csv")
    assert any("far_y" in s for s in lost)
    back = read(folder / "out.csv")
    assert len(back.skeleton) == 2
    assert back.columns["age"].tolist() == [3]


def test_depth_is_kept(folder):
    points = np.arange(6.0).reshape(1, 2, 3)
    marks = Landmarks(Skeleton(("a", "b")), points, [[0, 1, 3, 4]], [0])
    assert write(marks, folder / "deep.csv", images=pictures_of(folder)) == []
    assert read(folder / "deep.csv").landmarks.equals(marks)


def two_observers(folder):
    for name in ("001", "002", "003"):
        save_blank(folder / "images" / f"{name}.jpg", 40, 40)
    put(folder, "image,1_x,1_y\n001.jpg,1,2\n002.jpg,3,4\n", "train_ann.csv")
    put(folder, "image,1_x,1_y\n002.jpg,5,8\n001.jpg,1,2\n", "train_bob.csv")
    put(folder, "image,1_x,1_y\n003.jpg,7,7\n", "test_ann.csv")
    put(folder, "image,1_x,1_y\n003.jpg,,\n", "test_bob.csv")
    put(folder, "a,b\n1,2\n", "duplicates.csv")


def test_a_folder_of_observers_becomes_one_data_set(folder):
    two_observers(folder)
    found = read(folder)
    assert found.observer_names == ("ann", "bob")
    names = [found.images.label(i)[-7:] for i in range(3)]
    order = [names.index(f"00{i}.jpg") for i in (1, 2, 3)]
    assert found.split[order].tolist() == ["train", "train", "test"]
    assert found.landmarks.points[order, 0].tolist() == [[1, 2], [4, 6], [7, 7]]  # the mean of those that set it
    assert found.observers[0, order, 0].tolist() == [[1, 2], [3, 4], [7, 7]]
    assert found.observers[1, order[1], 0].tolist() == [5, 8]
    assert np.isnan(found.observers[1, order[2]]).all()


def test_a_single_file_is_one_observer(folder):
    two_observers(folder)
    found = read(folder / "train_ann.csv")
    assert found.observers is None
    assert found.landmarks.points[:, 0].tolist() == [[1, 2], [3, 4]]


def test_observers_are_written_as_a_folder_and_come_back(folder, tmp_path):
    two_observers(folder)
    data = read(folder)
    out = tmp_path / "out"
    write(data, out)
    assert sorted(p.name for p in out.iterdir()) == ["test_ann.csv", "train_ann.csv", "train_bob.csv"]
    back = read(out)
    np.testing.assert_array_equal(back.observers, data.observers)
    same_points(back, data, atol=0)
    assert back.split.tolist() == data.split.tolist()


def test_a_copy_of_an_observer_counts_once_in_the_mean(folder):
    for person, x in (("ann", 1), ("bob", 3), ("copy", 1)):
        put(folder, f"image,1_x,1_y\na.png,{x},0\n", f"{person}.csv")
    found = read(folder)
    assert found.observers.shape == (3, 1, 1, 2)
    assert found.landmarks.points[0, 0].tolist() == [2, 0]


def test_batches_of_different_pictures_are_no_observers(folder):
    put(folder, "image,1_x,1_y\na.png,1,2\n", "one.csv")
    put(folder, "image,1_x,1_y\nb.png,3,4\n", "two.csv")
    found = read(folder)
    assert found.observers is None
    assert found.landmarks.points[:, 0].tolist() == [[1, 2], [3, 4]]


def test_observers_with_other_points_are_refused(folder):
    put(folder, "image,1_x,1_y\na.png,1,2\n", "one.csv")
    put(folder, "image,2_x,2_y\na.png,1,2\n", "two.csv")
    with pytest.raises(InputError, match=r"two\.csv: its points are not those of one\.csv"):
        read(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,1_x,1_y\na.png,1\n", r"line 2: 2 cells; expected 3"),
        ("image,1_x,1_y\na.png,1,up\n", r"line 2: 'up' is not a number"),
        ("image,1_x,1_y\na.png,1,inf\n", r"line 2: 'inf' is no coordinate"),
        ("image,1_x,1_y\nzz.png,1,2\n", r"line 2: there is no picture 'zz.png'; looked in "),
        ("image,1_x,1_y\n../a.png,1,2\n", r"line 2: the picture '../a.png' leaves the folder"),
        ("image,1_x,1_y\n,1,2\n", r"line 2: '' is not the name of a picture"),
        ("image,1_x,1_y,1_x\na.png,1,2,3\n", r"line 1: the column '1_x' stands twice"),
        ("image,1_x,1_y\n", r"has a first line and no more"),
        ("1_x,1_y\n1,2\n", r"no column with the pictures' names"),
        ("image,size\na.png,2\n", r"line 1: no columns with points"),
        ("image,a_x,a_y,a_visibility\na.png,1,2,9\n", r"line 2: visibility must be a whole number from 0 to 3"),
        ("image,a_x,a_y,a_confidence\na.png,1,2,95\n", r"a confidence is 95; expected 0 to 1"),
        ("image,a_x,a_y,track_id\na.png,1,2,1.5\n", r"line 2: track_id must be a whole number"),
        ('image,1_x,1_y\n"a.png,1,2\n', r"not a row of a table"),
        ("image," + ",".join(f"p{i}_x,p{i}_y" for i in range(10_001)) + "\na.png\n", r"10001 points; expected 1"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(folder, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, text))
    assert "points.csv" in str(error.value)


def test_cephalo19(shared_data):
    found = read(shared_data / "cephalo19")
    assert found.observers.shape == (3, 300, 19, 2)
    assert {s: int((found.split == s).sum()) for s in ("train", "test1")} == {"train": 150, "test1": 150}
    assert found.skeleton.names[0] == "sella"
    assert found.spacing == (0.2, 0.2)
    senior, junior = (found.observers[found.observer_names.index(n)] for n in ("senior", "junior"))
    np.testing.assert_allclose(found.landmarks.points, (senior + junior) / 2)


@pytest.mark.parametrize("split", ["train", "test1"])
@pytest.mark.parametrize("person", ["senior", "junior", "challenge"])
def test_one_observer_of_cephalo19(shared_data, split, person):
    found = read(shared_data / "cephalo19" / f"{split}_{person}.csv")
    assert len(found) == 150
    assert found.skeleton.name == "cephalo19"
    if (split, person) == ("train", "senior"):
        assert found.landmarks.points[0, 0].tolist() == [417.25, 497.75]


def test_a_decimal_comma_beside_a_decimal_point_is_told(folder):
    with pytest.raises(InputError, match=r"line 2: '1,5' is not a number.*decimal point and not a comma"):
        read(put(folder, "image;p_x;p_y\na.png;1,5;2.5\n"))
