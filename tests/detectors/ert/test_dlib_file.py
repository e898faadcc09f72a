"""dlib's files: known bytes, dlib itself where it is installed, and files that lie."""

from __future__ import annotations

import bz2
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cairn.detectors.ert.cascade import Cascade
from cairn.detectors.ert.dlib_file import read_dlib, write_dlib
from cairn.errors import InputError

# One point at (1/2, -3), one stage of one tree with one node, and two pixels; written by hand. dlib scales mantissas
# to 24 bits and drops zero bytes: 1/2 is 0x800000 * 2^-24, so 0x80 * 2^-8.
ONE = bytes.fromhex(
    "0101"  # version
    "8102 8101"  # 2 x 1, negative as dlib writes it
    "0180 8108"  # 1/2
    "81c0 8106"  # -3
    "0101 0101 0101"  # a stage, of a tree, of a node
    "0101 0100 028080 8108"  # pixel 1 against pixel 0, threshold 257 / 2
    "0102"  # two leaves
    "8102 8101 0100 0128 81f0 8108"  # 0 (dlib writes 0 * 2^40) and -15/16
    "8102 8101 0180 8105 030100c0 8117"  # 4 and 0xc00001 * 2^-23
    "0101 0102 0100 0100"  # both pixels are seen from point 0
    "0101 0102 0100 0128 0100 0128 0180 8109 8180 8109"  # at (0, 0) and (1/4, -1/4)
)


def random_cascade(seed: int, *, points: int = 5, stages: int = 3, trees: int = 8, depth: int = 3, pixels: int = 20):
    """Trees that look at pixels in and around the box, and move the points by a few hundredths of it."""
    rng = np.random.default_rng(seed)
    nodes = 2**depth - 1
    return Cascade(
        mean=rng.uniform(0.1, 0.9, (points, 2)),
        anchors=rng.integers(0, points, (stages, pixels)),
        offsets=rng.normal(0, 0.2, (stages, pixels, 2)),
        first=rng.integers(0, pixels, (stages, trees, nodes)),
        second=rng.integers(0, pixels, (stages, trees, nodes)),
        thresholds=rng.normal(0, 40, (stages, trees, nodes)),
        leaves=rng.normal(0, 0.02, (stages, trees, nodes + 1, 2 * points)),
    )


def predict_as_published(cascade: Cascade, grey: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """(K, 2) px: Kazemi & Sullivan 2014 with dlib's conventions, a step a line; the similarity is Umeyama's (1991)."""
    low, side = np.array(box[:2]), np.array(box[2:]) - box[:2]
    height, width = grey.shape
    shape, moves = cascade.mean.copy(), cascade.moves().reshape(*cascade.leaves.shape[:3], -1, 2)
    for s in range(cascade.n_stages):
        turn = np.eye(2, dtype=np.float32)
        if len(shape) > 1:
            a, b = cascade.mean.astype(float), shape.astype(float)
            a, b = (a - a.mean(axis=0)) @ [1, 1j], (b - b.mean(axis=0)) @ [1, 1j]
            z = (a.conj() @ b) / (a.conj() @ a)
            turn = np.array([[z.real, -z.imag], [z.imag, z.real]], np.float32)
        seen = cascade.offsets[s] @ turn.T + shape[cascade.anchors[s]]
        x, y = np.floor(seen.astype(float) * side + low + 0.5).astype(int).T
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        values = np.where(inside, grey[y.clip(0, height - 1), x.clip(0, width - 1)], 0).astype(np.float32)
        for t in range(cascade.n_trees):
            node = 0
            while node < cascade.first.shape[2]:
                left = values[cascade.first[s, t, node]] - values[cascade.second[s, t, node]]
                node = 2 * node + (1 if left > cascade.thresholds[s, t, node] else 2)
            shape = shape + moves[s, t, node - cascade.first.shape[2]]
    return shape.astype(float) * side + low


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_dlib(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_known_bytes_are_read_and_written(tmp_path):
    path = tmp_path / "one.dat"
    path.write_bytes(ONE)
    cascade = read_dlib(path)
    np.testing.assert_array_equal(cascade.mean, [[0.5, -3]])
    assert (cascade.first.item(), cascade.second.item(), cascade.thresholds.item()) == (1, 0, 128.5)
    np.testing.assert_array_equal(cascade.leaves[0, 0], [[0, -15 / 16], [4, 0xC00001 / 2**23]])
    np.testing.assert_array_equal(cascade.anchors, [[0, 0]])
    np.testing.assert_array_equal(cascade.offsets[0], [[0, 0], [0.25, -0.25]])
    write_dlib(cascade, tmp_path / "again.dat")
    assert (tmp_path / "again.dat").read_bytes() == ONE


def test_positive_dimensions_of_old_files_are_read(tmp_path):
    path = tmp_path / "old.dat"
    path.write_bytes(ONE.replace(bytes.fromhex("81028101"), bytes.fromhex("01020101")))
    np.testing.assert_array_equal(read_dlib(path).mean, [[0.5, -3]])


def test_a_number_may_be_written_in_other_ways(tmp_path):
    path = tmp_path / "x.dat"
    for half in ("0101 8101", "0120 8106", "020001 8109", "0800000000000000 20 813e"):
        path.write_bytes(ONE.replace(bytes.fromhex("01808108"), bytes.fromhex(half), 1))
        np.testing.assert_array_equal(read_dlib(path).mean, [[0.5, -3]])


def test_a_file_packed_by_bzip2_is_read_as_it_is(tmp_path):
    path = tmp_path / "one.dat.bz2"
    path.write_bytes(bz2.compress(ONE))
    np.testing.assert_array_equal(read_dlib(path).mean, [[0.5, -3]])
    assert "ends in the middle" in refused(path, bz2.compress(ONE)[:-5])


def test_every_finite_number_survives(tmp_path):
    numbers = np.random.default_rng(0).integers(0, 2**32, 4000, np.uint32).view(np.float32)
    special = np.array([0, 1, -1, 256, 65536, 2**-149, -(2**-149), 2**-126, np.finfo(np.float32).max], np.float32)
    numbers = np.concatenate([special, numbers[np.isfinite(numbers)]])
    thresholds = np.resize(numbers, (1, len(numbers), 1))
    zero = np.zeros_like(thresholds)
    leaves = np.zeros((1, len(numbers), 2, 2))
    cascade = Cascade(np.zeros((1, 2)), np.zeros((1, 1)), np.zeros((1, 1, 2)), zero, zero, thresholds, leaves)
    write_dlib(cascade, tmp_path / "x.dat")
    np.testing.assert_array_equal(read_dlib(tmp_path / "x.dat").thresholds.ravel(), numbers)


@pytest.mark.parametrize(
    "shape", [{}, {"points": 1}, {"points": 200, "pixels": 700}, {"depth": 1}, {"stages": 1, "trees": 1}]
)
def test_what_is_written_is_read_again(tmp_path, shape):
    cascade = random_cascade(1, **shape)
    write_dlib(cascade, tmp_path / "x.dat")
    read = read_dlib(tmp_path / "x.dat")
    for name, array in cascade.to_arrays().items():
        np.testing.assert_array_equal(read.to_arrays()[name], array, err_msg=name)


def test_leaves_that_are_stored_small_are_written_in_full(tmp_path):
    rng = np.random.default_rng(2)
    full = random_cascade(2)
    small = Cascade(
        **{**full.to_arrays(), "leaves": rng.integers(-127, 128, (*full.leaves.shape[:3], 3))},
        scales=rng.uniform(1e-4, 1e-3, (3, 3)),
        basis=rng.normal(0, 1, (3, 10)),
    )
    write_dlib(small, tmp_path / "x.dat")
    read = read_dlib(tmp_path / "x.dat")
    assert read.scales is None
    assert read.basis is None
    np.testing.assert_array_equal(read.leaves, small.moves())


def test_a_file_cut_anywhere_is_refused(tmp_path):
    for end in range(len(ONE)):
        refused(tmp_path / "x.dat", ONE[:end])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ends in the middle"),
        (b"<!DOCTYPE html><html>", "no dlib shape predictor"),
        (b"\x01\x02" + ONE[2:], "says version 2"),
        (ONE.replace(bytes.fromhex("81028101"), bytes.fromhex("81038101"), 1), "matrix of 3 x 1"),
        (ONE.replace(bytes.fromhex("81028101"), bytes.fromhex("81028102"), 1), "matrix of 2 x 2"),
        (ONE.replace(bytes.fromhex("030100c08117"), bytes.fromhex("030100c002007d")), "infinite or none"),
        (ONE.replace(bytes.fromhex("030100c08117"), bytes.fromhex("030100c001ff")), "infinite or none"),
        (ONE.replace(bytes.fromhex("01010100028080"), bytes.fromhex("01030100028080")), "looks at pixel 3"),
        (ONE.replace(bytes.fromhex("0101010201000100"), bytes.fromhex("0101010201010100")), "a point that is not one"),
        (ONE.replace(bytes.fromhex("0101010101010101"), bytes.fromhex("0101010101020101")), "2 nodes in a tree"),
        (ONE.replace(bytes.fromhex("010281028101"), bytes.fromhex("010381028101")), "another size"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, data, says):
    assert says in refused(tmp_path / "x.dat", data)


@pytest.mark.parametrize("what", ["stages", "trees", "nodes"])
def test_an_announced_size_costs_no_memory(tmp_path, what):
    """Each count in turn is 2^60, or as many nodes as are allowed, in a file of a few bytes."""
    huge = b"\x08" + (2**60).to_bytes(8, "little")
    parts = {"stages": b"\x01\x01", "trees": b"\x01\x01", "nodes": b"\x01\x01"}
    parts[what] = b"\x02\xff\x7f" if what == "nodes" else huge
    head = ONE.index(bytes.fromhex("010101010101"), 8)
    data = ONE[:head] + b"".join(parts.values()) + ONE[head + 6 :]
    read_dlib_once(tmp_path)
    tracemalloc.start()
    refused(tmp_path / "x.dat", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def read_dlib_once(folder: Path) -> None:
    """Compile the kernels, which takes memory of its own."""
    (folder / "one.dat").write_bytes(ONE)
    read_dlib(folder / "one.dat")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_refused_in_one_sentence_or_gives_trees(tmp_path, data):
    path = tmp_path / "x.dat"
    write_dlib(random_cascade(3, points=2, stages=2, trees=2, depth=2, pixels=4), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        assert isinstance(read_dlib(path), Cascade)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017 - most, not all, damage is seen


def test_a_folder_and_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="a folder"):
        read_dlib(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_dlib(tmp_path / "none.dat")


def test_a_threshold_that_is_none_is_not_written(tmp_path):
    cascade = random_cascade(0)
    cascade.thresholds[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="threshold"):
        write_dlib(cascade, tmp_path / "x.dat")
    assert not (tmp_path / "x.dat").exists()


@pytest.fixture(scope="module")
def trained_by_dlib(tmp_path_factory) -> Path:
    """A predictor that dlib trained on bright quadrangles."""
    dlib = pytest.importorskip("dlib")
    rng = np.random.default_rng(0)
    pictures, objects = [], []
    for _ in range(12):
        picture, box, corners = drawing(rng)
        pictures.append(picture)
        parts = [dlib.point(*map(int, p)) for p in np.round(corners)]
        objects.append([dlib.full_object_detection(dlib.rectangle(*box), parts)])
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.tree_depth = 4, 30, 3
    options.feature_pool_size, options.num_threads, options.nu = 60, 1, 0.3
    path = tmp_path_factory.mktemp("dlib") / "tiny.dat"
    dlib.train_shape_predictor(pictures, objects, options).save(str(path))
    return path


def drawing(rng: np.random.Generator) -> tuple[np.ndarray, list[int], np.ndarray]:
    """(H, W, 3) noise with a quadrangle; its box, which may stick out; its corners."""
    import cv2

    picture = rng.integers(0, 80, (90, 110, 3)).astype(np.uint8)
    corners = (
        np.array([[0, 0], [40, 0], [40, 40], [0, 40]]) + rng.uniform([-10, -10], [80, 60]) + rng.normal(0, 4, (4, 2))
    )
    cv2.fillConvexPoly(picture, np.round(corners).astype(np.int32), (200, 220, 160))
    box = np.round([*corners.min(axis=0), *corners.max(axis=0)]).astype(int)
    return picture, box.tolist(), corners


def dlib_points(predictor, picture: np.ndarray, box: list[int]) -> np.ndarray:
    import dlib

    return np.array([(p.x, p.y) for p in predictor(picture, dlib.rectangle(*box)).parts()])


def test_dlibs_own_file_is_written_again_byte_for_byte(trained_by_dlib, tmp_path):
    write_dlib(read_dlib(trained_by_dlib), tmp_path / "again.dat")
    assert (tmp_path / "again.dat").read_bytes() == trained_by_dlib.read_bytes()


def test_trees_from_dlib_find_what_dlib_finds(trained_by_dlib):
    dlib = pytest.importorskip("dlib")
    theirs, ours = dlib.shape_predictor(str(trained_by_dlib)), read_dlib(trained_by_dlib)
    rng = np.random.default_rng(1)
    for _ in range(40):
        picture, box, _ = drawing(rng)
        grey = picture.sum(axis=2, dtype=np.int64) // 3
        points = predict_as_published(ours, grey, box)
        np.testing.assert_array_equal(np.floor(points + 0.5), dlib_points(theirs, picture, box))


@pytest.mark.parametrize("points", [1, 2, 30])
def test_dlib_reads_what_is_written_and_finds_the_same(tmp_path, points):
    dlib = pytest.importorskip("dlib")
    rng = np.random.default_rng(4)
    for seed in range(8):
        cascade = random_cascade(seed, points=points)
        write_dlib(cascade, tmp_path / "x.dat")
        predictor = dlib.shape_predictor(str(tmp_path / "x.dat"))
        picture, box, _ = drawing(rng)
        found = predict_as_published(cascade, picture.sum(axis=2, dtype=np.int64) // 3, box)
        np.testing.assert_array_equal(np.floor(found + 0.5), dlib_points(predictor, picture, box))
