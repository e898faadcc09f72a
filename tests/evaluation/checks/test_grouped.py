from dataclasses import replace

import numpy as np

from cairn.evaluation.checks.grouped import observer_findings, split_findings


def test_a_subject_on_both_sides_is_an_error(good):
    subject = np.array([f"m{i // 6}" for i in range(60)])
    split = np.array(["train"] * 33 + ["test"] * 27)
    (one,) = split_findings(replace(good, subject=subject, split=split))
    assert (one.severity, one.sentence) == ("error", "subject m5: 3 in test, 3 in train")


def test_a_good_split_is_silent(good):
    subject = np.array([f"m{i // 6}" for i in range(60)])
    assert list(split_findings(replace(good, subject=subject, split=np.repeat(["train", "test"], 30)))) == []


def observed(good, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1, (3, *good.landmarks.points.shape))
    return good.landmarks.points + noise


def test_observers_who_agree_have_only_a_spread(good):
    data = replace(good, observers=observed(good), observer_names=("a", "b", "c"))
    found = list(observer_findings(data))
    assert [f.kind for f in found] == ["observer_spread"]
    assert "1.4 px apart" in found[0].sentence or "1.5 px apart" in found[0].sentence  # sqrt(2) of 1 px each way


def test_an_observer_with_another_origin_is_named(good):
    o = observed(good)
    o[1] += 1.0
    data = replace(good, observers=o, observer_names=("a", "b", "c"))
    assert [f.names for f in observer_findings(data) if f.kind == "offset"] == [("b",)]


def test_an_opinion_on_one_point_is_not_an_origin(good):
    o = observed(good)
    o[2, :, 4] += [3, 0]
    data = replace(good, observers=o, observer_names=("a", "b", "c"))
    kinds = {(f.kind, f.names) for f in observer_findings(data) if f.severity != "note"}
    assert ("observer_differs", ("nose",)) in kinds
    assert all(kind != "offset" for kind, _ in kinds)


def test_a_copy_is_no_second_observer(good):
    o = observed(good)
    o[1] = o[0]
    found = list(observer_findings(replace(good, observers=o, observer_names=("a", "b", "c"))))
    assert "b and a have the same labels" in found[0].sentence or "a and b" in found[0].sentence
    assert found[1].sentence.startswith("2 observers")
