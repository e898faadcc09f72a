"""Charts for pages: lines, shapes with a value at each point, bars with intervals, reliability diagrams.

Lines are SVG that stretches with the page; letters are HTML that keeps its size, so that a chart can be read on a
phone. Every value shows where the pointer rests or a finger taps, and no chart needs a script. A chart is a picture to
those who hear the page: give it its `words`, and put its values in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cairn.report.blocks import breakable, number
from cairn.report.markup import Content, Markup, tag

__all__ = ["COLOURS", "Bar", "Line", "bars", "differences", "legend", "lines", "reliability", "shape", "ticks"]

COLOURS = 6  # of series; more cannot be told apart
_STRIPS = 32  # places along x where values show
_NAMED = 14  # points that a shape has names for; more would lie on each other
_STEPS = 6  # of colour, for values at points


@dataclass(frozen=True, eq=False)
class Line:
    """A named line through (T,) points, x rising; where an x comes twice the line is upright."""

    name: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Bar:
    """A row of `bars`: a label, a remark in small letters, and (value, low, high) of each series."""

    label: str
    remark: str
    values: Sequence[tuple[float, float, float]]


def ticks(high: float, count: int = 5, low: float = 0.0) -> list[float]:
    """Round numbers from `low` to at most `high`, about `count` of them."""
    if not (math.isfinite(high) and high > low):
        return [low]
    rough = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(s for s in (1, 2, 2.5, 5, 10) if s * unit >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def legend(names: Sequence[str]) -> Markup | None:
    """Names of the series beside their colours; nothing for one."""
    if len(names) < 2:
        return None
    return tag("ul", [tag("li", tag("i", class_=f"c{i}"), name) for i, name in enumerate(names)], class_="legend")


def lines(
    series: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    words: str,
    x_high: float,
    y_high: float = 1.0,
    x_unit: str = "",
    y_unit: str = "",
    mark: tuple[float, str] | None = None,
) -> Markup:
    """Lines over a common axis, from 0; `mark` is a place on it with a word beside.

    Values at about 30 places show under the pointer.
    """
    paths = [
        tag("path", d=_path(np.clip(line.x / x_high, 0, 1), line.y / y_high), class_=f"line c{i}")
        for i, line in enumerate(series)
    ]
    marks: list[Content] = []
    if mark is not None and mark[0] < x_high:
        paths.insert(0, tag("path", d=f"M{1000 * mark[0] / x_high:.1f} 0V1000", class_="mark"))
        side = "right" if mark[0] > 0.7 * x_high else "left"
        place = mark[0] / x_high if side == "left" else 1 - mark[0] / x_high
        marks = [tag("span", mark[1], class_="marked", style=f"{side}:{100 * place:.2f}%")]
    strips = []
    for i in range(1, _STRIPS + 1):
        x = i * x_high / _STRIPS
        said = [
            tag("span", tag("i", class_=f"c{j}") if len(series) > 1 else None, f"{_at(line, x):.3g}{y_unit}")
            for j, line in enumerate(series)
        ]
        strips.append(
            tag(
                "span",
                tag("span", tag("b", f"≤ {x:.3g}{x_unit}"), said, class_="bubble"),
                class_="strip late" if i > 0.5 * _STRIPS else "strip",
                style=f"left:{100 * (i - 0.5) / _STRIPS:.2f}%;width:{100 / _STRIPS:.2f}%",
            )
        )
    area = _area(
        paths,
        [(t / x_high, f"{t:g}{x_unit}") for t in ticks(x_high)],
        [(t / y_high, f"{t:g}{y_unit}") for t in ticks(y_high)],
        [*marks, *strips],
    )
    return tag(
        "div",
        legend([line.name for line in series]),
        _plot(area, x_label, y_label, words),
        class_="chart",
    )


def shape(
    points: np.ndarray,
    values: np.ndarray,
    names: Sequence[str],
    *,
    edges: Sequence[tuple[int, int]] = (),
    high: float,
    unit: str,
    words: str,
    title: str = "",
) -> Markup:
    """A shape whose points are larger and stronger in colour where their value is.

    Parameters
    ----------
    points : (K, 2) x right, y down; a NaN point is not drawn
    values : (K,) >= 0; NaN is drawn as a ring
    high : the value of the strongest colour, the same for all shapes that stand side by side
    """
    seen = np.isfinite(points).all(axis=1)
    if not seen.any():
        return tag("p", "There is no point to draw.", class_="quiet")
    low, top = points[seen].min(axis=0), points[seen].max(axis=0)
    side = float(max((top - low).max(), 1e-9))
    size = np.maximum((top - low) / side, 0.2) * 1.14  # a margin for the dots, and no shape without a breadth
    place = (points - (low + top) / 2) / side / size + 0.5
    radius = _radius(points[seen] / side)
    drawn = [
        f"M{1000 * place[a, 0]:.1f} {1000 * place[a, 1]:.1f}L{1000 * place[b, 0]:.1f} {1000 * place[b, 1]:.1f}"
        for a, b in edges
        if seen[a] and seen[b]
    ]
    few = np.argsort(-np.nan_to_num(values, nan=-1))[: len(names) if len(names) <= _NAMED else 0]
    labels, dots = [], []
    for k in np.flatnonzero(seen).tolist():
        where = f"left:{100 * place[k, 0]:.2f}%;top:{100 * place[k, 1]:.2f}%"
        share = float(np.clip(values[k] / high, 0, 1)) if np.isfinite(values[k]) and high > 0 else math.nan
        step = "none" if math.isnan(share) else f"q{min(int(share * _STEPS), _STEPS - 1)}"
        width = 200 * radius * (0.45 + 0.55 * math.sqrt(0 if math.isnan(share) else share)) / size[0]
        edge = " late" if place[k, 0] > 0.5 else ""
        bubble = tag("span", tag("b", names[k]), tag("span", f"{number(values[k])}{unit}"), class_="bubble")
        dots.append(tag("span", bubble, class_=f"dot {step}{edge}", style=f"{where};width:{width:.2f}%"))
        if k in few:
            labels.append(tag("span", names[k], class_=f"label{edge}", style=where))
    picture = tag(
        "svg",
        tag("path", d="".join(drawn), class_="edge"),
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    inside = tag("div", picture, labels, dots, class_="shape", style=f"--ratio:{size[0] / size[1]:.4f}")
    return tag("div", tag("p", title, class_="charttitle") if title else None, inside, role="img", aria_label=words)


def scale(high: float, unit: str) -> Markup:
    """What the colours of `shape` mean."""
    steps = [tag("i", class_=f"q{i}") for i in range(_STEPS)]
    return tag("div", "0", tag("span", steps), f"{number(high)}{unit}", class_="scale", aria_hidden="true")


def bars(rows: Sequence[Bar], *, names: Sequence[str] = ("",), unit: str, high: float, words: str) -> Markup:
    """Values beside their labels, each with its interval as a whisker; one bar for each of `names` in a row."""
    written = []
    for row in rows:
        tracks = []
        for i, (value, low, top) in enumerate(row.values):
            pieces = []
            if math.isfinite(value):
                pieces.append(tag("i", class_="fill", style=f"width:{_percent(value / high)}"))
            if math.isfinite(low) and math.isfinite(top):
                start, end = (min(max(v / high, 0), 1) for v in (low, top))
                pieces.append(tag("i", class_="whisker", style=f"left:{_percent(start)};width:{_percent(end - start)}"))
            known = f" ({number(low)} to {number(top)})" if math.isfinite(low) else ""
            said = tag("span", tag("b", number(value) + unit), known and tag("small", known), class_="value")
            tracks.append(tag("span", tag("span", pieces, class_="track"), said, class_=f"bar c{i}"))
        label = tag("span", breakable(row.label), tag("small", row.remark) if row.remark else None, class_="label")
        written.append(tag("li", label, tag("span", tracks, class_="group")))
    return tag("div", legend(names), tag("ul", written, class_="bars", aria_label=words), class_="chart")


def differences(rows: Sequence[tuple[Content, str, float, float, float, str]], *, words: str) -> Markup:
    """Differences around 0 with their intervals, each row to a scale of its own.

    Parameters
    ----------
    rows : (label, remark, value, low, high, class), the class being ``better``, ``worse`` or anything else
    """
    written = []
    for label, remark, value, low, top, kind in rows:
        reach = max((abs(v) for v in (value, low, top) if math.isfinite(v)), default=0) * 1.1 or 1.0
        middle = 0.5 + 0.5 * value / reach if math.isfinite(value) else 0.5
        pieces = [tag("i", class_="zero")]
        if math.isfinite(low) and math.isfinite(top):
            start, end = 0.5 + 0.5 * low / reach, 0.5 + 0.5 * top / reach
            pieces.append(tag("i", class_="whisker", style=f"left:{_percent(start)};width:{_percent(end - start)}"))
        pieces.append(tag("i", class_="point", style=f"left:{_percent(middle)}"))
        said = tag("span", tag("small", remark), " ", tag("b", kind), class_="value")
        track = tag("span", tag("span", pieces, class_="track"), said, class_=f"bar {kind}")
        written.append(tag("li", tag("span", label, class_="label"), tag("span", track, class_="group")))
    return tag("ul", written, class_="bars differences", aria_label=words)


def reliability(
    said: np.ndarray, true: np.ndarray, count: np.ndarray, *, words: str, title: str = "", series: int = 0
) -> Markup:
    """Confidence against the share that is right, a dot for each bin, its area by the number of cases.

    Parameters
    ----------
    said, true : (B,) in [0, 1]; NaN in empty bins
    count : (B,)
    """
    gaps, dots = [], []
    for s, t, n in zip(said, true, count, strict=True):
        if not n:
            continue
        gaps.append(f"M{1000 * s:.1f} {1000 - 1000 * s:.1f}V{1000 - 1000 * t:.1f}")
        width = 0.6 + 1.2 * math.sqrt(n / max(count.max(), 1))
        bubble = tag(
            "span",
            tag("b", f"says {100 * s:.0f}\u00a0%"),
            tag("span", f"right {100 * t:.0f}\u00a0%"),
            tag("span", f"{n:,} points"),
            class_="bubble",
        )
        where = f"left:{100 * s:.2f}%;top:{100 - 100 * t:.2f}%;width:{width:.2f}rem"
        dots.append(tag("span", bubble, class_=f"dot c{series}{' late' if s > 0.5 else ''}", style=where))
    paths = [tag("path", d="M0 1000L1000 0", class_="mark"), tag("path", d="".join(gaps), class_=f"gap c{series}")]
    percents = [(t, f"{t:.0%}".replace("%", "\u00a0%")) for t in (0, 0.25, 0.5, 0.75, 1)]
    area = _area(paths, percents, percents, dots)
    plot = _plot(area, "confidence", "share that is right", words, square=True)
    return tag("div", tag("p", title, class_="charttitle") if title else None, plot, class_="chart square")


def _plot(area: Markup, x_label: str, y_label: str, words: str, square: bool = False) -> Markup:
    return tag(
        "div",
        tag("span", y_label, class_="ylabel"),
        area,
        tag("span", x_label, class_="xlabel"),
        class_="plot square" if square else "plot",
        role="img",
        aria_label=words,
    )


def _area(
    paths: Sequence[Markup],
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    above: Sequence[Content],
) -> Markup:
    """Grid, paths (SVG with 1000 units a side, y down), tick labels, and what lies above them."""
    grid = "".join(f"M0 {1000 - 1000 * t:.1f}H1000" for t, _ in y_ticks)
    picture = tag(
        "svg",
        tag("path", d=grid, class_="grid"),
        paths,
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    marks = [tag("span", said, class_="tick y", style=f"top:{_percent(1 - t)}") for t, said in y_ticks]
    marks += [tag("span", said, class_="tick x", style=f"left:{_percent(t)}") for t, said in x_ticks]
    return tag("div", picture, marks, above, class_="area")


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Through the finite points, in units of the area."""
    known = np.isfinite(x) & np.isfinite(y)
    points = zip(x[known], y[known], strict=True)
    return "M" + "L".join(f"{1000 * a:.1f} {1000 - 1000 * b:.1f}" for a, b in points) if known.any() else ""


def _at(line: Line, x: float) -> float:
    return float(np.interp(x, line.x, line.y))


def _radius(points: np.ndarray) -> float:
    """Of the largest dots: no larger than half the way to a neighbour, for shapes with a side of 1."""
    if len(points) < 2:
        return 0.03
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    return float(np.clip(0.42 * np.median(distance.min(axis=1)), 0.009, 0.03))


def _percent(share: float) -> str:
    return f"{100 * min(max(share, 0), 1):.2f}%"
