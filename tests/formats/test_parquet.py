"""Parquet, written by pandas and read by it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, same_points, several

pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")


def test_a_wide_table_of_pandas(folder):
    columns = {"image": ["a.png", "b.png"], "nose_x": [1, 2], "nose_y": [1.5, None], "sex": ["f", None]}
    pd.DataFrame(columns).to_parquet(folder / "t.parquet")
    assert sniff(folder / "t.parquet") == "parquet"
    found = read(folder / "t.parquet")
    assert found.landmarks.points[0].tolist() == [[1, 1.5]]
    assert np.isnan(found.landmarks.points[1]).all()
    assert found.columns["sex"].tolist() == ["f", ""]


def test_a_long_table_of_pandas(folder):
    columns = {"image": ["a.png"] * 2, "point": ["u", "v"], "x": [1.0, 3.0], "y": [2.0, 4.0]}
    pd.DataFrame(columns).to_parquet(folder / "t.parquet")
    assert read(folder / "t.parquet").landmarks.points.tolist() == [[[1, 2], [3, 4]]]


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "v", "w"))
    assert write(data, shared_folder / "t.parquet") == []
    same_points(read(shared_folder / "t.parquet"), data, atol=0)


def test_what_stands_beside_the_points_comes_back_and_has_types(folder):
    data = labelled(folder, np.arange(18.0).reshape(3, 3, 2), [0, 0, 2], names=("u", "v", "w"))
    marks = Landmarks(**{**data.landmarks.__dict__, "visibility": [[1, 2, 2]] * 3, "score": [0.5, 0.25, 1]})
    data = replace(data, landmarks=marks, columns={"sex": np.array(["f", "m", "f"]), "age": np.array([1, 2, 3])})
    assert write(data, folder / "t.parquet") == []
    assert read(folder / "t.parquet").equals(data)
    frame = pd.read_parquet(folder / "t.parquet")
    assert frame["u_x"].tolist()[0] == 0
    assert frame["u_x"].dtype == float
    assert frame["sex"].tolist() == ["f", "m", "", "f"]  # the third is the picture without an object


def test_what_is_wrong_is_refused(folder):
    path = folder / "t.parquet"
    pd.DataFrame({"image": ["a.png"], "n_x": [[1, 2]], "n_y": [1]}).to_parquet(path)
    with pytest.raises(InputError, match="the column 'n_x' holds list"):
        read(path)
    pd.DataFrame({"image": [], "n_x": [], "n_y": []}).to_parquet(path)
    with pytest.raises(InputError, match="is an empty table"):
        read(path)
    write(labelled(folder, np.ones((1, 1, 2)), [0]), path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        bad = bytearray(good)
        for at in rng.integers(4, len(bad), 8):
            bad[at] = rng.integers(256)
        path.write_bytes(bad[: rng.integers(5, len(bad))] if rng.random() < 0.3 else bad)
        try:
            read(path)
        except InputError:
            continue
    path.write_bytes(good[:-9])
    with pytest.raises(InputError, match="not a Parquet file that can be read"):
        read(path)


def test_without_pyarrow_one_sentence_says_what_to_install(folder, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'cairn-landmarks\[parquet\]'"):
        write(labelled(folder, np.ones((1, 1, 2)), [0]), folder / "t.parquet")
