import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cairn.errors import InputError
from cairn.explore import read_rows
from cairn.formats import write
from tests.conftest import draw_kites

ROWS = np.random.default_rng(0).normal(size=(12, 3))


def csv(path, text):
    path.write_text(text)
    return path


def test_numbers_labels_and_names_of_a_csv(tmp_path):
    table = read_rows(csv(tmp_path / "t.csv", "id,x,y_mm,species\na,1,2,cat\nb,3,4,dog\nc,5,6.5,cat\n"))
    assert_array_equal(table.rows, [[1, 2], [3, 4], [5, 6.5]])
    assert table.columns == ("x", "y_mm")
    assert list(table.names) == ["a", "b", "c"]
    assert table.label_name == "species"
    assert list(table.label) == ["cat", "dog", "cat"]
    assert table.remarks == ("columns of words are left out: id",)


def test_a_csv_without_a_line_of_names(tmp_path):
    assert read_rows(csv(tmp_path / "t.csv", "1;2\n3;4\n5;6\n")).rows.shape == (3, 2)


def test_columns_can_be_chosen_and_standardised(tmp_path):
    path = csv(tmp_path / "t.csv", "a,b,c\n1,10,5\n2,20,5\n3,30,5\n")
    table = read_rows(path, columns=["c", "b"], standardise=True)
    assert table.columns == ("c", "b")
    assert_allclose(table.rows.mean(axis=0), 0, atol=1e-12)
    assert_allclose(table.rows.std(axis=0), [0, 1])


def test_npy_npz_and_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    np.save(tmp_path / "rows.npy", ROWS.astype(np.float32))
    assert read_rows(tmp_path / "rows.npy").rows.dtype == np.float32
    np.savez(tmp_path / "rows.npz", X=ROWS, y=np.arange(12) % 2, other=np.zeros((3, 3)))
    table = read_rows(tmp_path / "rows.npz")
    assert_array_equal(table.rows, ROWS)
    assert set(table.label) == {"0", "1"}
    vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(ROWS.ravel()), 3)
    write_table(pyarrow.table({"v": vectors, "class": ["p", "q"] * 6}), tmp_path / "rows.parquet")
    table = read_rows(tmp_path / "rows.parquet")
    assert_array_equal(table.rows, ROWS)
    assert table.columns == ("v_0", "v_1", "v_2")
    assert set(table.label) == {"p", "q"}


def test_labelled_pictures_become_shapes_without_place_and_size(tmp_path):
    import cv2

    data = draw_kites(8)
    for image in data.images:
        cv2.imwrite(str(tmp_path / image.source.path), image.pixels[..., ::-1])
    write(data, tmp_path / "kites.csv")
    table = read_rows(tmp_path / "kites.csv")
    assert table.kind == "shapes"
    assert table.rows.shape == (8, 8)
    assert table.columns[:2] == ("top_x", "top_y")
    shapes = table.rows.reshape(8, 4, 2)
    assert_allclose(shapes.mean(axis=1), 0, atol=1e-9)
    assert_allclose((shapes**2).sum(axis=(1, 2)), 1)
    assert max(table.thumbnail(0, 50).shape) == 50
    assert read_rows(tmp_path / "kites.csv", format="table").kind == "rows"


def test_objects_without_all_points_are_left_out_and_that_is_said(tmp_path):
    import cv2

    data = draw_kites(8)
    for image in data.images:
        cv2.imwrite(str(tmp_path / image.source.path), image.pixels[..., ::-1])
    data.landmarks.points[2, 1] = np.nan
    write(data, tmp_path / "kites.csv")
    table = read_rows(tmp_path / "kites.csv")
    assert len(table) == 7
    assert table.remarks == ("1 of 8 objects lack points and are left out",)
    assert "kite002.png" not in table.names


def test_a_column_of_pictures_gives_thumbnails_and_a_bad_picture_none(tmp_path, picture):
    path = csv(tmp_path / "t.csv", f"image,x\n{picture.name},1\nnone.png,2\n{picture.name},4\n")
    table = read_rows(path, format="table")
    assert table.thumbnail(0, 40).shape == (33, 40, 3)
    assert table.thumbnail(1, 40) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a line of names|is empty"),
        ("a,b\n1,2\n3\n", "t.csv, line 3: has 1 cells; expected 2"),
        (
            "a,b\n1,2\n3,\n5,6\n",
            "1 of 3 rows have numbers that are missing or not finite, the first in row 2, column 'b'",
        ),
        ("a,a\n1,2\n3,4\n", "two columns are called 'a'"),
        ("name\nx\ny\nz\n", "no column holds numbers alone"),
        ("a\n1\n2\n", "has 2 rows; at least 3 are needed"),
    ],
)
def test_bad_tables_are_refused_in_one_sentence(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read_rows(csv(tmp_path / "t.csv", text))


def test_what_is_not_there_is_refused(tmp_path):
    path = csv(tmp_path / "t.csv", "a,b\n1,2\n3,4\n5,6\n")
    with pytest.raises(InputError, match="has no column 'z'; it has a, b"):
        read_rows(path, label="z")
    with pytest.raises(InputError, match="there is no such file"):
        read_rows(tmp_path / "none.csv")
    np.savez(tmp_path / "two.npz", a=ROWS, b=ROWS)
    with pytest.raises(InputError, match="expected an array X, or one of two dimensions; found a, b"):
        read_rows(tmp_path / "two.npz")
    np.save(tmp_path / "line.npy", ROWS[0])
    with pytest.raises(InputError, match="expected numbers in rows and columns"):
        read_rows(tmp_path / "line.npy")
