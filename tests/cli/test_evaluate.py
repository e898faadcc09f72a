import json

import cv2
import pytest

from cairn.formats import write
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


@pytest.fixture
def labels(tmp_path):
    from dataclasses import replace

    from cairn.images import find_images

    how = {"share": 0.85, "wander": 0.6, "seed": 5}
    folder = write_pictures(tmp_path / "specimens", 8, **how)
    write(replace(draw_kites(8, **how), images=find_images(folder)), folder / "points.csv")
    return folder / "points.csv"


def test_scores_are_printed_and_written(cairn, kite_model, labels, tmp_path):
    result = cairn("evaluate", kite_model, labels, "--json", "scores.json")
    assert result.code == 0, result.err
    assert "nme" in result.out
    report = json.loads((tmp_path / "scores.json").read_text())
    assert set(report) == {"model", "data", "n", "scores", "seconds_per_item"}
    assert report["n"] == 8
    keys = {"metric", "normaliser", "boxes", "split", "unit", "n", "value", "low", "high"}
    assert all(set(s) == keys for s in report["scores"])
    metrics = {s["metric"] for s in report["scores"]}
    assert {"nme", "mre", "failure", "auc"} <= metrics
    assert {s["boxes"] for s in report["scores"]} == {"given"}


def test_json_can_go_to_standard_output(cairn, kite_model, labels):
    assert json.loads(cairn("evaluate", kite_model, labels, "--json", "-").out)["n"] == 8


def test_boxes_can_be_found(cairn, kite_model, labels):
    report = json.loads(cairn("evaluate", kite_model, labels, "--boxes", "found", "--json", "-").out)
    assert {s["boxes"] for s in report["scores"]} == {"found"}
    assert "recall" in {s["metric"] for s in report["scores"]}


def test_the_worst_cases_are_a_picture(cairn, kite_model, labels, tmp_path):
    result = cairn("evaluate", kite_model, labels, "--worst", "worst.png", "--points")
    assert result.code == 0, result.err
    assert cv2.imread(str(tmp_path / "worst.png")) is not None
    assert "bottom" in result.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--boxes", "other"), "choose given or found"),
        (("--split", "test"), "no split 'test'"),
        (("--json", "nowhere/a.json"), "no folder nowhere"),
        (("--worst", "worst.gif"), ".png or .jpg"),
    ],
)
def test_options_that_cannot_be_are_one_sentence(cairn, kite_model, labels, options, said):
    result = cairn("evaluate", kite_model, labels, *options)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


def test_data_with_other_points_is_refused(cairn, kite_model, tmp_path):
    (tmp_path / "p.csv").write_text("image,nose_x,nose_y\nkite.png,3,4\n")
    import numpy as np

    cv2.imwrite(str(tmp_path / "kite.png"), np.zeros((20, 20, 3), np.uint8))
    result = cairn("evaluate", kite_model, "p.csv")
    assert result.code == 2
    assert result.err.count("\n") == 1


def test_a_page_is_written_for_people(cairn, kite_model, labels, tmp_path):
    result = cairn("evaluate", kite_model, labels, "--html", "report.html")
    assert result.code == 0, result.err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "kites on points.csv" in page
    assert f"cairn evaluate {kite_model} {labels}" in page
    assert "data:image/jpeg" in page


def test_several_models_are_compared_on_the_same_pictures(cairn, kite_model, labels, tmp_path):
    other = tmp_path / "other.cairn"
    other.write_bytes(kite_model.read_bytes())
    result = cairn("evaluate", kite_model, other, labels, "--html", "both.html", "--json", "both.json")
    assert result.code == 0, result.err
    assert "unclear" in result.out
    both = json.loads((tmp_path / "both.json").read_text())
    assert [r["n"] for r in both["reports"]] == [8, 8]
    assert {d["value"] for d in both["differences"]} == {0}
    page = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert "Which is better than kites" in page
    assert "other minus kites" in page


@pytest.mark.parametrize(
    ("models", "options", "said"),
    [(1, ("--html", "page.txt"), "end the name in .html"), (7, ("--html", "a.html"), "at most 6"),
     (2, ("--worst", "a.png"), "--html")],
)  # fmt: skip
def test_what_no_page_can_show_is_one_sentence(cairn, kite_model, labels, models, options, said):
    result = cairn("evaluate", *[kite_model] * models, labels, *options)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1
