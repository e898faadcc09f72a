import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from cairn.errors import InputError
from cairn.explore import read_rows
from cairn.explore.text_table import read_text_table


def table(tmp_path, text, **settings):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding=settings.pop("encoding", "utf-8"))
    return read_rows(path, **settings)


def test_a_spreadsheet_with_semicolons_and_decimal_commas(tmp_path):
    found = table(tmp_path, "Länge;Breite;Art\n1,5;2;Möwe\n2,5;3,25;Möwe\n-1e2;4;Star\n", label="Art")
    assert_array_equal(found.rows, [[1.5, 2], [2.5, 3.25], [-100, 4]])
    assert list(found.label) == ["Möwe", "Möwe", "Star"]
    assert found.remarks == ("commas in numbers are taken for decimal points: Länge, Breite",)


def test_decimal_commas_without_a_line_of_names(tmp_path):
    assert_array_equal(table(tmp_path, "1,5;2,5\n3,5;4,5\n5,5;6,5\n").rows, [[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]])


def test_rows_and_a_label_without_a_line_of_names_lose_no_row(tmp_path):
    path = tmp_path / "iris.data"
    path.write_text("5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,versicolor\n")
    found = read_rows(path, label="column 3")
    assert_array_equal(found.rows, [[5.1, 3.5], [4.9, 3.0], [7.0, 3.2]])
    assert list(found.label) == ["setosa", "setosa", "versicolor"]


def test_years_can_be_names_of_columns(tmp_path):
    found = table(tmp_path, "country,1990,1991\nAT,1,2\nCH,3,4\nDE,5,7\n", format="table")
    assert found.columns == ("1990", "1991")
    assert list(found.names) == ["AT", "CH", "DE"]


def test_what_looks_like_labels_but_is_a_table_is_told_how_to_say_so(tmp_path):
    with pytest.raises(InputError, match="if these are no labels but a table, say --format table"):
        table(tmp_path, "country,1990,1991\nAT,1,2\nCH,3,4\nDE,5,7\n")


def test_y_beside_x_is_a_coordinate_and_alone_a_label(tmp_path):
    assert table(tmp_path, "x,y,z\n1,2,3\n3,4,5\n5,7,9\n").columns == ("x", "y", "z")
    assert table(tmp_path, "a,y\n1,2\n3,4\n5,7\n").label_name == "y"


def test_numbers_with_underscores_are_names(tmp_path):
    found = table(tmp_path, "id,x,y\n1_1,1,2\n1_2,3,4\n11,5,7\n")
    assert found.columns == ("x", "y")
    assert list(found.names) == ["1_1", "1_2", "11"]


def test_a_column_that_ends_empty_is_left_out_and_that_is_said(tmp_path):
    found = table(tmp_path, "a,b,\n1,2,\n3,4,\n5,7,\n")
    assert found.columns == ("a", "b")
    assert found.remarks == ("columns without a number are left out: column 3",)


def test_labels_that_are_long_numbers_stay_apart(tmp_path):
    found = table(tmp_path, "x,label\n1,1234567\n2,1234568\n3,0.5\n")
    assert list(found.label) == ["1234567", "1234568", "0.5"]


@pytest.mark.parametrize("empty", ["", "NA", "nan", "#N/A", "?"])
def test_a_hole_does_not_make_words_of_a_column(empty, tmp_path):
    with pytest.raises(InputError, match=r"1 of 3 rows have numbers that are missing.*row 2, column 'b'"):
        table(tmp_path, f"a,b\n1,2\n3,{empty}\n5,6\n")


def test_the_line_of_a_fault_is_the_line_of_the_file(tmp_path):
    with pytest.raises(InputError, match="line 6: has 1 cells; expected 2"):
        table(tmp_path, 'a,b\n\n"x\ny",1\n2,3\n4\n')


def test_other_encodings_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(InputError, match="save it as UTF-8"):
        table(tmp_path, "Länge\n1\n2\n3\n", encoding="cp1252")


def test_a_word_after_many_numbers_keeps_the_numbers_as_words(tmp_path, monkeypatch):
    monkeypatch.setattr("cairn.explore.text_table.BLOCK", 4)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i:03d},{i}\n" for i in range(20)) + "x,20\n")
    columns, said = read_text_table(path)
    assert list(columns["a"]) == [f"{i:03d}" for i in range(20)] + ["x"]
    assert_array_equal(columns["b"], np.arange(21))
    assert said == ()


def test_memory_is_that_of_the_numbers_not_of_their_text(tmp_path):
    path = tmp_path / "t.csv"
    rows = np.random.default_rng(0).normal(size=(20_000, 8))
    np.savetxt(path, rows, delimiter=",", header=",".join("abcdefgh"), comments="")
    tracemalloc.start()
    try:
        found = read_rows(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert_array_equal(found.rows, rows)
    assert peak < 3 * rows.nbytes
