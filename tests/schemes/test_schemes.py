"""Schemes are looked up by name, and a file's own words win over them."""

from dataclasses import replace

import pytest

from cairn.errors import InputError
from cairn.schemes import SCHEMES, complete, recognise, scheme
from cairn.skeleton import Skeleton


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_carries_its_own_name_and_source(name):
    assert scheme(name).name == name
    assert scheme(name).source


@pytest.mark.parametrize("name", SCHEMES)
def test_a_flip_swaps_right_and_left_in_every_name_and_maps_edges_to_edges(name):
    found = scheme(name)
    if found.flip is None:
        return
    swap = {"right": "left", "left": "right"}
    for i, j in enumerate(found.flip):
        for side, other in swap.items():
            if found.names[i].startswith(side):
                assert found.names[j] == other + found.names[i].removeprefix(side)
    edges = {frozenset(e) for e in found.edges}
    assert {frozenset((found.flip[a], found.flip[b])) for a, b in found.edges} == edges


def test_an_unknown_scheme_is_refused_with_the_list():
    with pytest.raises(InputError, match=r"no scheme 'face69'.*face68"):
        scheme("face69")


def test_68_points_without_names_are_the_300w_face():
    assert recognise(k=68).name == "face68"
    assert recognise([f"p{i}" for i in range(68)]).names == scheme("face68").names
    assert recognise([str(i) for i in range(1, 69)]).name == "face68"


def test_other_counts_without_names_are_not_guessed():
    assert recognise(k=19) is None
    assert recognise(k=12) is None
    assert recognise([f"p{i}" for i in range(14)]) is None


def test_names_that_only_look_like_counting_are_not_generic():
    names = [f"p{i}" for i in range(68)]
    names[3] = "p99"
    assert recognise(names) is None


def test_names_in_another_order_bring_the_flip_in_that_order():
    body = scheme("body14")
    names = list(reversed(body.names))
    found = recognise(names)
    assert found.names == tuple(names)
    for i, j in enumerate(found.flip):
        assert names[j] == body.names[body.flip[body.index(names[i])]]
    (hip,), (shoulder,) = found.normalisers["torso"]
    assert (names[hip], names[shoulder]) == ("left_hip", "right_shoulder")


def test_case_and_hyphens_of_names_do_not_matter_but_are_kept():
    names = [n.replace("_", "-").title() for n in scheme("body14").names]
    assert recognise(names).names == tuple(names)


def test_one_strange_name_and_nothing_is_added():
    names = [*scheme("body14").names[:-1], "hat"]
    assert recognise(names) is None
    own = Skeleton(names=tuple(names))
    assert complete(own) is own


def test_a_files_own_edges_stay_and_the_flip_is_added():
    body = scheme("body14")
    own = complete(Skeleton(names=body.names, edges=((0, 13),)))
    assert own.edges == ((0, 13),)
    assert own.flip == body.flip
    assert own.normalisers == body.normalisers


def test_completing_a_scheme_changes_nothing():
    for name in SCHEMES:
        assert complete(scheme(name)).equals(scheme(name))
    assert complete(replace(scheme("face68"), edges=())).equals(scheme("face68"))


def test_points_that_only_count_are_named_where_their_many_edges_are_a_schemes():
    face = scheme("face98")
    bare = Skeleton.anonymous(98)
    assert complete(replace(bare, edges=face.edges)).names == face.names
    assert complete(replace(bare, edges=tuple((b, a) for a, b in face.edges))).flip == face.flip
    for other in (replace(bare, edges=face.edges[:-1]), replace(bare, edges=scheme("face106").edges[:60]), bare):
        assert complete(other) is other
    hand = replace(Skeleton.anonymous(21), edges=scheme("hand21").edges)
    assert complete(hand) is hand
