import numpy as np
import pytest

from cairn.formats import read, write
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


@pytest.fixture
def labels(tmp_path):
    """A CSV table beside its pictures."""
    from dataclasses import replace

    from cairn.images import find_images

    data = draw_kites(3)
    folder = write_pictures(tmp_path / "specimens", 3)
    write(replace(data, images=find_images(folder)), folder / "points.csv")
    return folder / "points.csv"


def test_points_survive_any_conversion(cairn, labels, tmp_path):
    result = cairn("convert", labels, "specimens/points.json")
    assert result.code == 0, result.err
    assert "3 objects in 3 pictures, 4 points each" in result.out
    assert np.allclose(read(tmp_path / "specimens/points.json").landmarks.points, read(labels).landmarks.points)


def test_an_unknown_format_is_refused(cairn, labels):
    result = cairn("convert", labels, "points.xyz", "--to", "stone")
    assert result.code == 2
    assert "no format 'stone'; choose one of" in result.err


def test_a_missing_file_is_one_sentence(cairn):
    result = cairn("convert", "nowhere.tps", "a.json")
    assert result.code == 2
    assert "nowhere.tps" in result.err
    assert result.err.count("\n") == 1


def test_points_of_another_scheme_are_written_and_what_they_are_is_said(cairn, tmp_path):
    from cairn.dataset import Dataset
    from cairn.geometry import boxes
    from cairn.images import find_images
    from cairn.landmarks import Landmarks
    from cairn.schemes import scheme

    folder = write_pictures(tmp_path / "faces", 2)
    points = np.random.default_rng(0).uniform(10, 90, (2, 68, 2))
    faces = Landmarks(scheme("face68"), points, boxes.around(points), np.arange(2))
    write(Dataset(find_images(folder), faces), folder / "faces.json")
    result = cairn("convert", folder / "faces.json", folder / "five.json", "--scheme", "face5")
    assert result.code == 0, result.err
    assert "map: face68 to face5: 5 of 5 points are exact" in result.err
    five = read(folder / "five.json")
    assert five.skeleton.name == "face5"
    assert np.allclose(five.landmarks.points[:, 0], points[:, 36:42].mean(1), atol=1e-6)

    result = cairn("convert", folder / "faces.json", folder / "hand.json", "--scheme", "hand21")
    assert result.code == 2
    assert "nothing of hand21 is in face68" in result.err
    assert not (folder / "hand.json").exists()


@pytest.mark.parametrize("command", ["convert", "check", "split", "shape", "train", "evaluate"])
def test_pictures_may_lie_in_another_folder_than_the_labels(cairn, kite_model, tmp_path, command):
    from dataclasses import replace

    from cairn.images import find_images

    folder = write_pictures(tmp_path / "specimens", 20)
    write(replace(draw_kites(20), images=find_images(folder)), folder / "points.csv")
    (tmp_path / "labels").mkdir()
    labels = (folder / "points.csv").rename(tmp_path / "labels" / "points.csv")
    arguments = {
        "convert": (labels, "a.csv"),
        "split": (labels, "--out", "a.csv"),
        "train": (labels, "--out", "a.cairn", "--recipe", "mean", "--quiet"),
        "evaluate": (kite_model, labels),
    }.get(command, (labels,))
    assert "name its folder (--pictures" in cairn(command, *arguments).err
    result = cairn(command, *arguments, "--pictures", folder)
    assert result.code == 0, result.err
    result = cairn(command, *arguments, "--pictures", "nowhere")
    assert result.code == 2
    assert "nowhere: there is no such folder of pictures" in result.err


def test_the_file_that_is_read_is_not_written_over(cairn, labels):
    before = labels.read_bytes()
    result = cairn("convert", labels, labels)
    assert result.code == 2
    assert "is the file that is read; choose another name" in result.err
    assert labels.read_bytes() == before


def test_one_is_one(cairn, labels):
    lines = labels.read_text().splitlines()
    (labels.parent / "one.csv").write_text("\n".join(lines[:2]) + "\n")
    result = cairn("convert", labels.parent / "one.csv", labels.parent / "one.tps")
    assert "from 1 object in 1 picture, 4 points each" in result.out
