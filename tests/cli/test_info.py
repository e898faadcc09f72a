import json

from cairn.recipes import train
from tests.conftest import draw_kites


def test_the_card_says_data_score_and_licence(cairn, tmp_path):
    model = train(draw_kites(40, share=0.85, wander=0.6, licence="CC0"), recipe="mean", quiet=True, name="kites")
    model.save(tmp_path / "m.cairn")
    result = cairn("info", "m.cairn")
    assert result.code == 0, result.err
    for said in ("kites", "40 objects", "nme", "of width", "licence: data", "CC0", "Apache-2.0"):
        assert said in result.out
    card = json.loads(cairn("info", "m.cairn", "--json").out)
    assert card["data"]["objects"] == 40
    assert card["skeleton"]["names"][0] == "top"


def test_a_model_without_a_card_is_no_error(cairn, kite_model):
    assert cairn("info", kite_model).code == 0


def test_the_bundled_models_say_research_only(cairn):
    for name in ("face68", "face68-ert", "face68-small"):
        assert "non-commercial" in " ".join(cairn("info", name).out.split())


def test_what_is_no_model_is_one_sentence(cairn, tmp_path):
    (tmp_path / "m.cairn").write_text("hello")
    result = cairn("info", "m.cairn")
    assert result.code == 2
    assert "not a whole cairn model file" in result.err
    assert result.err.count("\n") == 1


def test_a_card_of_another_form_is_shown_as_far_as_it_goes(cairn, kite_model, tmp_path):
    from dataclasses import replace

    from cairn.model_file import load

    card = {"name": 3, "scores": [1, {"metric": "nme", "value": "low"}], "floor": {}, "data": [], "licences": "CC0"}
    replace(load(kite_model), card=card).save(tmp_path / "odd.cairn")
    result = cairn("info", "odd.cairn")
    assert result.code == 0, result.err
    assert "nme" in result.out
