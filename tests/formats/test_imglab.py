"""imglab XML, held against dlib."""

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, same_points, several

BOX = "<box top='2' left='1' width='10' height='20'>{}</box>"


def put(folder, boxes, name="labels.xml", file="a.png"):
    path = folder / name
    path.write_text(f"<?xml version='1.0'?><dataset><images><image file='{file}'>{boxes}</image></images></dataset>")
    return path


def part(name, x, y):
    return f"<part name='{name}' x='{x}' y='{y}'/>"


def test_points_count_from_the_centre_of_the_first_pixel_and_boxes_hold_their_last_pixel(folder):
    marks = read(put(folder, BOX.format(part("nose", 0, 0) + part("ear", 19, 29)))).landmarks
    assert marks.skeleton.names == ("nose", "ear")
    assert marks.points[0].tolist() == [[0, 0], [19, 29]]
    assert marks.boxes[0].tolist() == [1, 2, 10, 21]


def test_a_file_that_dlib_wrote_says_what_dlib_says(folder):
    dlib = pytest.importorskip("dlib")
    meta = dlib.image_dataset_metadata
    data, image = meta.dataset(), meta.image()
    image.filename = "a.png"
    for score, names in ((0.5, ("10", "9")), (1.5, ("9",))):
        box = meta.box()
        box.rect = dlib.rectangle(1, 2, 10, 21)
        box.label, box.occluded, box.detection_score = "face", True, score
        parts = box.parts
        for name in names:
            parts[name] = dlib.point(int(name), 7)
        image.boxes.append(box)
    data.images.append(image)
    meta.save_image_dataset_metadata(data, str(folder / "dlib.xml"))
    found = read(folder / "dlib.xml")
    assert found.skeleton.names == ("9", "10")
    np.testing.assert_array_equal(found.landmarks.points, [[[9, 7], [10, 7]], [[9, 7], [np.nan] * 2]])
    assert found.landmarks.boxes[0].tolist() == [1, 2, 10, 21]
    assert found.landmarks.score.tolist() == [0.5, 1.5]
    assert {c: v.tolist() for c, v in found.columns.items()} == {"label": ["face"] * 2, "occluded": [1, 1]}


def test_dlib_reads_what_we_wrote(folder):
    dlib = pytest.importorskip("dlib")
    points = np.array([[[3.4, 4.6], [-1, 8], [np.nan, np.nan]], [[5, 5], [6, 6], [7, 9]]])
    data = labelled(folder, points, [0, 2], names=("a", "b 'c'", "z"))
    lost = write(data, folder / "out.xml", format="imglab")
    assert lost == ["imglab has whole pixels only; points were rounded, the farthest by 0.57 px"]
    images = dlib.image_dataset_metadata.load_image_dataset_metadata(str(folder / "out.xml")).images
    assert [i.filename for i in images] == ["a.png", "b.png", "c.png"]
    box = images[0].boxes[0]
    assert (box.rect.left(), box.rect.top(), box.rect.right(), box.rect.bottom()) == (-1, 5, 3, 8)
    parts = box.parts
    assert sorted(parts) == ["a", "b 'c'"]
    assert (parts["a"].x, parts["a"].y) == (3, 5)


def test_names_that_dlib_would_not_understand_are_said(folder):
    data = labelled(folder, [[[1, 2]]], [0], names=("a&b",))
    assert any("rename" in s for s in write(data, folder / "out.xml", format="imglab"))
    assert read(folder / "out.xml").skeleton.names == ("a&b",)


def test_dlib_trains_on_what_we_wrote_and_finds_the_points_in_the_order_of_their_names(folder):
    dlib = pytest.importorskip("dlib")
    data = labelled(folder, np.array([[[2, 3], [9, 20]]] * 3), [0, 1, 2], names=("u", "v"))
    write(data, folder / "out.xml", format="imglab")
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.tree_depth = 1, 1, 1
    options.feature_pool_size, options.oversampling_amount = 10, 1
    dlib.train_shape_predictor(str(folder / "out.xml"), str(folder / "out.dat"), options)
    assert dlib.test_shape_predictor(str(folder / "out.xml"), str(folder / "out.dat")) < 0.1
    found = dlib.shape_predictor(str(folder / "out.dat"))(data.images[0].rgb(), dlib.rectangle(2, 3, 9, 20))
    assert [(p.x, p.y) for p in found.parts()] == [(2, 3), (9, 20)]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        (("b", "a"), ("a", "b"), ("b", "a")),  # by hand: in its order
        (("a", "c"), ("a", "b", "c"), ("a", "b", "c")),  # imglab sorts
        (("1", "10"), ("2",), ("1", "2", "10")),
        (("tail",), ("nose", "ear", "tail"), ("nose", "ear", "tail")),
    ],
)
def test_the_order_of_points(folder, first, second, names):
    boxes = "".join(BOX.format("".join(part(n, 1, 1) for n in several)) for several in (first, second))
    assert read(put(folder, boxes)).skeleton.names == names


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    points = np.round([p for _, p in rows])
    data = labelled(shared_folder, points, [i for i, _ in rows], names=("u", "w", "v"))
    if not data.landmarks.labelled.any(axis=1).all():
        return
    write(data, shared_folder / "points.xml", format="imglab")
    back = read(shared_folder / "points.xml")
    assert back.skeleton.names == ("u", "w", "v")
    same_points(back, data)


def test_boxes_scores_and_columns_come_back(folder):
    data = labelled(folder, [[[1, 2], [3, 4]], [[5, 5], [6, 7]]], [1, 1], names=("a", "b"))
    marks = {**data.landmarks.__dict__, "boxes": [[0, 0, 9, 9], [1, 1, 8, 30]], "score": [0.25, 0.75]}
    columns = {"label": np.array(["cat <1>", "dog"]), "truncated": np.array([0, 1]), "pose": np.array([2, 3])}
    data = Dataset(data.images, Landmarks(**marks), columns=columns)
    assert write(data, folder / "out.xml", format="imglab") == []
    assert read(folder / "out.xml").equals(data)


def test_objects_with_neither_points_nor_a_box_are_said_to_be_lost(folder):
    data = labelled(folder, [[[1, 2]], [[np.nan] * 2]], [0, 1], names=("a",))
    assert any("1 objects with neither" in s for s in write(data, folder / "out.xml", format="imglab"))
    assert len(read(folder / "out.xml")) == 1


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (BOX.format(""), "no points in it"),
        (BOX.format(part("a", "1,5", 2)), r"image 1, part 'a': x: '1,5' is not a number"),
        (BOX.format(part("a", 1, "1e99")), r"image 1, part 'a': y: '1e99' is no coordinate"),
        (BOX.format(part("a", 1, 1) + part("a", 2, 2)), r"image 1: the part 'a' stands twice"),
        (BOX.format("<part x='1' y='1'/>"), r"image 1: a part has no name"),
        ("<box top='1' left='x' width='1' height='1'/>", r"image 1: left: 'x' is not a number"),
        ("<box>", r"line 1: not valid XML"),
    ],
)
def test_a_damaged_file_is_refused(folder, boxes, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, boxes))
    assert "labels.xml" in str(error.value)


def test_pictures_must_be_there_and_stay_in_the_folder(folder):
    with pytest.raises(InputError, match=r"there is no picture 'zz\.png'"):
        read(put(folder, BOX.format(part("a", 1, 1)), file="zz.png"))
    with pytest.raises(InputError, match="leaves the folder"):
        read(put(folder, BOX.format(part("a", 1, 1)), file="../a.png"))


def test_a_point_name_for_each_object_is_refused_before_it_fills_the_memory(folder):
    boxes = "".join(BOX.format(part(f"p{i}", 1, 1)) for i in range(1500))
    with pytest.raises(InputError, match=r"1500 different points, but 1\.0 to an object"):
        read(put(folder, boxes))
