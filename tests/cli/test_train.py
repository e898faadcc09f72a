import numpy as np
import pytest

from cairn.formats import write
from cairn.model_file import load
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


@pytest.fixture
def labels(tmp_path):
    from dataclasses import replace

    from cairn.images import find_images

    how = {"share": 0.85, "wander": 0.6}
    folder = write_pictures(tmp_path / "specimens", 20, **how)
    data = replace(draw_kites(20, **how), images=find_images(folder))
    write(data, folder / "points.csv")
    return folder / "points.csv"


def test_training_writes_a_model_that_says_what_it_is(cairn, labels, tmp_path):
    result = cairn("train", labels, "--out", "m.cairn", "--recipe", "mean", "--seed", 4)
    assert result.code == 0, result.err
    assert "the picture is the box" in result.err
    assert "wrote m.cairn" in result.out
    card = load(tmp_path / "m.cairn").card
    assert (card["name"], card["seed"], card["data"]["name"]) == ("m", 4, "points.csv")


def test_the_licence_of_the_data_goes_into_the_model(cairn, labels, tmp_path):
    cairn("train", labels, "--out", "m.cairn", "--recipe", "mean", "--licence", "CC BY 4.0", "--quiet")
    assert load(tmp_path / "m.cairn").card["licences"]["data"] == "CC BY 4.0"
    assert "CC BY 4.0" in cairn("info", "m.cairn").out


def test_a_split_can_be_named(cairn, labels):
    result = cairn("train", labels, "--out", "m.cairn", "--recipe", "mean", "--split", "dev")
    assert result.code == 2
    assert "no split 'dev'" in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--minutes", -1), "-1 minutes"),
        (("--steps", 0), "0 steps"),
        (("--recipe", "forest"), "no recipe 'forest'"),
        (("--finder", "dog"), "no finder 'dog'"),
        (("--device", "toaster"), "no device 'toaster'"),
        (("--out", "m.zip"), "end in .cairn"),
        (("--out", "nowhere/m.cairn"), "no folder"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_read(cairn, options, said):
    out = () if "--out" in options else ("--out", "m.cairn")
    result = cairn("train", "no such data", *out, *options)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


def test_missing_data_is_one_sentence(cairn):
    result = cairn("train", "nowhere", "--out", "m.cairn", "--recipe", "mean")
    assert result.code == 2
    assert "nowhere" in result.err
    assert result.err.count("\n") == 1


def test_a_folder_with_the_training_of_other_data_is_not_continued(cairn, labels, tmp_path):
    base = ("train", labels, "--out", "m.cairn", "--recipe", "mean", "--folder", "run")
    assert cairn(*base).code == 0
    assert cairn(*base).code == 0
    lines = labels.read_text().splitlines()
    labels.write_text("\n".join(lines[:-1]) + "\n")
    result = cairn(*base)
    assert result.code == 2
    assert "run holds a training on other data" in result.err


def test_more_data_with_other_points_is_learnt_from_too(cairn, tmp_path):
    from dataclasses import replace

    from cairn.formats import write
    from cairn.images import find_images
    from cairn.landmarks import Landmarks
    from cairn.skeleton import Skeleton

    for name, seed in (("four", 0), ("three", 1)):
        data = draw_kites(12, seed=seed)
        folder = write_pictures(tmp_path / name, 12)
        data = replace(data, images=find_images(folder))
        if name == "three":
            marks = data.landmarks
            points = marks.points.mean(axis=1, keepdims=True)
            points = np.concatenate([points, marks.points[:, :2]], axis=1)
            skeleton = Skeleton(("middle", "top", "right"))
            data = replace(data, landmarks=Landmarks(skeleton, points, marks.boxes, marks.image_index))
        write(data, folder / "points.csv")
    result = cairn("train", "four/points.csv", "--also", "three/points.csv", "--out", "both.cairn", "--recipe", "mean")
    assert result.code == 0, result.err
    assert "points: 4 of four/points.csv, 5 in all sets together" in result.err
    card = cairn("info", "both.cairn").out
    assert "points.csv + points.csv" in card
    assert "middle" in card or "5 points" in card
