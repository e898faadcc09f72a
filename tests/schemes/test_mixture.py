"""Sets with different points as one."""

from dataclasses import replace

import numpy as np
import pytest

from cairn import mixture, train
from cairn.dataset import Dataset
from cairn.detectors.ert.detector import Ert
from cairn.detectors.mean_shape import MeanShape
from cairn.errors import InputError
from cairn.geometry import boxes
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import scheme
from cairn.schemes.mixture import union
from cairn.skeleton import Skeleton
from tests.conftest import KITE, draw_kites

# the kite without its bottom, with its middle, in another order and another spelling
OTHER = Skeleton(("middle", "Left", "top", "Right"), edges=((2, 0),), flip=(0, 3, 2, 1), name="other")


def other_kites(pictures, **how):
    data = draw_kites(pictures, **how)
    p = data.landmarks.points
    points = np.stack([p.mean(axis=1), p[:, 3], p[:, 0], p[:, 1]], axis=1)
    return replace(data, landmarks=Landmarks(OTHER, points, boxes.around(points), data.landmarks.image_index))


def faces(name, n=12, seed=0, **more):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 100, (n, len(scheme(name)), 2))
    marks = Landmarks(scheme(name), points, boxes.around(points), np.arange(n))
    return Dataset(ImageList([f"{name}-{seed}-{i}.png" for i in range(n)]), marks, **more)


def test_points_of_one_name_are_one_column_and_the_rest_is_empty():
    a, b = draw_kites(5), other_kites(4, seed=1)
    both = mixture([a, b])
    assert both.skeleton.names == ("top", "right", "bottom", "left", "middle")
    assert np.array_equal(both.landmarks.points[:5, :4], a.landmarks.points)
    assert np.array_equal(both.landmarks.points[5:, [4, 3, 0, 1]], b.landmarks.points)
    assert both.landmarks.labelled.tolist() == [[True] * 4 + [False]] * 5 + [[True, True, False, True, True]] * 4
    assert both.columns["set"].tolist() == ["kite"] * 5 + ["other"] * 4
    assert len(both.images) == 9


def test_the_union_keeps_edges_parts_and_the_mirror_image():
    joined = union([KITE, OTHER])
    assert joined.edges == (*KITE.edges, (0, 4))
    assert joined.flip == (0, 3, 2, 1, 4)
    assert joined.normalisers == KITE.normalisers
    assert joined.name == "kite + other"
    assert union([KITE, KITE]) is KITE


def test_without_a_mirror_image_in_one_or_with_two_that_disagree_there_is_none():
    assert union([KITE, replace(OTHER, flip=None)]).flip is None
    assert union([KITE, replace(OTHER, flip=(0, 1, 2, 3))]).flip is None


def test_a_point_that_is_defined_by_others_is_computed_where_they_are_labelled():
    wide, few = faces("face68"), faces("face5")
    both = mixture([wide, few])
    assert len(both.skeleton) == 70
    eye = both.skeleton.index("right_eye_center")
    assert np.allclose(both.landmarks.points[:12, eye], wide.landmarks.points[:, 36:42].mean(1))
    assert np.array_equal(both.landmarks.points[12:, eye], few.landmarks.points[:, 0])
    assert np.isnan(both.landmarks.points[12:, 0]).all()
    both = mixture([few, wide])  # the order does not matter for that
    assert np.allclose(both.landmarks.points[12:, 0], wide.landmarks.points[:, 36:42].mean(1))


def test_sets_without_a_common_point_are_refused():
    with pytest.raises(InputError, match=r"set 2 \(wrist, .*\) has no point in common"):
        mixture([faces("face68"), faces("hand21")])


def test_points_without_names_are_not_taken_for_each_other():
    with pytest.raises(InputError, match=r"the points of set 2 have no names \(p0, \.\.\.\)"):
        union([KITE, Skeleton.anonymous(5)])
    with pytest.raises(InputError, match="the points of set 1 have no names"):
        union([Skeleton.anonymous(4), Skeleton.anonymous(5)])
    assert len(union([Skeleton.anonymous(4), Skeleton.anonymous(4)])) == 4


def test_tight_boxes_of_other_points_become_the_first_sets_boxes():
    a, b = draw_kites(30), other_kites(10, seed=1)
    true = draw_kites(10, seed=1).landmarks.boxes  # around all corners, as the first set's
    own = mixture([a, b], own_boxes=True).landmarks.boxes[30:]
    like = mixture([a, b]).landmarks.boxes[30:]
    assert np.abs(own - true).max() > 10
    assert np.abs(like - true).max() < 4
    given = replace(b, landmarks=replace(b.landmarks, boxes=boxes.expand(b.landmarks.boxes, 1.3)))
    assert np.array_equal(mixture([a, given]).landmarks.boxes[30:], given.landmarks.boxes)


def test_a_picture_in_two_sets_is_one_picture_and_may_not_change_its_split():
    a = draw_kites(4)
    a = replace(a, images=ImageList([Source(f"k{i}.png") for i in range(4)]))
    b = other_kites(4)
    b = replace(b, images=ImageList([Source(f"k{i + 2}.png") for i in range(4)]))
    both = mixture([a, b])
    assert len(both.images) == 6
    assert both.landmarks.image_index.tolist() == [0, 1, 2, 3, 2, 3, 4, 5]
    assert both.groups()[2] == both.groups()[4]
    names = np.array(["train", "train", "test", "test"])
    with pytest.raises(InputError, match=r"k2\.png: is in test in one set and in train in another"):
        mixture([replace(a, split=names), replace(b, split=names)])


def test_a_set_without_splits_counts_as_train_where_another_has_that():
    a = replace(draw_kites(2), split=np.array(["train", "test"]))
    both = mixture([a, other_kites(2, seed=1)])
    assert both.split.tolist() == ["train", "test", "train", "train"]
    assert "sets without splits count as train" in both.split_by
    assert mixture([draw_kites(2), other_kites(2, seed=1)]).split is None


def test_licences_subjects_columns_and_times_of_all_sets():
    a = replace(draw_kites(2, licence="CC BY"), subject=np.array(["x", "y"]), columns={"age": np.array([1, 2])})
    b = replace(other_kites(3, seed=1), columns={"age": np.array(["3", "", "5"])}, frame=np.array([7, 8, 9]))
    both = mixture([a, b])
    assert both.licence == "CC BY; not stated"
    assert both.subject.tolist() == ["x", "y", "", "", ""]
    assert both.columns["age"].tolist() == ["1", "2", "3", "", "5"]
    assert both.frame is None
    assert mixture([replace(a, frame=np.array([3, 4])), b]).frame.tolist() == [0, 1, 2, 3, 4]


def test_different_dimension_or_spacing_is_refused():
    a, b = draw_kites(2), other_kites(2)
    with pytest.raises(InputError, match="different mm per pixel"):
        mixture([replace(a, spacing=(0.1, 0.1)), b])
    with pytest.raises(InputError, match="at least one"):
        mixture([])


@pytest.mark.parametrize(
    "detector", [MeanShape(), Ert(stages=4, trees=25, oversampling=8, size=40, pixels=80)], ids=["mean", "trees"]
)
def test_each_point_learns_where_it_exists(detector):
    data = mixture([draw_kites(40, wander=0.3), other_kites(40, wander=0.3, seed=1)])
    new = draw_kites(12, wander=0.3, seed=9)
    found = detector.fit(data).predict(new.images, new.boxes).points
    truth = np.concatenate([new.landmarks.points, new.landmarks.points.mean(1, keepdims=True)], axis=1)
    error = np.linalg.norm(found - truth, axis=-1).mean(axis=0)
    assert error.max() < 3, error  # px, of kites 30 px high


def test_a_whole_training_takes_a_mixture():
    model = train(mixture([draw_kites(40), other_kites(40, seed=1)]), recipe="mean", finder="none", quiet=True)
    assert model.skeleton.names == ("top", "right", "bottom", "left", "middle")
    assert model.card["data"]["objects"] == 80
    assert np.isfinite([s["value"] for s in model.card["scores"]]).all()
