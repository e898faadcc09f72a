from dataclasses import replace

import numpy as np
import pytest

from cairn.formats import read, write
from cairn.images import find_images
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


@pytest.fixture
def labels(tmp_path):
    """Ten kites of five subjects."""
    folder = write_pictures(tmp_path / "specimens", 10)
    subject = np.array([f"s{i // 2}" for i in range(10)])
    write(replace(draw_kites(10), images=find_images(folder), subject=subject), folder / "points.csv")
    return folder / "points.csv"


def test_a_file_says_the_split_of_each_picture(cairn, labels):
    result = cairn("split", labels, "--out", "specimens/split.csv", "--test", "0.2", "--by", "subject")
    assert result.code == 0, result.err
    assert "test: 2 pictures, 2 objects" in result.out
    made = read(labels.parent / "split.csv")
    assert len(set(made.subject[made.split == "test"])) == 1


def test_a_folder_gets_a_file_for_each_split(cairn, labels, tmp_path):
    result = cairn("split", labels, "--out", "specimens/parts", "--test", "0.2", "--val", "0.2")
    assert result.code == 0, result.err
    assert sorted(p.name for p in (tmp_path / "specimens/parts").iterdir()) == ["test.json", "train.json", "val.json"]
    assert len(read(tmp_path / "specimens/parts").of_split("train")) == 6


def test_blocks_of_time(cairn, labels):
    result = cairn("split", labels, "--out", "specimens/film.csv", "--test", "0.3", "--block", "1")
    assert result.code == 0, result.err
    assert "in 1 block of time" in result.out


@pytest.mark.parametrize(
    "wrong",
    [
        ("--out", "a.tps"),
        ("--out", "a.csv", "--by", "plate"),
        ("--out", "a.csv", "--test", "1.5"),
        ("--out", "a.csv", "--block", "3", "--by", "subject"),
        ("--out", "specimens/points.csv"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(cairn, labels, wrong):
    result = cairn("split", labels, *wrong)
    assert result.code == 2
    assert result.err.count("\n") == 1


def test_evaluating_a_leaky_split_is_refused_unless_asked_for(cairn, labels, kite_model):
    data = read(labels)
    write(replace(data, split=np.array(["train", "test"] * 5)), labels.parent / "leaky.csv")
    refused = cairn("evaluate", kite_model, "specimens/leaky.csv", "--split", "test")
    assert refused.code == 2
    assert "subject s0 (and 4 more) is in test and in train" in refused.err
    assert cairn("evaluate", kite_model, "specimens/leaky.csv", "--split", "test", "--allow-leakage").code == 0


def test_that_splits_are_replaced_is_said(cairn, labels):
    first = cairn("split", labels, "--out", "specimens/first.csv")
    assert "has splits already" not in first.err
    again = cairn("split", "specimens/first.csv", "--out", "specimens/again.csv", "--seed", "1")
    assert again.code == 0, again.err
    assert "first.csv has splits already (test, train); these are replaced" in again.err
