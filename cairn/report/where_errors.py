"""Sections that say where the errors are: how they are distributed, in which points and parts, in which objects."""

from __future__ import annotations

import numpy as np

from cairn.geometry.procrustes import generalised
from cairn.metrics import ced
from cairn.report import breakdown, charts
from cairn.report.blocks import details, figure, number, prose, subtitle, table
from cairn.report.cases import Cases
from cairn.report.definitions import spoken
from cairn.report.markup import Content, Markup, join, tag
from cairn.report.wording import listed, percent

__all__ = ["columns", "distribution", "parts", "points"]

_STEPS = 300  # along a curve of more objects; one of fewer is drawn as the staircase that it is


def distribution(cases: list[Cases], names: list[str], fails: float) -> Markup:
    """The cumulative distribution of errors; `fails` is the error, as a fraction, above which an object has failed."""
    known = [100 * c.errors[c.known] for c in cases]
    finite = [k[np.isfinite(k)] for k in known]
    reach = min(max((float(np.quantile(f, 0.975)) for f in finite if len(f)), default=10.0), 250 * fails)
    high = charts.ticks(max(reach, 125 * fails), 4)[-1]
    high = high if high >= reach else high + charts.ticks(high, 4)[1]
    series = [charts.Line(name, *_stairs(k, high)) for name, k in zip(names, known, strict=True)]
    limit = 100 * fails
    steps = [s for s in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30) if s <= max(high, 10)]
    rows: list[list[Content]] = [[f"at most {s}\u00a0%", *(percent(np.mean(k <= s)) for k in known)] for s in steps]
    for q in (10, 50, 90, 95):
        word = "median" if q == 50 else f"{q}\u00a0% of objects have at most"
        rows.append([word, *(f"{number(float(np.quantile(k, q / 100, method='lower')))}\u00a0%" for k in known)])
    return join(
        prose(
            f"Share of objects whose mean error is at most so many percent of {spoken(cases[0].normaliser)}. The "
            "higher the curve and the further to the left, the better; objects that were missed never count."
        ),
        figure(
            charts.lines(
                series,
                x_label=f"mean error, % of {spoken(cases[0].normaliser)}",
                y_label="share of objects",
                x_high=high,
                y_high=100,
                x_unit="\u00a0%",
                y_unit="\u00a0%",
                mark=(limit, f"failure above {limit:g}\u00a0%"),
                words=f"Cumulative distribution of errors of {listed(names)}; the table below has its values",
            )
        ),
        details("Values as a table", table(["error", *names], rows, numbers=range(1, len(names) + 1), name="Curve")),
    )


def _stairs(errors: np.ndarray, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Places up to `high`, and the percentage of objects that have at most that error."""
    x = np.sort(errors[errors < high])
    if len(x) > _STEPS:
        x = np.linspace(0, high, _STEPS + 1)
        return x, 100 * ced.curve(errors, x)
    share = 100 * np.arange(len(x) + 1) / max(len(errors), 1)
    return np.concatenate([[0], np.repeat(x, 2), [high]]), np.repeat(share, 2)


def points(cases: list[Cases], names: list[str]) -> Markup:
    """The error of each point on the mean shape of the labels."""
    first = cases[0]
    skeleton = first.skeleton
    mean = generalised(first.data.landmarks.points[..., :2]).mean
    means = []
    for c in cases:
        order = [c.skeleton.index(n) for n in skeleton.names]
        means.append(100 * _column_means(c.relative[:, order]))
    high = float(np.nanmax(np.where(np.isfinite(means), means, np.nan), initial=0)) or 1.0
    shapes = [
        charts.shape(
            mean,
            values,
            skeleton.names,
            edges=skeleton.edges,
            high=high,
            unit="\u00a0%",
            title=name if len(cases) > 1 else "",
            words=f"Mean shape with the error of each point of {name}; the table below has the values",
        )
        for values, name in zip(means, names, strict=True)
    ]
    tables = [_point_table(c, name if len(cases) > 1 else "") for c, name in zip(cases, names, strict=True)]
    return join(
        prose(
            f"Mean error of each point, in percent of {spoken(first.normaliser)}, drawn on the mean shape of the "
            "labels: the larger and stronger a dot, the larger its error. Rest on a dot for its name."
        ),
        tag("div", shapes, class_="side") if len(shapes) > 1 else shapes,
        charts.scale(high, "\u00a0%"),
        details("Every point, worst first", tables),
    )


def _point_table(cases: Cases, caption: str) -> Markup:
    relative = 100 * _column_means(cases.relative)
    rows = []
    for k in np.argsort(-np.nan_to_num(relative, nan=-1), kind="stable").tolist():
        errors = cases.point_errors[:, k]
        labelled = errors[~np.isnan(errors)]
        found = labelled[np.isfinite(labelled)]
        own = [float(np.median(found)), float(found.mean()), float(found.max())] if len(found) else [np.nan] * 3
        missed = len(labelled) - len(found)
        rows.append([cases.skeleton.names[k], len(labelled), f"{number(relative[k])}\u00a0%", *own, missed])
    unit = cases.unit
    head = ["point", "n", "mean", f"median, {unit}", f"mean, {unit}", f"worst, {unit}", "missed"]
    return table(head, rows, numbers=range(1, 7), caption=caption, name="Error of each point")


def parts(cases: list[Cases], names: list[str]) -> Markup:
    """The error of each part of the skeleton."""
    by_part = [breakdown.parts(c) for c in cases]
    rows = []
    for part in by_part[0]:
        values = [
            breakdown.mean_error(100 * b[part], c.groups) if part in b else (np.nan, np.nan, np.nan, 0)
            for b, c in zip(by_part, cases, strict=True)
        ]
        points = len(cases[0].skeleton.parts[part])
        rows.append(charts.Bar(part, f"{points} points", [v[:3] for v in values]))
    rows.sort(key=lambda bar: -np.nan_to_num(bar.values[0][0]))
    return join(
        prose(
            f"Mean error of the points of each part, in percent of {spoken(cases[0].normaliser)}, with its "
            "95 % interval."
        ),
        charts.bars(rows, names=names, unit="\u00a0%", high=_reach(rows), words="Mean error of each part"),
    )


def columns(cases: list[Cases], names: list[str], groups: list[breakdown.Breakdown]) -> Markup:
    """The error in the groups that the data tell apart."""
    parts: list[Content] = [
        prose(
            f"Mean error in percent of {spoken(cases[0].normaliser)}, with its 95 % interval, for objects that the "
            "data tell apart. Objects that were missed are left out."
        )
    ]
    for group in groups:
        rows = [
            charts.Bar(
                label,
                f"n = {len(members):,}",
                [breakdown.mean_error(100 * c.errors[members], c.groups[members])[:3] for c in cases],
            )
            for label, members in zip(group.labels, group.rows, strict=True)
        ]
        parts.append(subtitle(group.name, group.remark))
        parts.append(
            charts.bars(rows, names=names, unit="\u00a0%", high=_reach(rows), words=f"Mean error by {group.name}")
        )
    return join(parts)


def _column_means(values: np.ndarray) -> np.ndarray:
    """(K,) means of what is finite in (N, K); NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _reach(rows: list[charts.Bar]) -> float:
    """A little more than the largest value or end of an interval."""
    values = np.array([v for row in rows for v in row.values], float)
    return 1.02 * float(np.nanmax(np.where(np.isfinite(values), values, 0), initial=0)) or 1.0
