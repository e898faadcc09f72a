import json

from cairn.formats import FORMATS


def test_every_format_is_listed(cairn):
    result = cairn("formats")
    assert result.code == 0
    assert all(name in result.out for name in FORMATS)
    assert [r["name"] for r in json.loads(cairn("formats", "--json").out)] == list(FORMATS)
