import json
from dataclasses import replace

import numpy as np
import pytest

from cairn.formats import write
from cairn.images import find_images
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


@pytest.fixture
def labels(tmp_path):
    """Twenty kites, one of them with a point outside its picture."""
    data = draw_kites(20)
    points = data.landmarks.points.copy()
    points[4, 0] = [-40, 10]
    folder = write_pictures(tmp_path / "specimens", 20)
    data = replace(data, images=find_images(folder), landmarks=replace(data.landmarks, points=points))
    write(data, folder / "points.csv")
    return folder / "points.csv"


def test_findings_are_printed_and_the_exit_code_is_0(cairn, labels):
    result = cairn("check", labels)
    assert result.code == 0, result.err
    assert "Points outside their picture" in result.out
    assert "kite004.png" in result.out
    assert str(labels.parent) not in result.out  # names without the folder that all are in


def test_strict_makes_errors_the_exit_code(cairn, labels):
    assert cairn("check", labels, "--strict", "--quiet").code == 1


def test_json_and_page(cairn, labels, tmp_path):
    result = cairn("check", labels, "--json", "-", "--html", "check.html")
    said = json.loads(result.out)
    (one,) = (f for f in said["findings"] if f["kind"] == "outside_picture")
    assert (one["object"], one["pictures"]) == (4, ["kite004.png"])
    assert "kite004.png" in (tmp_path / "check.html").read_text()


@pytest.mark.parametrize(
    "wrong", [("nowhere.csv",), ("specimens/points.csv", "--html", "a.pdf"), ("specimens/points.csv", "--split", "x")]
)
def test_what_cannot_be_used_is_one_sentence(cairn, labels, wrong):
    result = cairn("check", *wrong)
    assert result.code == 2
    assert result.err.count("\n") == 1


def test_a_folder_that_is_not_there_is_said_before_any_work(cairn, labels):
    result = cairn("check", labels, "--html", "nowhere/check.html")
    assert result.code == 2
    assert "make it first" in result.err


def test_nothing_is_said_of_good_labels(cairn, tmp_path):
    folder = write_pictures(tmp_path / "good", 20)
    write(replace(draw_kites(20), images=find_images(folder)), folder / "points.csv")
    result = cairn("check", folder / "points.csv", "--strict", "--json", "-")
    kinds = json.loads(result.out)["severities"]
    assert kinds["error"] == 0
    assert np.isclose(kinds["warning"], 0)
