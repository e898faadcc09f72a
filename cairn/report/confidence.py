"""The section that says whether confidence is worth what it says."""

from __future__ import annotations

import numpy as np

from cairn.metrics import calibration
from cairn.report import charts
from cairn.report.blocks import details, facts, number, prose, table
from cairn.report.cases import Cases
from cairn.report.definitions import meaning, spoken, title
from cairn.report.figures import Report
from cairn.report.markup import Content, Markup, join, tag
from cairn.report.wording import between, percent, value

__all__ = ["confidence", "has_confidence"]


def confidence(reports: tuple[Report, ...], cases: list[Cases], names: list[str]) -> Markup:
    """Reliability diagrams."""
    drawn, tables = [], []
    for i, (report, c, name) in enumerate(zip(reports, cases, names, strict=True)):
        if not has_confidence(c):
            drawn.append(prose(f"{name} gives no confidence."))
            continue
        assert c.predicted.confidence is not None
        assert c.right is not None
        said, true, count = calibration.reliability(c.predicted.confidence, c.right)
        gap = report.score("ece")
        heading = f"{name}: ECE {number(gap.value)}{between(gap)}" if len(names) > 1 else ""
        words = f"Reliability diagram of {name}; the table below has its values"
        drawn.append(charts.reliability(said, true, count, title=heading, words=words, series=i))
        rows: list[list[Content]] = [
            [percent(s), percent(t), int(n)] for s, t, n in zip(said, true, count, strict=True) if n
        ]
        head = ["confidence", "right", "points"]
        tables.append(table(head, rows, numbers=range(3), caption=name if len(names) > 1 else "", name="Reliability"))
    return join(
        prose(
            f"Points with a confidence of 80 % should be right (here: {spoken(cases[0].right_means)}) in 80 of 100 "
            "cases. Dots on the dashed line keep that promise; below it, the model is surer than it should be; above "
            "it, less sure. The area of a dot is the number of its points. The calibration error (ECE) is the mean "
            "distance from the line."
        ),
        tag("div", drawn, _told(reports[0]) if len(reports) == 1 else None, class_="side"),
        details("Values as a table", tables),
    )


def _told(report: Report) -> Markup:
    """Beside the diagram of a single model: its three figures of confidence."""
    items: list[tuple[str, str, Content]] = []
    for metric in ("ece", "auroc", "rank_correlation"):
        score = report.score(metric)
        items.append((title(metric), value(score), join(between(score, bare=True), tag("br"), meaning(metric))))
    return facts(items)


def has_confidence(cases: Cases) -> bool:
    """Whether there is a confidence to compare with what happened."""
    said, right = cases.predicted.confidence, cases.right
    return said is not None and right is not None and bool((np.isfinite(said) & np.isfinite(right)).any())
