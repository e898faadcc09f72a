from dataclasses import replace

import numpy as np
import pytest

from cairn.report.breakdown import columns, mean_error, parts


@pytest.fixture
def cases(reports):
    return reports[0].cases


def with_column(cases, values):
    return replace(cases, data=replace(cases.data, columns={"c": np.asarray(values)}, subject=None, split=None))


def of(cases, name="c"):
    found = [b for b in columns(cases) if b.name == name]
    return found[0] if found else None


def test_few_values_are_groups_of_their_own(cases):
    made = of(with_column(cases, ["b", "a"] * 20))
    assert made.labels == ("a", "b")
    assert made.rows[0].tolist() == list(range(1, 40, 2))
    assert of(with_column(cases, [10, 9] * 20)).labels == ("9", "10")  # as numbers, not as words
    assert of(with_column(cases, ["same"] * 40)) is None


def test_numbers_are_binned_so_that_no_row_is_lost_or_counted_twice(cases):
    for values in (np.linspace(-1, 1, 40), np.linspace(-1, 1, 40).astype(str)):
        made = of(with_column(cases, values))
        assert len(made.labels) == 5
        assert sorted(np.concatenate(made.rows).tolist()) == list(range(40))
        assert [len(r) for r in made.rows] == [8] * 5
    assert made.labels[0].startswith("\u22121 to")


def test_rows_without_a_value_are_in_no_group(cases):
    values = np.linspace(0, 1, 40)
    values[:10] = np.nan
    assert min(np.concatenate(of(with_column(cases, values)).rows)) == 10
    assert sum(map(len, of(with_column(cases, ["", "a", "b", "a"] * 10)).rows)) == 30


def test_of_many_names_the_worst_are_shown(cases):
    names = np.array([f"s{i // 2}" for i in range(40)])
    made = of(with_column(cases, names))
    assert len(made.labels) == 10
    assert "of 20" in made.remark
    means = [cases.errors[r].mean() for r in made.rows]
    assert means == sorted(means, reverse=True)
    assert of(with_column(cases, [f"only once {i}" for i in range(40)])) is None


def test_size_is_always_there(cases):
    assert columns(with_column(cases, ["x"] * 40))[-1].name.startswith("size")


def test_a_part_is_the_mean_of_its_points(cases):
    (values,) = parts(cases).values()
    own = list(cases.skeleton.parts["upper"])
    assert np.allclose(values, cases.relative[:, own].mean(axis=1))


def test_missed_objects_are_left_out_of_means(reports):
    cases = reports[1].cases
    assert np.isinf(cases.errors).sum() == 2
    mean, low, high, n = mean_error(cases.errors, cases.groups)
    assert n == 38
    assert low < mean < high
    assert np.isnan(mean_error(np.array([np.inf, np.nan]), np.arange(2))[0])


def test_the_size_is_not_said_twice_where_coco_has_it_as_an_area(cases):
    marks = cases.data.landmarks
    area = np.prod(marks.boxes[:, 2:] - marks.boxes[:, :2], axis=1)
    assert "area" not in [b.name for b in columns(replace(cases, data=replace(cases.data, columns={"area": area})))]
    half = area * np.linspace(0.3, 0.7, len(area))  # that of an outline
    assert "area" in [b.name for b in columns(replace(cases, data=replace(cases.data, columns={"area": half})))]
