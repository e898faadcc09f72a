"""Objects put together from points that have names."""

import numpy as np
import pytest

from cairn.errors import InputError
from cairn.formats.objects import Frame, Mark, Objects, in_order, order_lost, order_of
from cairn.images import Source
from tests.formats.conftest import labelled


def made(*marks, frames=(), others=()):
    found = Objects("labels")
    index = found.picture(Source("a.png"))
    found.add_loose(index, marks, frames, "labels: a.png")
    for one in others:
        found.add_loose(index, [one], (), "labels: a.png")
    return found.dataset()


def test_names_are_ordered_by_number_or_by_the_fullest_object():
    assert in_order(["10", "9", "1"]) == ["1", "9", "10"]
    assert in_order(["tail", "9"]) == ["tail", "9"]
    assert order_of([["tail"], ["nose", "ear", "tail"], ["tail", "nose", "ear", "paw"]]) == [
        "nose",
        "ear",
        "tail",
        "paw",
    ]


def test_a_group_is_an_object_and_its_box_goes_with_it():
    marks = [Mark("u", 1, 1, group=7), Mark("v", 2, 2, group=7), Mark("u", 3, 3, group=8)]
    found = made(*marks, frames=[Frame([0, 0, 9, 9], 8, {"label": "b"})])
    assert found.landmarks.boxes.tolist() == [[0, 0, 9, 9], [1, 1, 2, 2]]
    assert found.columns["label"].tolist() == ["b", ""]


def test_a_point_belongs_to_the_smallest_box_that_lacks_it():
    frames = [Frame([0, 0, 100, 100]), Frame([10, 10, 20, 20])]
    found = made(Mark("u", 15, 15), Mark("u", 16, 16), Mark("v", 50, 50), frames=frames)
    rows = {tuple(b): p[0, 0] for b, p in zip(found.landmarks.boxes.tolist(), found.landmarks.points, strict=True)}
    assert rows == {(10, 10, 20, 20): 15, (0, 0, 100, 100): 16}


def test_the_only_box_takes_points_outside_it_too():
    found = made(Mark("u", 5, 5), Mark("v", 50, 50), frames=[Frame([0, 0, 9, 9])])
    assert found.landmarks.labelled.tolist() == [[True, True]]


def test_points_of_one_kind_are_objects_of_their_own():
    assert len(made(Mark("cell", 1, 1), Mark("cell", 2, 2))) == 2


def test_what_cannot_be_told_apart_is_refused():
    with pytest.raises(InputError, match=r"labels: a\.png: the point 'u' stands twice and nothing says"):
        made(Mark("u", 1, 1), Mark("v", 1, 1), Mark("u", 2, 2))
    with pytest.raises(InputError, match="no points in it"):
        made(frames=[Frame([0, 0, 1, 1])])


def test_marks_scores_tracks_and_cells():
    found = Objects("labels")
    index = found.picture(Source("a.png"))
    found.add(index, {"u": (1, 2), "v": (np.nan, 3)}, seen={"v": 3}, score=0.5, track=4, cells={"age": 3})
    data = found.dataset()
    assert data.landmarks.visibility.tolist() == [[2, 3]]
    assert np.isnan(data.landmarks.points[0, 1]).all()
    assert (data.landmarks.score.tolist(), data.landmarks.track_id.tolist()) == ([0.5], [4])
    assert data.columns["age"].tolist() == [3]


def test_a_new_name_for_each_object_is_refused_before_it_fills_the_memory():
    found = Objects("labels")
    index = found.picture(Source("a.png"))
    for i in range(1500):
        found.add(index, {f"n{i}": (1, 2)})
    with pytest.raises(InputError, match=r"1500 different points, but 1\.0 to an object"):
        found.dataset()


def test_an_order_that_cannot_be_seen_is_said(folder):
    full = labelled(folder, [[[1, 1], [2, 2]]], [0], names=("z", "a"))
    assert order_lost(full, "VIA") == []
    missing = labelled(folder, [[[1, 1], [np.nan] * 2]], [0], names=("z", "a"))
    assert order_lost(missing, "VIA") == ["VIA lists only points that are there; without a label anywhere: a"]
