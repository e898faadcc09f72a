from dataclasses import replace

import numpy as np
import pytest

from cairn.errors import InputError
from cairn.evaluation.compare import compare, paired
from cairn.evaluation.evaluate import evaluate
from cairn.landmarks import Landmarks
from cairn.model import Model
from tests.conftest import KITE, draw_kites


class Off:
    """The truth, each row moved by its own distance; a stand-in for a detector."""

    uses_box = True

    def __init__(self, truth, offsets):
        self.truth, self.offsets = truth, np.asarray(offsets, float)

    def predict(self, images, given, *, init=None):
        flat = np.concatenate([np.reshape(b, (-1, 4)) for b in given])
        rows = [int(np.argmin(np.abs(self.truth.boxes - box).sum(axis=1))) for box in flat]
        index = np.repeat(np.arange(len(given)), [len(b) for b in given])
        points = self.truth.points[rows] + self.offsets[rows][:, None, None] * [1, 0]
        return Landmarks(self.truth.skeleton, points, flat, index)


def model(data, offsets, name):
    return Model(Off(data.landmarks, offsets), data.skeleton, card={"name": name})


@pytest.fixture
def hard_and_easy():
    """Forty pictures whose errors spread from 1 to 40 px."""
    return draw_kites(40), np.linspace(1, 40, 40)


def test_a_small_difference_is_seen_through_the_spread_that_both_models_share(hard_and_easy):
    data, spread = hard_and_easy
    both = compare([model(data, spread, "a"), model(data, spread + 0.5, "b")], data)
    a, b = both.reports
    assert b.score("mre").low < a.score("mre").high  # alone, they cannot be told apart
    difference = both.difference("mre")
    assert difference.value == pytest.approx(0.5)
    assert (difference.low, difference.high) == (pytest.approx(0.5), pytest.approx(0.5))
    assert difference.verdict == "worse"
    assert (difference.model, difference.against, difference.n) == (1, 0, 40)


def test_models_exchanged_change_signs_and_verdicts(hard_and_easy):
    data, spread = hard_and_easy
    one, two = model(data, spread, "a"), model(data, spread + 1, "b")
    there, back = compare([one, two], data), compare([two, one], data)
    for d in there.differences:
        opposite = back.difference(d.metric, d.normaliser)
        assert opposite.value == pytest.approx(-d.value)
        assert {d.verdict, opposite.verdict} in ({"better", "worse"}, {"unclear"})
    assert back.difference("mre").verdict == "better"
    assert back.difference("pck").value >= 0


def test_a_model_does_not_differ_from_itself(hard_and_easy):
    data, spread = hard_and_easy
    both = compare([model(data, spread, "a")] * 3, data)
    assert {d.value for d in both.differences} == {0.0}
    assert {d.verdict for d in both.differences} == {"unclear"}
    assert {d.model for d in both.differences} == {1, 2}


def test_points_in_another_order_are_compared_by_name(hard_and_easy):
    data, spread = hard_and_easy
    order = [2, 0, 3, 1]
    names = [KITE.names[i] for i in order]
    shuffled = replace(KITE, names=names, edges=(), flip=None, parts={}, normalisers={"width": ((2,), (3,))})
    old = data.landmarks
    other = replace(data, landmarks=Landmarks(shuffled, old.points[:, order], old.boxes, old.image_index))
    both = compare([model(data, spread, "a"), model(other, spread, "b")], data)
    assert {round(d.value, 9) for d in both.differences} == {0.0}


def test_reports_of_different_objects_are_not_compared(hard_and_easy):
    data, spread = hard_and_easy
    other = draw_kites(40, seed=1)
    with pytest.raises(InputError, match="on the same"):
        paired([evaluate(model(data, spread, "a"), data), evaluate(model(other, spread, "b"), other)])
    with pytest.raises(InputError, match="at least one"):
        compare([], data)


def test_json_and_table(hard_and_easy, tmp_path):
    import json

    data, spread = hard_and_easy
    both = compare([model(data, spread, "a"), model(data, spread + 1, "b")], data)
    both.save(tmp_path / "both.json")
    read = json.loads((tmp_path / "both.json").read_text())
    assert [r["model"] for r in read["reports"]] == ["a", "b"]
    assert read["differences"][0]["metric"] == "nme"
    assert [t.row_count for t in both.tables()] == [len(both.differences)]
