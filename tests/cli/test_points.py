import csv
import json

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from cairn.formats import write
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


@pytest.fixture
def blobs(tmp_path):
    rows, group = make_blobs(300, centers=3, n_features=4, cluster_std=0.7, random_state=2)
    np.savez(tmp_path / "blobs.npz", X=rows, y=group)
    return tmp_path / "blobs.npz"


def lines(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_embed_writes_picture_page_table_and_figures(cairn, blobs, tmp_path):
    result = cairn("embed", blobs, "--landmarks", 40)
    assert result.code == 0, result.err
    assert "trustworthiness" in result.out
    folder = tmp_path / "blobs-map"
    assert {p.name for p in folder.iterdir()} == {"scatter.png", "index.html", "rows.csv", "figures.json"}
    rows = lines(folder / "rows.csv")
    assert len(rows) == 300
    assert sum(row["landmark"] == "1" for row in rows) == 40
    assert {row["y"] for row in rows} == {"0", "1", "2"}
    assert json.loads((folder / "figures.json").read_text())["figures"]["neighbours with the same label"] > 0.9


def test_cluster_finds_the_groups_and_counts_them(cairn, blobs, tmp_path):
    result = cairn("cluster", blobs, "--json", "--out", "here")
    found = json.loads(result.out)
    assert found["figures"]["clusters"] == 3
    assert found["figures"]["NMI"] == pytest.approx(1)
    assert [row["landmarks"] for row in found["by_landmarks"]] == [37, 75, 150]
    rows = lines(tmp_path / "here" / "rows.csv")
    assert len({(row["cluster"], row["y"]) for row in rows}) == 3


def test_json_alone_writes_nothing(cairn, blobs, tmp_path):
    before = set(tmp_path.iterdir())
    assert json.loads(cairn("embed", blobs, "--json", "--once").out)["by_landmarks"] == []
    assert set(tmp_path.iterdir()) == before


def test_labels_of_pictures_are_embedded_as_shapes(cairn, tmp_path):
    from dataclasses import replace

    from cairn.images import find_images

    folder = write_pictures(tmp_path / "kites", 12)
    write(replace(draw_kites(12), images=find_images(folder)), folder / "points.csv")
    found = cairn("embed", folder / "points.csv", "--json", "--out", "map")
    assert found.code == 0, found.err
    assert json.loads(found.out)["kind"] == "shapes"
    assert "data:image/png" in (tmp_path / "map" / "index.html").read_text()


@pytest.mark.parametrize("command", ["embed", "cluster"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.npy",), "there is no such file"),
        (("blobs.npz", "--method", "best"), "--method best: choose one of"),
        (("blobs.npz", "--label", "z"), "has no array 'z'"),
        (("blobs.npz", "--landmarks", "500"), "--landmarks 500: expected 1 to 300|n_landmarks=500"),
        (("blobs.npz", "--out", "blobs.npz"), "is a file; expected a folder"),
    ],
)
def test_refusals_are_one_sentence_and_exit_code_2(cairn, blobs, command, arguments, message):
    import re

    result = cairn(command, *arguments)
    assert result.code == 2
    assert re.search(message, result.err)
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("command", ["embed", "cluster"])
def test_help_has_an_example(cairn, command):
    assert f"Example: cairn {command} " in cairn(command, "--help").out
