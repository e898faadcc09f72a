"""Models for other tools; the command line is tested in tests/cli/test_import_model.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cairn
from cairn.calibration.confidence import Calibration
from cairn.detectors.ert.detector import Ert
from cairn.detectors.ert.dlib_file import read_dlib, write_dlib
from cairn.detectors.whole_image import WholeImage
from cairn.errors import InputError
from cairn.model import Model
from tests.conftest import KITE, draw_kites


@pytest.fixture(scope="module")
def trees() -> Ert:
    """A few small trees that know kites somewhat."""
    how = {"depth": 3, "stages": 3, "trees": 30, "pixels": 60, "oversampling": 4, "shrinkage": 0.3}
    return Ert(**how, mirrored=False, size=48).fit(draw_kites(20, share=0.5))


def test_trees_of_our_own_are_read_by_our_own_reader_with_leaves_in_full(trees, tmp_path):
    cairn.export_model(Model(trees, KITE), tmp_path / "kite.dat")
    back = read_dlib(tmp_path / "kite.dat")
    np.testing.assert_array_equal(back.leaves, trees.cascade_.moves())
    np.testing.assert_array_equal(back.first, trees.cascade_.first)


def test_what_dlib_cannot_hold_is_said(trees, tmp_path):
    model = Model(replace_settings(trees, turned=True, starts=3, second=0.1), KITE, WholeImage())
    found = model.predict(list(draw_kites(6).images), list(draw_kites(6).boxes))
    model = replace(model, calibration=Calibration.fit(found, draw_kites(6).landmarks))
    said = " | ".join(cairn.export_model(model, tmp_path / "kite.dat"))
    for what in ("finder", "calibration", "confidence", "turn with the shape", "several boxes", "second look", "names"):
        assert what in said, what
    plain = Model(replace_settings(trees, second=0.0), KITE)
    said = " | ".join(cairn.export_model(plain, tmp_path / "kite.dat"))
    for what in ("finder", "calibration", "turn with the shape", "several boxes", "second look"):
        assert what not in said, what


def replace_settings(trees: Ert, **settings) -> Ert:
    state = trees.state()
    return Ert.from_state(replace(state, settings={**state.settings, **settings}))


def test_dlib_finds_what_our_trees_find_in_the_same_pixels(trees, tmp_path):
    """Our compiled loop on a grey picture instead of a patch, in a box inside of it: dlib rounds the same points."""
    dlib = pytest.importorskip("dlib")
    from cairn.detectors.ert.prediction import program, run_many

    cairn.export_model(Model(trees, KITE), tmp_path / "kite.dat")
    theirs = dlib.shape_predictor(str(tmp_path / "kite.dat"))
    rng = np.random.default_rng(5)
    for image in draw_kites(10, size=(150, 140), seed=5).images:
        grey = image.rgb()[..., 0].copy()
        low, side = rng.integers(30, 60, 2), rng.integers(30, 50, 2)
        place = np.hstack([np.diag(side), low[:, None]]).astype(float)
        shapes = trees.cascade_.mean[None].copy()
        run_many(grey[None], np.array([0]), place[None], trees.turned, shapes, program(trees.cascade_))
        parts = theirs(grey, dlib.rectangle(*map(int, low), *map(int, low + side))).parts()
        assert np.abs(shapes[0] * side + low - [(p.x, p.y) for p in parts]).max() <= 0.501


def test_a_skeleton_can_be_given(trees, tmp_path):
    write_dlib(read_back(trees, tmp_path), tmp_path / "x.dat")
    assert cairn.import_model(tmp_path / "x.dat", points=KITE).skeleton.names == KITE.names
    with pytest.raises(InputError, match="4 points"):
        cairn.import_model(tmp_path / "x.dat", points=cairn.Skeleton(("a", "b")))


def read_back(trees: Ert, folder):
    cairn.export_model(Model(trees, KITE), folder / "kite.dat")
    return read_dlib(folder / "kite.dat")


def test_no_box_lies_tight_around_a_line(tmp_path):
    from cairn.detectors.ert.cascade import Cascade

    zeros = np.zeros((1, 1, 1))
    line = Cascade(
        np.array([[0, 0.5], [1, 0.5]]), zeros[0], np.zeros((1, 1, 2)), zeros, zeros, zeros, np.zeros((1, 1, 2, 4))
    )
    write_dlib(line, tmp_path / "line.dat")
    with pytest.raises(InputError, match="no width or no height"):
        cairn.import_model(tmp_path / "line.dat", tight=True)
