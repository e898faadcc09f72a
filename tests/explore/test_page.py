import re

import numpy as np
import pytest

from cairn.explore import Table, cluster, embed
from cairn.explore.page import page
from cairn.explore.picture import curve_picture, group_names, scatter_picture
from cairn.images import Image
from tests.conftest import draw_kites

ROWS = np.random.default_rng(0).normal(size=(60, 4)) + np.repeat([[0], [9]], 30, axis=0)
LABEL = np.repeat(["<a>", "b"], 30)


@pytest.fixture
def pictured():
    images = draw_kites(4).images
    pictures = [(images[i % 4], np.array([10.0, 10, 60, 60])) for i in range(60)]
    return Table("kites & co", ROWS, tuple("abcd"), [f"row {i}" for i in range(60)], LABEL, "kind", pictures)


def decoded(png):
    import cv2

    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def test_the_picture_shows_groups_landmarks_and_thumbnails(pictured):
    answer = embed(pictured, landmarks=20, compare=False)
    with_pictures = decoded(scatter_picture(answer))
    assert with_pictures.shape[0] > 500
    bare = Table("kites", ROWS, tuple("abcd"), pictured.names, LABEL, "kind")
    without = decoded(scatter_picture(embed(bare, landmarks=20, compare=False)))
    assert (with_pictures != without).any(axis=2).mean() > 0.02
    blue = np.abs(without.astype(int) - [0xAA, 0x77, 0x44]).max(axis=2) < 40  # the first group's colour, BGR
    assert blue.sum() > 100


def test_a_row_whose_picture_is_gone_is_drawn_as_a_dot(tmp_path):
    from cairn.images import Source

    pictures = [(Source(str(tmp_path / "none.png")), None)] * 60
    table = Table("t", ROWS, tuple("abcd"), ["x"] * 60, pictures=pictures)
    assert decoded(scatter_picture(embed(table, compare=False))) is not None


def test_one_coordinate_is_drawn_on_a_line(pictured):
    assert decoded(scatter_picture(embed(pictured, components=1, compare=False))) is not None


def test_the_page_needs_nothing_from_outside_and_escapes_what_it_shows(pictured):
    answer = cluster(pictured, clusters=2)
    html = page(answer, scatter_picture(answer), "cairn cluster <x>")
    assert not re.findall(r"(?:src|href)=\"(?!data:)", html)
    assert "http" not in html
    assert "kites &amp; co" in html
    assert "&lt;a&gt; (100%)" in html
    assert "<a>" not in html
    assert "cairn cluster &lt;x&gt;" in html
    assert html.count("data:image/png") == 2
    assert html.count("data:image/jpeg") == 20
    assert "NMI" in html


def test_colours_are_those_of_clusters_before_those_of_labels(pictured):
    assert group_names(embed(pictured, compare=False))[1] == ["<a>", "b"]
    assert group_names(cluster(pictured, clusters=2, compare=False))[1] == ["group 0", "group 1"]
    assert curve_picture(cluster(pictured, clusters=2, compare=False)) is None
    assert isinstance(pictured.pictures[0][0], Image)


def test_on_a_phone_tables_move_sideways_and_the_page_does_not(pictured):
    html = page(cluster(pictured, clusters=2, landmarks=20), b"")
    assert html.count("<table>") == html.count('<div class="scroll"><table>') == 3
    assert ".scroll { overflow-x: auto }" in html
