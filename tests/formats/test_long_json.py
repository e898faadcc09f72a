"""Lists handed over piece by piece, and the same answers as the parser of whole files gives."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.errors import InputError
from cairn.formats import long_json, read
from cairn.formats.document import load_json
from cairn.formats.long_json import load_lists
from tests.formats.conftest import save_blank

_value = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5) | st.integers(-(10**20), 10**20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(
    things=st.lists(_value, max_size=9),
    rest=st.dictionaries(st.text(max_size=3), _value),
    indent=st.sampled_from([None, 1]),
)
def test_pieces_put_together_are_the_whole(tmp_path_factory, things, rest, indent):
    path = tmp_path_factory.mktemp("long") / "a.json"
    document = {"first": 1, **rest, "things": things, "last": "]}"}
    path.write_text(json.dumps(document, indent=indent))
    found = []
    assert load_lists(path, {"things": found.extend}) == {**document, "things": []}
    assert found == things


def test_pieces_have_a_size(tmp_path, monkeypatch):
    monkeypatch.setattr(long_json, "PIECE", 4)
    (tmp_path / "a.json").write_text(json.dumps({"things": list(range(10))}))
    pieces = []
    load_lists(tmp_path / "a.json", {"things": pieces.append})
    assert pieces == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize(
    "text",
    ['{"things": [1, 2', '{"things": [1 2]}', '{"things": [1,]}', '{"things": [1]', '{"things" 1}', '{"a": 1} x', "{a}",
     '{"a": }', '{"a": "\\x"}', "[" * 100_000, '{"things": [' + "[" * 100_000, '{"a": ' + "1" * 9999 + "}", "nothing"],
)  # fmt: skip
def test_what_is_wrong_is_said_as_for_whole_files(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError) as whole:
        load_json(path)
    with pytest.raises(InputError) as pieces:
        load_lists(path, {"things": lambda piece: None})
    assert str(pieces.value).partition("(")[0] == str(whole.value).partition("(")[0]


def test_reading_coco_never_holds_the_whole_tree(tmp_path):
    save_blank(tmp_path / "a.png", 20, 30)
    one = {"image_id": 1, "keypoints": [1, 2, 2] * 17, "segmentation": [np.linspace(0, 1, 99).tolist()]}
    annotations = [one | {"id": i} for i in range(10_000)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images": [{"id": 1, "file_name": "a.png"}], "annotations": annotations}))
    tracemalloc.start()
    tree = json.loads(path.read_text())
    whole = tracemalloc.get_traced_memory()[0]
    del tree
    tracemalloc.reset_peak()
    data = read(path)
    most = tracemalloc.get_traced_memory()[1] - path.stat().st_size  # the text itself stands in memory
    tracemalloc.stop()
    assert len(data) == 10_000
    assert most < whole


def test_lists_of_numbers_under_a_key_can_be_dropped_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    things = [
        {"s": [[1.5, -2e3], [3]], "a": 1},
        {"s": {"size": [1, 2]}, "b": [{"s": []}, 'a "s": [1, 2] in a text']},
        {"a": [[1, 2], [3]], "s": []},
    ]
    path.write_text(json.dumps({"things": things}, indent=1))
    found = []
    load_lists(path, {"things": found.extend}, drop="s")
    assert found == [{"s": [], "a": 1}, things[1], things[2]]
    path.write_text('{"things": [{"s": [1,\n2,\n3], "a" 1}]}')
    with pytest.raises(InputError, match="line 3: not valid JSON"):
        load_lists(path, {"things": found.extend}, drop="s")
