import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from cairn.report.comparison import Comparison, Difference
from cairn.report.figures import Report, Score

nan = float("nan")
NME = Score("nme", "inter_ocular", "given", "test", "percent", 554, 3.14159, 3.0, 3.3)
LONE = Score("recall", "", "found", "all", "share", 1, 1.0, nan, nan)
REPORT = Report("face68", "faces", 554, (NME, LONE), 0.0072)


def text(table, width=200):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def test_json_has_exactly_the_agreed_fields():
    data = REPORT.to_json()
    assert list(data) == ["model", "data", "n", "scores", "seconds_per_item"]
    assert data["scores"][0] == {
        "metric": "nme", "normaliser": "inter_ocular", "boxes": "given", "split": "test", "unit": "percent", "n": 554,
        "value": 3.14159, "low": 3.0, "high": 3.3,
    }  # fmt: skip


def test_what_is_not_known_is_null_and_the_json_is_strict():
    data = json.loads(json.dumps(replace(REPORT, seconds_per_item=nan).to_json(), allow_nan=False))
    assert data["scores"][1]["low"] is None
    assert data["seconds_per_item"] is None


def test_json_comes_back():
    again = Report.from_json(json.loads(json.dumps(REPORT.to_json())))
    assert again.to_json() == REPORT.to_json()
    assert np.isnan(again.scores[1].low)


def test_saving_leaves_the_file_whole_or_as_it_was(tmp_path):
    path = tmp_path / "report.json"
    REPORT.save(path)
    assert json.loads(path.read_text()) == REPORT.to_json()
    with pytest.raises(TypeError):
        replace(REPORT, model=object()).save(path)  # type: ignore[arg-type]
    assert json.loads(path.read_text()) == REPORT.to_json()
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_table_says_everything_that_a_figure_needs():
    said = text(REPORT.table())
    for word in ("nme", "inter_ocular", "given", "test", "554", "3.142", "3.3", "percent", "7.2 ms", "recall"):
        assert word in said


def test_no_word_is_broken_in_a_terminal_of_80_columns():
    wide = Score(
        "rank_correlation", "confidence with error", "given", "test", "per picture", 554, -0.4534, -0.5046, -0.4
    )
    said = text(replace(REPORT, scores=(NME, wide)).table(), width=80)
    for word in ("rank_correlation", "inter_ocular", "confidence", "-0.5046", "picture"):
        assert word in said
    comparison = Comparison(
        (REPORT, REPORT),
        (Difference("failure", "8 % of inter_ocular", "percent", 1, 0, 554, 0.01234, -0.0112, 0.0321),),
    )
    said = text(comparison.tables()[0], width=80)
    for word in ("failure", "inter_ocular", "percent", "+0.0123", "unclear"):
        assert word in said


def test_boxes_and_split_that_all_scores_share_stand_above_the_table():
    said = text(replace(REPORT, scores=(NME,)).table())
    assert "boxes: given, split: test" in said
    assert "boxes: " not in text(REPORT.table())


def test_a_score_is_found_by_name():
    assert REPORT.score("nme") is NME
    assert REPORT.score("nme", "inter_ocular") is NME
    with pytest.raises(KeyError, match=r"nme \(inter_ocular\), recall"):
        REPORT.score("nme", "inter_pupil")
