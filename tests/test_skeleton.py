import json
from dataclasses import replace

import pytest

from cairn.skeleton import Skeleton


@pytest.fixture
def wing():
    return Skeleton(
        names=("root", "left", "right", "tip"),
        edges=((0, 1), (0, 2), (1, 3)),
        flip=(0, 2, 1, 3),
        parts={"sides": (1, 2)},
        normalisers={"length": ((0,), (3,)), "middle": ((0,), (1, 2))},
        sigmas=(0.1, 0.2, 0.2, 0.1),
        name="wing4",
        source="drawn by hand",
    )


def test_it_survives_json_text(wing):
    again = Skeleton.from_json(json.loads(json.dumps(wing.to_json())))
    assert again.equals(wing)
    assert again.edges == wing.edges
    assert list(again.normalisers) == ["length", "middle"]  # the first is the default: order is kept


@pytest.mark.parametrize("field", ["name", "source"])
def test_another_name_or_source_is_another_skeleton(wing, field):
    assert not Skeleton.from_json({**wing.to_json(), field: "other"}).equals(wing)
    assert not wing.equals("wing4")


def test_points_are_found_by_name(wing):
    assert len(wing) == 4
    assert wing.index("tip") == 3
    with pytest.raises(KeyError, match="no point 'nose'; the points are root, left, right, tip"):
        wing.index("nose")


def test_only_a_flip_along_x_is_that_of_a_mirrored_picture(wing):
    assert wing.left_right == (0, 2, 1, 3)
    assert replace(wing, flip_axis=1).left_right is None
    assert replace(wing, flip=None).left_right is None


def test_some_of_the_points_are_a_skeleton_too(wing):
    whole = wing.of_points([True] * 4)
    assert whole.equals(wing)
    some = wing.of_points([False, True, True, True])
    assert some.names == ("left", "right", "tip")
    assert some.edges == ((0, 2),)
    assert some.flip == (1, 0, 2)
    assert some.parts == {"sides": (0, 1)}
    assert not some.normalisers  # both began at the root
    assert some.sigmas == (0.2, 0.2, 0.1)


def test_a_flip_that_leads_to_a_point_left_out_goes(wing):
    some = wing.of_points([True, True, False, True])
    assert some.flip is None
    assert some.parts == {"sides": (1,)}
    assert list(some.normalisers) == ["length"]
    assert some.normalisers["length"] == ((0,), (2,))


def test_a_skeleton_about_which_nothing_is_known():
    skeleton = Skeleton.anonymous(3)
    assert skeleton.names == ("p0", "p1", "p2")
    assert skeleton.flip is None
    assert not skeleton.edges
    assert not skeleton.normalisers


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"names": ()}, "at least one"),
        ({"names": ("a", "b", "a")}, "'a' stands twice"),
        ({"names": ("a", "b"), "edges": ((0, 2),)}, "indices 0 to 1"),
        ({"names": ("a", "b"), "edges": ((-1, 0),)}, "indices 0 to 1"),
        ({"names": ("a", "b"), "parts": {"x": (5,)}}, "indices 0 to 1"),
        ({"names": ("a", "b"), "normalisers": {"x": ((0,), (2,))}}, "indices 0 to 1"),
        ({"names": ("a", "b", "c"), "flip": (1, 2, 0)}, "its own inverse"),
        ({"names": ("a", "b"), "flip": (0, 0)}, "permutation"),
        ({"names": ("a", "b"), "flip": (0,)}, "permutation"),
        ({"names": ("a", "b"), "sigmas": (0.1,)}, "1 sigmas for 2 points"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        Skeleton(**wrong)


def test_it_cannot_be_changed(wing):
    with pytest.raises(AttributeError):
        wing.names = ("x",)
