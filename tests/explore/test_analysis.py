import json

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_swiss_roll

from cairn.errors import InputError
from cairn.explore import Table, cluster, embed
from cairn.explore.analysis import EMBEDDERS
from cairn.points.selectors import SELECTORS

ROWS, GROUP = make_blobs(400, centers=3, n_features=5, cluster_std=0.7, random_state=2)
TABLE = Table("blobs", ROWS, tuple("abcde"), [str(i) for i in range(400)], GROUP.astype(str), "group")


@pytest.mark.parametrize("method", ["mds", "isomap"])
def test_an_embedding_says_how_good_it_is(method):
    answer = embed(TABLE, method, landmarks=60)
    assert answer.placed.shape == (400, 2)
    assert answer.marks.shape == (60, 2)
    assert answer.figures["trustworthiness"] > 0.85
    assert answer.figures["neighbours with the same label"] > 0.95
    assert [row["landmarks"] for row in answer.by_landmarks] == [15, 30, 60, 120]
    at = {row["landmarks"]: row for row in answer.by_landmarks}
    assert at[60]["same place"] == pytest.approx(1)
    assert at[60]["stress"] == answer.figures["stress"]
    assert ("residual variance of geodesics" in answer.figures) == (method == "isomap")
    json.dumps(answer.to_json(), allow_nan=False)


def test_groups_are_compared_with_labels():
    answer = cluster(TABLE, clusters=3)
    assert answer.figures["NMI"] == pytest.approx(1)
    assert answer.figures["ARI"] == pytest.approx(1)
    assert len(answer.by_landmarks) >= 3
    assert cluster(TABLE).figures["clusters"] == 3


def test_other_numbers_of_landmarks_only_where_wanted_and_there():
    assert embed(TABLE, compare=False).by_landmarks == []
    few = Table("few", ROWS[:5], tuple("abcde"), list("12345"))
    assert [row["landmarks"] for row in embed(few).by_landmarks] == [3, 5]


def test_warnings_of_the_estimators_become_remarks():
    answer = embed(Table("two", np.concatenate([ROWS, ROWS + 1e4]), tuple("abcde"), ["x"] * 800), "isomap")
    assert any("pieces, which were tied" in sentence for sentence in answer.remarks)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: embed(TABLE, "best"), "--method best: choose one of mds"),
        (lambda: embed(TABLE, landmarks=401), "--landmarks 401: expected 1 to 400"),
        (lambda: embed(TABLE, selector="best"), "--selector best: choose one of random"),
        (lambda: embed(TABLE, components=200), "n_components=200 is more than"),
        (lambda: cluster(TABLE, clusters=0), "--clusters 0: expected 1 to 400"),
        (lambda: cluster(TABLE, "best"), "--method best: choose one of spectral"),
        (lambda: cluster(Table("same", np.ones((50, 2)), ("a", "b"), ["x"] * 50), clusters=3), "distinct"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(call, message):
    with pytest.raises(InputError, match=message) as refusal:
        call()
    assert "\n" not in str(refusal.value)


def test_isomap_by_stress_leaves_less_of_the_ways_unexplained():
    rows, turn = make_swiss_roll(600, random_state=0)
    roll = Table("roll", rows, tuple("xyz"), range(600))
    by_strain, by_stress = (embed(roll, name, compare=False) for name in ("isomap", "stress-isomap"))
    left = "residual variance of geodesics"
    assert by_stress.figures[left] < by_strain.figures[left]
    assert np.abs(np.corrcoef(by_stress.placed.T, turn)[2, :2]).max() > 0.9


@pytest.mark.parametrize("method", EMBEDDERS)
def test_few_rows_of_which_many_are_the_same(method):
    few = Table("few", np.tile(ROWS[:6], (30, 1)), tuple("abcde"), range(180))
    answer = embed(few, method)
    assert np.isfinite(answer.placed).all()
    assert max(row["landmarks"] for row in answer.by_landmarks) <= 6


def test_neighbours_are_those_that_were_asked_for():
    assert embed(TABLE, "isomap", neighbours=15, compare=False).estimator.n_neighbors == 15
    with pytest.raises(InputError, match="--neighbours 5: --method mds has no graph of neighbours"):
        embed(TABLE, neighbours=5)


def test_figures_of_a_large_table_come_from_some_of_its_rows_and_that_is_said(monkeypatch):
    whole = embed(TABLE, landmarks=60, compare=False)
    monkeypatch.setattr("cairn.explore.analysis._LOOKED_AT", 200)
    part = embed(TABLE, landmarks=60, compare=False)
    assert part.remarks == ("figures are of 200 rows, drawn at random",)
    np.testing.assert_array_equal(part.placed, whole.placed)
    for name in ("trustworthiness", "stress", "neighbours with the same label"):
        assert part.figures[name] == pytest.approx(whole.figures[name], abs=0.05)


@pytest.mark.parametrize("make", [embed, cluster])
@pytest.mark.parametrize("selector", list(SELECTORS))
def test_every_selector_can_be_named(make, selector):
    assert len(make(TABLE, selector=selector, compare=selector == "union").marks) >= 8
