from dataclasses import replace

import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

LINE = Skeleton(("a", "b"))


def data(image_index, m, **more):
    """Rows whose first coordinate is their number, images whose only pixel is theirs."""
    n = len(image_index)
    points = np.zeros((n, 2, 2))
    points[:, 0, 0] = np.arange(n)
    landmarks = Landmarks(LINE, points, np.tile([0.0, 0, 9, 9], (n, 1)), image_index)
    images = ImageList([Image(np.full((1, 1), i, np.uint8), source=Source(f"dir/{i}.png")) for i in range(m)])
    return Dataset(images, landmarks, **more)


def rows_of(dataset):
    return dataset.landmarks.points[:, 0, 0].astype(int).tolist()


def images_of(dataset):
    return [int(i.pixels[0, 0]) for i in dataset.images]


def picture_of_each_row(dataset):
    return [images_of(dataset)[i] for i in dataset.landmarks.image_index]


def rich():
    """Six rows in four images; image 2 has none."""
    return data(
        [0, 0, 3, 1, 3, 0],
        4,
        observers=np.arange(48.0).reshape(2, 6, 2, 2),
        subject=np.array(["ann", "bob", "ann", "", "", "cyd"]),
        split=np.array(["train", "test", "test", "train"]),
        frame=np.arange(4) * 10,
        spacing=(0.2, 0.2),
        licence="CC0",
        columns={"age": np.arange(6)},
    )


def test_boxes_stand_with_their_images():
    assert [len(b) for b in rich().boxes] == [3, 1, 0, 2]
    assert all(b.shape[1] == 4 for b in rich().boxes)
    assert len(rich()) == 6


def test_taking_rows_takes_their_images_and_everything_else():
    taken = rich().take([4, 3])
    assert rows_of(taken) == [4, 3]
    assert images_of(taken) == [1, 3]
    assert picture_of_each_row(taken) == [3, 1]
    assert taken.subject.tolist() == ["", ""]
    assert taken.split.tolist() == ["test", "train"]
    assert taken.frame.tolist() == [10, 30]
    assert taken.columns["age"].tolist() == [4, 3]
    np.testing.assert_array_equal(taken.observers, rich().observers[:, [4, 3]])
    assert (taken.spacing, taken.licence) == ((0.2, 0.2), "CC0")


def test_a_mask_is_as_good_as_indices():
    mask = np.array([False, False, False, True, True, False])
    assert rows_of(rich().take(mask)) == [3, 4]
    assert images_of(rich().take_images(np.array([True, False, True, False]))) == [0, 2]


def test_taking_images_keeps_those_without_objects():
    taken = rich().take_images([2, 0])
    assert images_of(taken) == [2, 0]
    assert rows_of(taken) == [0, 1, 5]
    assert picture_of_each_row(taken) == [0, 0, 0]


def test_images_count_from_the_end_too():
    assert rows_of(rich().take_images([-1])) == [2, 4]
    with pytest.raises(IndexError):
        rich().take_images([4])


def test_nothing_can_be_taken():
    none = rich().take([])
    assert len(none) == 0
    assert len(none.images) == 0
    assert none.boxes == []


def test_splits_by_name():
    train = rich().of_split("train")
    assert images_of(train) == [0, 3]
    assert rows_of(train) == [0, 1, 2, 4, 5]
    with pytest.raises(InputError, match="no split 'val'; it has test, train"):
        rich().of_split("val")
    with pytest.raises(InputError, match="it has no splits"):
        data([0], 1).of_split("train")


def test_rows_in_the_order_of_images():
    ordered = rich().in_image_order()
    assert rows_of(ordered) == [0, 1, 5, 3, 2, 4]
    assert ordered.subject.tolist() == ["ann", "bob", "cyd", "", "ann", ""]


def test_groups_join_pictures_and_subjects_through_each_other():
    """Rows 0, 1 and 5 share a picture; ann is also in row 2, which shares a picture with row 4; row 3 is alone."""
    groups = rich().groups()
    assert len(set(groups[[0, 1, 2, 4, 5]])) == 1
    assert groups[3] != groups[0]


def test_no_name_is_no_subject():
    apart = data([0, 1, 2], 3, subject=np.array(["", "", ""]))
    assert len(set(apart.groups())) == 3


def test_splitting_never_parts_a_group():
    rng = np.random.default_rng(0)
    n, m = 300, 150
    many = data(rng.integers(0, m, n), m, subject=np.array([f"s{i}" for i in rng.integers(0, 200, n)]))
    solo = data(np.arange(n) // 2, m, subject=np.array([f"s{i // 4}" for i in range(n)]))
    for dataset in (many, solo):
        first, second = dataset.split_off(0.2, seed=3)
        assert sorted(rows_of(first) + rows_of(second)) == list(range(n))
        assert not set(images_of(first)) & set(images_of(second))
        assert not set(first.subject) & set(second.subject)
    assert len(second) == pytest.approx(0.2 * n, abs=4)


def test_splitting_follows_its_seed():
    dataset = data(np.arange(50), 50)
    assert rows_of(dataset.split_off(0.3, seed=1)[1]) == rows_of(dataset.split_off(0.3, seed=1)[1])
    assert rows_of(dataset.split_off(0.3, seed=1)[1]) != rows_of(dataset.split_off(0.3, seed=2)[1])
    assert len(dataset.split_off(0.0)[1]) == 0
    assert len(data([], 0).split_off(0.5)[1]) == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"subject": np.array(["a"])}, r"subject has shape \(1,\); expected \(6,\)"),
        ({"split": np.array(["a"] * 6)}, r"split has shape \(6,\); expected \(4,\)"),
        ({"frame": np.arange(3)}, "frame has shape"),
        ({"observers": np.zeros((2, 5, 2, 2))}, "observers have shape"),
        ({"columns": {"age": np.arange(4)}}, "column 'age' has 4 rows; expected 6"),
    ],
)
def test_an_array_that_does_not_fit_is_named(more, words):
    with pytest.raises(ValueError, match=words):
        replace(rich(), **more)


@pytest.mark.parametrize(("index", "said"), [([0, 4], 4), ([-1, 0], -1)])
def test_a_row_of_an_image_that_is_not_there(index, said):
    with pytest.raises(ValueError, match=rf"speak of image {said}, but there are only 2 images"):
        data(index, 2)


def test_the_hash_follows_labels_and_not_the_place_of_the_files():
    dataset = rich()
    moved = replace(dataset, images=ImageList([Source(f"C:\\else\\where\\{i}.png") for i in range(4)]))
    assert moved.content_hash() == dataset.content_hash()  # the files are not there: pixels are not read
    renamed = replace(dataset, images=ImageList([Source(f"dir/{i}.jpg") for i in range(4)]))
    assert renamed.content_hash() != dataset.content_hash()
    points = dataset.landmarks.points.copy()
    points[0, 0, 0] += 0.001
    assert (
        replace(dataset, landmarks=replace(dataset.landmarks, points=points)).content_hash() != dataset.content_hash()
    )


def test_the_hash_takes_every_nan_and_every_zero_for_one():
    dataset = rich()
    points = dataset.landmarks.points.copy()
    points[0, 0, 0] = np.nan
    other = points.copy()
    other[0, 0, 0] = -np.nan
    other[other == 0] = -0.0
    one, two = (replace(dataset, landmarks=replace(dataset.landmarks, points=p)) for p in (points, other))
    assert one.content_hash() == two.content_hash()


def test_equality_knows_every_field():
    dataset = rich()
    assert dataset.equals(rich())
    assert not dataset.equals(rich().take([0, 1]))
    for more in (
        {"observers": None},
        {"subject": np.array(["x"] * 6)},
        {"split": None},
        {"frame": np.arange(4)},
        {"spacing": (1.0, 1.0)},
        {"licence": ""},
        {"columns": {}},
        {"split_by": "seed 0"},
        {"observer_names": ("ann", "bob")},
        {"images": ImageList([Source(str(i)) for i in range(4)])},
    ):
        assert not dataset.equals(replace(dataset, **more)), more
    assert not dataset.equals(None)
