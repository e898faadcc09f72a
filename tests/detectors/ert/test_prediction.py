"""A cascade small enough to be walked by hand."""

import numpy as np
import pytest

from cairn.detectors.ert.cascade import Cascade
from cairn.detectors.ert.prediction import program, read_at, run_many

# One stage, one tree, one split: is the pixel a quarter of the box to the left of the point brighter by more than 50
# than the one a quarter to the right of it? Then the point moves by (0.1, 0), otherwise by (0, -0.2).
ONE = {
    "mean": [[0.5, 0.5]],
    "anchors": [[0, 0]],
    "offsets": [[[-0.25, 0], [0.25, 0]]],
    "first": [[[0]]],
    "second": [[[1]]],
    "thresholds": [[[50.0]]],
    "leaves": [[[[0.1, 0.0], [0.0, -0.2]]]],
}
PLACE = np.array([[[20.0, 0, 0], [0, 20, 0]]])  # the box has 20 px on each side


def run(cascade, patch, place=PLACE, turned=False):
    shapes = cascade.mean[None].copy()
    run_many(patch[None], np.array([0]), place, turned, shapes, program(cascade))
    return shapes[0]


def halves(left, right):
    patch = np.full((21, 21), right, np.uint8)
    patch[:, :10] = left
    return patch


def test_brighter_on_the_left_goes_left():
    assert np.allclose(run(Cascade(**ONE), halves(100, 20)), [[0.6, 0.5]])


def test_a_difference_that_is_the_threshold_goes_right():
    assert np.allclose(run(Cascade(**ONE), halves(70, 20)), [[0.5, 0.3]])
    assert np.allclose(run(Cascade(**ONE), halves(71, 20)), [[0.6, 0.5]])


def test_int8_leaves_are_multiples_of_their_scales_along_the_basis():
    small = Cascade(**{**ONE, "leaves": [[[[2], [-3]]]]}, scales=[[0.5]], basis=[[0.1, 0.2]])
    assert np.allclose(run(small, halves(100, 0)), [[0.5 + 0.1, 0.5 + 0.2]])
    assert np.allclose(run(small, halves(0, 0)), [[0.5 - 0.15, 0.5 - 0.3]])
    assert np.allclose(small.moves()[0, 0], [[0.1, 0.2], [-0.15, -0.3]])


def test_trees_of_a_stage_add_up_and_the_next_stage_sees_where_they_led():
    twice = Cascade(
        mean=ONE["mean"],
        anchors=np.repeat(ONE["anchors"], 2, 0),
        offsets=np.repeat(ONE["offsets"], 2, 0),
        **{k: np.tile(ONE[k], (2, 3, *[1] * (np.ndim(ONE[k]) - 2))) for k in ("first", "second", "thresholds")},
        leaves=np.tile(ONE["leaves"], (2, 3, 1, 1)),
    )
    # Three trees move it to 0.8; from there both pixels lie in the right half, and three trees move it up by 0.6.
    assert np.allclose(run(twice, halves(100, 0)), [[0.8, -0.1]], atol=1e-6)


def test_offsets_turn_with_the_shape():
    # Two points a quarter turn away from the mean: what was to the left of the point now lies above it.
    mean = np.array([[0.5, 0.5], [0.75, 0.5]], np.float32)
    turned = np.array([[[0.5, 0.5], [0.5, 0.75]]], np.float32)
    patch = np.zeros((21, 21), np.uint8)
    patch[5, 10], patch[10, 5] = 200, 50
    offset = np.array([[-0.25, 0]], np.float32)
    at = lambda shapes: read_at(patch[None], np.array([0]), PLACE, shapes, mean, np.zeros(1, np.uint16), offset)  # noqa: E731
    assert at(mean[None])[0, 0] == 50
    assert at(turned)[0, 0] == 200


def test_turned_leaves_move_along_the_shape():
    mean = [[0.5, 0.5], [0.75, 0.5]]
    leaves = np.tile([0.1, 0.0, 0.1, 0.0], (1, 1, 2, 1))
    cascade = Cascade(**{**ONE, "mean": mean, "leaves": leaves})
    start = np.array([[[0.5, 0.5], [0.5, 0.75]]], np.float32)
    upright, along = start.copy(), start.copy()
    patch = np.zeros((21, 21), np.uint8)
    run_many(patch[None], np.array([0]), PLACE, False, upright, program(cascade))
    run_many(patch[None], np.array([0]), PLACE, True, along, program(cascade))
    assert np.allclose(upright[0] - start[0], [0.1, 0])
    assert np.allclose(along[0] - start[0], [0, 0.1], atol=1e-6)


def test_a_deep_tree_agrees_with_a_walk_in_python():
    rng = np.random.default_rng(0)
    k, pixels, trees, depth, stages = 5, 30, 7, 4, 3
    nodes = 2**depth - 1
    cascade = Cascade(
        mean=rng.random((k, 2)),
        anchors=rng.integers(0, k, (stages, pixels)),
        offsets=rng.normal(0, 0.2, (stages, pixels, 2)),
        first=rng.integers(0, pixels, (stages, trees, nodes)),
        second=rng.integers(0, pixels, (stages, trees, nodes)),
        thresholds=rng.integers(-40, 40, (stages, trees, nodes)) + 0.5,
        leaves=rng.normal(0, 0.02, (stages, trees, nodes + 1, 2 * k)),
    )
    patch = rng.integers(0, 256, (60, 60)).astype(np.uint8)
    place = np.array([[[40.0, 0, 10], [0, 40, 10]]])
    shape = cascade.mean.copy()
    for s in range(stages):
        values = read_at(
            patch[None], np.array([0]), place, shape[None], cascade.mean, cascade.anchors[s], cascade.offsets[s]
        )[0].astype(int)
        move = np.zeros(2 * k)
        for t in range(trees):
            node = 0
            while node < nodes:
                left = values[cascade.first[s, t, node]] - values[cascade.second[s, t, node]]
                node = 2 * node + (1 if left > cascade.thresholds[s, t, node] else 2)
            move += cascade.leaves[s, t, node - nodes]
        shape = (shape + move.reshape(k, 2)).astype(np.float32)
    assert np.allclose(run(cascade, patch, place), shape, atol=1e-5)


def test_arrays_that_would_read_outside_each_other_are_refused():
    with pytest.raises(ValueError, match="first holds 2"):
        Cascade(**{**ONE, "first": [[[2]]]})
    with pytest.raises(ValueError, match="anchors holds 1"):
        Cascade(**{**ONE, "anchors": [[0, 1]]})
    with pytest.raises(ValueError, match="leaves has shape"):
        Cascade(**{**ONE, "leaves": [[[[0.1, 0.0]]]]})
    with pytest.raises(ValueError, match="not a number"):
        Cascade(**{**ONE, "leaves": [[[[np.nan, 0.0], [0, 0]]]]})
    with pytest.raises(ValueError, match="missing"):
        Cascade.from_arrays({"mean": np.zeros((1, 2))})


def test_arrays_there_and_back():
    cascade = Cascade(**ONE)
    again = Cascade.from_arrays(cascade.to_arrays())
    assert all(np.array_equal(a, again.to_arrays()[name]) for name, a in cascade.to_arrays().items())
