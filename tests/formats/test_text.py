"""Tables as the programs of people write them."""

import numpy as np
import pytest

from cairn.errors import InputError
from cairn.formats import read, sniff

POINTS = [[[3.5, 4.25], [7, 8]], [[1.5, 6], [np.nan, np.nan]]]


@pytest.mark.parametrize(
    ("encoding", "table"),
    [
        ("utf-8-sig", "image;n_x;n_y;m_x;m_y\r\na.png;3,5;4,25;7;8\r\nb.png;1,5;6;;\r\n"),
        ("utf-8", "sep=;\r\nimage;n_x;n_y;m_x;m_y\r\na.png;3,5;4,25;7;8\r\nb.png;1,5;6;;\r\n"),
        ("utf-16", "image\tn_x\tn_y\tm_x\tm_y\r\na.png\t3,5\t4,25\t7\t8\r\nb.png\t1,5\t6\t\t\r\n"),
        ("utf-16", "image\tn_x\tn_y\tm_x\tm_y\r\na.png\t3.5\t4.25\t7\t8\r\nb.png\t1.5\t6\t\t\r\n"),
        ("utf-8", "image;n_x;n_y;m_x;m_y\na.png;3.5;4.25;7;8\nb.png;1.5;6;;\n"),
        (
            "utf-8",
            "scorer;A;A;A;A\nbodyparts;n;n;m;m\ncoords;x;y;x;y\na.png;3,5;4,25;7;8\nb.png;1,5;6;;\n",
        ),
        ("utf-8", "image;point;x;y\na.png;n;3,5;4,25\na.png;m;7;8\nb.png;n;1,5;6\n"),
    ],
)
def test_a_table_that_excel_saved_is_read(folder, encoding, table):
    path = folder / "points.csv"
    path.write_bytes(table.encode(encoding))
    data = read(path)
    assert data.skeleton.names == ("n", "m")
    assert np.array_equal(data.landmarks.points, POINTS, equal_nan=True)


@pytest.mark.parametrize("cells", ["1,234;5", "1,234;5.5", "1,5;2.5"])
def test_a_comma_that_may_be_one_of_thousands_is_not_taken_for_a_decimal_point(folder, cells):
    path = folder / "points.csv"
    path.write_text(f"image;n_x;n_y\na.png;{cells}\n")
    with pytest.raises(InputError, match=r"line 2: '.*' is not a number; .* with a decimal point and not a comma"):
        read(path)


def test_lines_are_counted_as_in_the_file_that_begins_with_sep(folder):
    path = folder / "points.csv"
    path.write_text("sep=;\nimage;n_x;n_y\na.png;1;x\n")
    with pytest.raises(InputError, match="line 3: 'x' is not a number"):
        read(path)


def test_labels_of_other_kinds_may_be_unicode_text_too(folder):
    path = folder / "points.tps"
    path.write_bytes("LM=1\r\n1 2\r\nIMAGE=a.png\r\n".encode("utf-16"))
    assert sniff(path) == "tps"
    assert read(path).landmarks.points.tolist() == [[[1, 27]]]


def test_half_a_character_of_unicode_text_is_one_sentence(folder):
    path = folder / "points.csv"
    path.write_bytes("image,n_x,n_y\na.png,1,2".encode("utf-16") + b"\x00\xd8")
    with pytest.raises(InputError, match="copy it again"):
        read(path)
