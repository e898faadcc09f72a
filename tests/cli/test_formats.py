import json

from cairn.formats import FORMATS


def test_every_format_is_listed(cairn):
    result = cairn("formats")
    assert result.code == 0
    assert all(name in result.out for name in FORMATS)
    assert [r["name"] for r in json.loads(cairn("formats", "--json").out)] == list(FORMATS)


def test_formats_that_were_held_against_nothing_are_said_to_be_unverified(cairn):
    lines = {line.split()[0]: line for line in cairn("formats").out.splitlines()}
    assert "held against dlib" in lines["imglab"]
    for name, module in FORMATS.items():
        assert ("[unverified]" in lines[name]) == (not getattr(module, "VERIFIED", ""))
    rows = {r["name"]: r for r in json.loads(cairn("formats", "--json").out)}
    assert rows["imglab"]["verified"] == "dlib"


def test_words_are_for_people_and_not_for_a_page(cairn):
    assert "``" not in cairn("formats").out
