import numpy as np
import pytest

from cairn.report.charts import Bar, Line, bars, differences, lines, reliability, shape, ticks

nan, inf = np.nan, np.inf


@pytest.mark.parametrize(
    ("high", "said"),
    [(10, [0, 2, 4, 6, 8, 10]), (1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (7.3, [0, 2, 4, 6]), (0, [0]), (nan, [0])],
)
def test_ticks_are_round_and_do_not_go_beyond(high, said):
    assert ticks(high) == said


def test_values_of_a_staircase_are_those_of_its_steps():
    line = Line("a", np.array([0.0, 4, 4, 10]), np.array([0.0, 0, 50, 50]))
    html = lines([line], x_label="x", y_label="y", words="w", x_high=10, y_high=100, y_unit=" %")
    assert "≤ 3.75</b><span>0 %" in html
    assert "≤ 4.06</b><span>50 %" in html


def test_a_point_without_a_value_is_there_and_one_without_a_place_is_not():
    points = np.array([[0.0, 0], [1, 1], [nan, nan]])
    html = shape(points, np.array([1, nan, 1]), ("a", "b", "c"), high=1.0, unit="", words="w")
    assert html.count('class="dot') == 2
    assert 'class="dot none' in html
    assert ">c<" not in html
    assert "nan" not in html.replace("none", "")
    assert "no point" in shape(np.full((1, 2), nan), np.ones(1), ("a",), high=1.0, unit="", words="w")


def test_shapes_without_breadth_and_single_points_can_be_drawn():
    for points in ([[0.0, 0]], [[0.0, 0], [10, 0]], [[5.0, 5], [5, 5]]):
        html = shape(np.array(points), np.ones(len(points)), ["p"] * len(points), high=0.0, unit="", words="w")
        assert "nan" not in html
        assert "inf" not in html


def test_bars_stay_inside_whatever_the_values():
    html = bars([Bar("a", "n = 1", [(5.0, nan, nan)]), Bar("b", "", [(nan, nan, nan)])], unit="", high=2.0, words="w")
    assert "width:100.00%" in html
    assert html.count('class="fill"') == 1
    assert "whisker" not in html


def test_differences_lie_on_the_side_of_their_sign():
    html = differences([("a", "", -1.0, -2.0, -0.5, "better"), ("b", "", 0.0, nan, nan, "unclear")], words="w")
    assert 'style="left:27.27%"' in html  # half of the way from the middle to -2.2
    assert 'style="left:50.00%"' in html
    assert "bar better" in html


def test_empty_bins_have_no_dot():
    html = reliability(np.array([0.2, nan]), np.array([0.3, nan]), np.array([4, 0]), words="w")
    assert html.count('class="dot') == 1
    assert "says 20" in html
