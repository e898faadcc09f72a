import csv
import json

import numpy as np
import pytest

import cairn as library
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


@pytest.fixture
def labels(tmp_path):
    """Twenty kites as TPS beside their pictures."""
    write_pictures(tmp_path / "kites", 20)
    data = draw_kites(20)
    path = tmp_path / "kites" / "kites.tps"
    library.write(data, path)
    return path


def test_a_folder_with_a_picture_and_tables(cairn, labels, tmp_path):
    result = cairn("shape", labels, "--modes", 2, "--out", "out")
    assert result.code == 0, result.err
    assert result.err == ""
    found = {p.name for p in (tmp_path / "out").iterdir()}
    assert found == {"modes.png", "scores.csv", "aligned.csv", "mean.csv", "modes.csv", "shape.json"}
    assert (tmp_path / "out" / "modes.png").read_bytes()[:4] == b"\x89PNG"
    with (tmp_path / "out" / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["specimen"] for r in rows] == [f"kite{i:03d}.png" for i in range(20)]
    assert np.isfinite([float(r["mode2"]) for r in rows]).all()
    said = json.loads((tmp_path / "out" / "shape.json").read_text())
    assert (said["shapes"], said["points"], said["modes"]) == (20, 4, 2)
    assert "20 shapes of 4 points" in result.out


def test_json_alone_writes_no_file(cairn, labels, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    result = cairn("shape", labels, "--json")
    assert result.code == 0, result.err
    said = json.loads(result.out)
    assert 1 <= said["modes"] <= 3
    assert len(said["share"]) == said["modes"]
    assert sorted(tmp_path.rglob("*")) == before


def test_sizes_kept_are_in_pixels(cairn, labels):
    said = json.loads(cairn("shape", labels, "--rigid", "--modes", 1, "--json").out)
    assert not said["scale"]
    assert 0.1 < said["sd"][0] < 50


def test_three_labels_are_enough_to_start_and_that_is_said(cairn, tmp_path):
    write_pictures(tmp_path / "few", 3)
    library.write(draw_kites(3), tmp_path / "few" / "few.tps")
    result = cairn("shape", "few/few.tps", "--out", "out")
    assert result.code == 0
    assert result.err.startswith("cairn: 3 shapes show at most 2 of the 4 ways")
    assert result.err.count("\n") == 1
    assert (tmp_path / "out" / "modes.png").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--modes", 0), "expected 1 or more"),
        (("--modes", 40), "1 to 4 modes"),
        (("--scheme", "wings12"), "has 12 points; the data has 4"),
        (("--scheme", "wing"), "no scheme 'wing'"),
        (("--split", "test"), "no split 'test'"),
        (("--out", "kites/kites.tps"), "is a file"),
    ],
)
def test_refusals_are_one_sentence_and_write_nothing(cairn, labels, tmp_path, options, said):
    before = sorted(tmp_path.rglob("*"))
    result = cairn("shape", labels, "--out", "out", *options)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_one_label_is_refused(cairn, tmp_path):
    write_pictures(tmp_path / "one", 1)
    library.write(draw_kites(1), tmp_path / "one" / "one.tps")
    result = cairn("shape", "one/one.tps")
    assert result.code == 2
    assert "at least 2 are needed" in result.err


def test_several_objects_in_a_picture_have_names_of_their_own(cairn, tmp_path):
    write_pictures(tmp_path / "many", 4, each=2)
    library.write(draw_kites(4, each=2), tmp_path / "many" / "many.json")
    result = cairn("shape", "many/many.json", "--out", "out")
    assert result.code == 0, result.err
    with (tmp_path / "out" / "scores.csv").open() as file:
        names = [r["specimen"] for r in csv.DictReader(file)]
    assert names[:3] == ["kite000.png", "kite000.png#2", "kite001.png"]
    assert len(set(names)) == 8


def test_help_has_an_example(cairn):
    assert "cairn shape wings.tps --modes 3" in " ".join(cairn("shape", "--help").out.split())
