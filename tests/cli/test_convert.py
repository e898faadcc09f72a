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
