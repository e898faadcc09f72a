"""Trees from files that other people made."""

import math

import pytest

from cairn.errors import InputError
from cairn.formats.document import coordinate, load_json, load_xml


def put(folder, content, name="labels"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_json_is_what_it_says(tmp_path):
    found = load_json(put(tmp_path, '\ufeff{"a": [1, 2.5, NaN, null], "a": "twice"}'))
    assert found == {"a": "twice"}
    assert math.isnan(load_json(put(tmp_path, "[NaN]"))[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a":\n[1,', r"labels, line 2: not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 900 + "]" * 899, "not valid JSON|nested too deeply"),
        ("9" * 5000, "not valid JSON"),
        (b"\0\1\2", "not a text file"),
        ("", "the file is empty"),
    ],
)
def test_damaged_json_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        load_json(put(tmp_path, content))


def test_xml_is_a_tree(tmp_path):
    root = load_xml(put(tmp_path, "<?xml version='1.0'?><?xml-stylesheet href='a.xsl'?><a b='1'><c>t&amp;u</c></a>"))
    assert (root.tag, root.get("b"), root[0].text) == ("a", "1", "t&u")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_survive_an_encoding_that_is_declared_wrongly(tmp_path, encoding):
    text = "<?xml version='1.0' encoding='ISO-8859-1'?><a n='Müller.jpg'/>"
    assert load_xml(put(tmp_path, text.encode(encoding))).get("n") == "Müller.jpg"


LAUGHS = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LAUGHS, "document type or entities"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type or entities"),
        ("<a>&undefined;</a>", "not valid XML"),
        ("<a>" * 200 + "</a>" * 200, "nested too deeply"),
        ("<a>\n<b>", r"labels, line 2: not valid XML"),
        ("<a></b>", r"mismatched tag"),
        ("plain", r"not valid XML"),
        (b"<a>\0</a>", "not a text file"),
    ],
)
def test_damaged_or_hostile_xml_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        load_xml(put(tmp_path, content))


def test_more_parts_than_a_label_file_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("cairn.formats.document.MAX_PARTS", 3)
    with pytest.raises(InputError, match="more than 3 parts"):
        load_json(put(tmp_path, "[[], [], []]"))
    with pytest.raises(InputError, match="more than 3 parts"):
        load_xml(put(tmp_path, "<a><b/><b/><b/></a>"))


def test_numbers_are_bounded():
    assert coordinate(3, "here") == 3.0
    assert math.isnan(coordinate(None, "here"))
    assert math.isnan(coordinate(math.nan, "here"))
    for wrong in ("3", True, [1], {}):
        with pytest.raises(InputError, match=r"here: .* is not a number"):
            coordinate(wrong, "here")
    for wrong in (10**400, 1e8, math.inf, -math.inf):
        with pytest.raises(InputError, match="here: a number beyond"):
            coordinate(wrong, "here")
