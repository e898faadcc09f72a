"""A dlib predictor becomes a model, works, and goes back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cairn.detectors.ert.cascade import Cascade
from cairn.detectors.ert.dlib_file import write_dlib
from cairn.model import Model
from cairn.model_file import read_model
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


def trees(points: int, seed: int = 0) -> Cascade:
    rng = np.random.default_rng(seed)
    return Cascade(
        mean=rng.uniform(0.1, 0.9, (points, 2)),
        anchors=rng.integers(0, points, (2, 9)),
        offsets=rng.normal(0, 0.2, (2, 9, 2)),
        first=rng.integers(0, 9, (2, 3, 3)),
        second=rng.integers(0, 9, (2, 3, 3)),
        thresholds=rng.normal(0, 40, (2, 3, 3)),
        leaves=rng.normal(0, 0.02, (2, 3, 4, 2 * points)),
    )


@pytest.fixture
def predictor(tmp_path):
    """A dlib file of five points."""
    write_dlib(trees(5), tmp_path / "five.dat")
    return tmp_path / "five.dat"


def test_an_imported_model_finds_points_in_given_boxes_and_says_that_it_has_no_finder(cairn, predictor, tmp_path):
    result = cairn("import-model", predictor, "--out", "five.cairn")
    assert result.code == 0, result.err
    assert "5 points" in result.out
    assert "no finder" in result.out
    write_pictures(tmp_path / "pictures", 2)
    found = cairn("detect", "pictures", "--model", "five.cairn", "--boxes", "20,20,90,80", "--json")
    assert found.code == 0, found.err
    assert [len(a["keypoints"]) for a in json.loads(found.out)["annotations"]] == [15, 15]
    refused = cairn("detect", "pictures", "--model", "five.cairn")
    assert refused.code == 2
    assert "no finder" in refused.err


def test_five_points_are_numbered_and_68_are_a_face(cairn, predictor, tmp_path):
    cairn("import-model", predictor, "--out", "five.cairn")
    assert read_model(tmp_path / "five.cairn").skeleton.names == ("p0", "p1", "p2", "p3", "p4")
    write_dlib(trees(68), tmp_path / "face.dat")
    assert "face68" in cairn("import-model", "face.dat", "--out", "face.cairn").out
    assert read_model(tmp_path / "face.cairn").skeleton.normalisers


def test_the_card_says_where_it_came_from(cairn, predictor, tmp_path):
    cairn("import-model", predictor, "--out", "five.cairn", "--licence", "CC0-1.0")
    card = read_model(tmp_path / "five.cairn").card
    assert card["imported"]["file"] == "five.dat"
    assert card["licences"]["weights"] == "CC0-1.0"
    printed = cairn("info", "five.cairn").out
    assert "CC0-1.0" in printed
    assert "from dlib: five.dat" in printed


def test_a_finder_is_borrowed_from_a_model_of_the_same_points(cairn, predictor, kite_model, tmp_path):
    write_dlib(trees(4), tmp_path / "kite.dat")
    cairn("import-model", "kite.dat", "--out", "plain.cairn")
    same = Model(read_model(kite_model).detector, read_model(tmp_path / "plain.cairn").skeleton)
    same.save(tmp_path / "no-finder.cairn")
    assert (
        "has no finder to lend"
        in cairn("import-model", "kite.dat", "--out", "x.cairn", "--finder", "no-finder.cairn").err
    )
    assert "not the 4 of kite.dat" in cairn("import-model", "kite.dat", "--out", "x.cairn", "--finder", kite_model).err
    assert not (tmp_path / "x.cairn").exists()
    write_dlib(trees(68), tmp_path / "face.dat")
    assert cairn("import-model", "face.dat", "--out", "face.cairn", "--finder", "face68").code == 0
    face = read_model(tmp_path / "face.cairn")
    assert face.finder is not None
    assert face.detector.tight
    assert cairn("import-model", "face.dat", "--out", "f.cairn", "--finder", "face68", "--boxes", "dlib").code == 0
    assert not read_model(tmp_path / "f.cairn").detector.tight


def test_there_and_back_gives_the_same_bytes(cairn, predictor, tmp_path):
    cairn("import-model", predictor, "--out", "five.cairn")
    result = cairn("export-model", "five.cairn", "--to", "dlib", "--out", "again.dat")
    assert result.code == 0, result.err
    assert (tmp_path / "again.dat").read_bytes() == predictor.read_bytes()
    assert "lost: confidence" in result.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import-model", "none.dat", "--out", "x.cairn"], "none.dat: no such file"),
        (["import-model", "five.dat", "--out", "x.model"], "end in .cairn"),
        (["import-model", "five.dat", "--out", "x.cairn", "--scheme", "face68"], "5 points"),
        (["import-model", "five.dat", "--out", "x.cairn", "--scheme", "face69"], "no scheme 'face69'"),
        (["import-model", "five.dat", "--out", "x.cairn", "--boxes", "loose"], "choose one of auto, dlib, tight"),
        (["import-model", "five.dat", "--out", "x.cairn", "--nudge", "2"], "nudge 2"),
        (["export-model", "kites.cairn", "--out", "x.dat"], "regression trees only and this model is a MeanShape"),
        (["export-model", "kites.cairn", "--out", "x.onnx"], "only heatmap networks"),
        (["export-model", "kites.cairn", "--out", "x.xml"], "--to dlib or --to onnx"),
        (["export-model", "kites.cairn", "--out", "x.dat", "--to", "caffe"], "no export to 'caffe'"),
    ],
)
def test_what_cannot_be_done_is_said(cairn, predictor, kite_model, tmp_path, arguments, says):
    result = cairn(*arguments)
    assert result.code == 2
    assert says in result.err
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("x.")]


def test_a_network_becomes_a_graph_with_its_recipe(cairn, tmp_path):
    """Cut by the recipe in the JSON and run by ONNX Runtime alone, it finds what the model finds."""
    import onnxruntime

    from cairn.detectors.crop import crop

    result = cairn("export-model", "face68-small", "--out", "face.onnx")
    assert result.code == 0, result.err
    assert "lost: the finder" in result.err
    recipe = json.loads((tmp_path / "face.json").read_text())
    session = onnxruntime.InferenceSession(str(tmp_path / "face.onnx"))
    image = draw_kites(1).images[0]
    box = np.array([30.0, 25, 90, 80])
    size, side = recipe["square"]["size"], recipe["square"]["scale"] * (box[2:] - box[:2]).max()
    middle = (box[:2] + box[2:]) / 2
    matrix = np.hstack([np.eye(2) * size / side, ((size - 1) / 2 - middle * size / side)[:, None]])
    square = crop(image.rgb(), matrix, size)
    assert list(square[None].shape[1:]) == recipe["input"]["shape"][1:]
    (out,) = session.run(None, {session.get_inputs()[0].name: square[None]})
    points = (out[0, :, :2] + recipe["add_to_points"] - (size - 1) / 2) * side / size + middle
    from cairn.model_file import load

    detector = load("face68-small").detector
    assert not detector.mirrored
    np.testing.assert_allclose(points, detector.predict([image], [box[None]]).points[0], atol=1e-3)
