"""The page of a report, or of several models side by side: figures first, then where the errors are, then pictures.

Sections that the data have nothing for are left out. What is shown of single objects has a fixed number, so that the
page of a million pictures is no larger than that of a thousand.
"""

from __future__ import annotations

from importlib import metadata

import numpy as np

from cairn.errors import InputError
from cairn.report import breakdown, charts, where_errors
from cairn.report.blocks import breakable, code, facts, number, prose, subtitle, table, together, warning
from cairn.report.cases import Cases
from cairn.report.comparison import Comparison
from cairn.report.confidence import confidence, has_confidence
from cairn.report.definitions import meaning, spoken, title
from cairn.report.examples import examples
from cairn.report.figures import Report, Score
from cairn.report.markup import Content, Markup, join, tag
from cairn.report.page import Page
from cairn.report.verdicts import verdicts
from cairn.report.wording import between, last, listed, short_names, signed, unit, value

__all__ = ["report_page"]

_FAILS = 0.08  # of the normaliser: as in `cairn.evaluation`


def report_page(result: Report | Comparison, *, command: str = "") -> Page:
    """The page.

    Parameters
    ----------
    result : of `cairn.evaluate` or `cairn.compare`
    command : that makes the same figures again, for the foot of the page

    Raises
    ------
    InputError : more models than a page can show
    ValueError : a report that was read from a file, which keeps no single errors
    """
    comparison = result if isinstance(result, Comparison) else Comparison((result,), ())
    reports = comparison.reports
    if len(reports) > charts.COLOURS:
        raise InputError(f"{len(reports)} models; a page can show at most {charts.COLOURS} side by side")
    cases = [r.measured() for r in reports]
    names = short_names([r.model for r in reports])
    data = last(reports[0].data)
    page = Page(
        f"{names[0]} on {data}" if len(reports) == 1 else f"{listed(names)} on {data}",
        above="Evaluation" if len(reports) == 1 else f"Comparison of {len(reports)} models",
        lead=_lead(comparison, names),
        foot=_foot(command),
    )
    page.opening([warning(s) for s in dict.fromkeys(s for r in reports for s in r.warnings)])
    page.opening(_facts(reports[0]) if len(reports) == 1 else None)
    if comparison.differences:
        page.section(f"Which is better than {names[0]}", _differences(comparison, names), short="Comparison")
    page.section("Figures and what they mean", _figures(reports, names), short="Figures")
    page.section("How errors are distributed", where_errors.distribution(cases, names, _FAILS), short="Distribution")
    page.section("Error of each point", where_errors.points(cases, names), short="Points")
    if cases[0].skeleton.parts:
        page.section("Error of each part", where_errors.parts(cases, names), short="Parts")
    groups = breakdown.columns(cases[0])
    if groups:
        page.section("What the error depends on", where_errors.columns(cases, names, groups), short="Columns")
    if any(has_confidence(c) for c in cases):
        page.section("Is confidence worth what it says?", confidence(reports, cases, names), short="Confidence")
    if any(c.predicted.plausible is not None for c in cases):
        page.section("Verdicts on the shape", verdicts(cases, names, _FAILS), short="Verdicts")
    pictures = examples(cases, names)
    if pictures:
        page.section("Pictures", pictures)
    page.section("How this was measured", _method(reports, names), short="Method")
    return page


# --- head ---


def _lead(comparison: Comparison, names: list[str]) -> Markup:
    """What a reader in a hurry should know."""
    sentences = []
    for report, name in zip(comparison.reports, names, strict=True):
        who = f"{name}: mean" if len(names) > 1 else "Mean"
        score = report.score("nme")
        parts = [f"{who} error ", tag("strong", value(score)), f" of {spoken(score.normaliser)}{between(score)}"]
        failed = report.score("failure")
        parts += [
            " over ",
            f"{score.n:,}{f' of {report.n:,}' if score.n < report.n else ''} objects; ",
            tag("strong", value(failed)),
            " fail",
        ]
        parts.append(together(f" (error above {spoken(failed.normaliser)})." if len(names) == 1 else "."))
        sentences.append(tag("p", parts))
    for i in range(1, len(names)):
        d = comparison.difference("nme", model=i) if comparison.differences else None
        if d is not None and d.verdict != "unclear":
            said = (
                f"{names[i]} is {d.verdict} than {names[0]} by {number(abs(d.value))}\u00a0% of {spoken(d.normaliser)}."
            )
            sentences.append(tag("p", said))
        elif d is not None:
            sentences.append(tag("p", f"Between {names[i]} and {names[0]} the mean error shows no clear difference."))
    return join(sentences)


def _facts(report: Report) -> Markup:
    cases = report.measured()
    items: list[tuple[str, str, Content]] = []
    for metric, name in (("nme", "Mean error"), ("failure", "Failures"), ("mre", "Mean distance")):
        score = report.score(metric)
        of = f"of {spoken(score.normaliser)}" if metric == "nme" else together(f"above {spoken(score.normaliser)}")
        remark = join(of if score.normaliser else "over all points", tag("br"), between(score, bare=True))
        items.append((name, value(score), remark))
    known = cases.errors[cases.known]
    middle = f"{number(100 * float(np.median(known)))}\u00a0%" if len(known) else "\u2013"
    items.insert(1, ("Median error", middle, f"of {spoken(cases.normaliser)}"))
    if report.score("missed").value > 0 or report.scores[0].boxes == "found":
        items.append(("Missed", value(report.score("missed")), "no prediction"))
    seconds = report.seconds_per_item
    if np.isfinite(seconds):
        said = f"{1000 * seconds:.3g}\u00a0ms" if seconds < 1 else f"{seconds:.3g}\u00a0s"
        items.append(("Time each", said, "prediction alone"))
    return facts(items)


def _figures(reports: tuple[Report, ...], names: list[str]) -> Markup:
    first = reports[0].scores[0]
    boxes = "given by the data" if first.boxes == "given" else "found by the model itself"
    split = "all pictures" if first.split == "all" else f"the split \u201c{first.split}\u201d"
    by_metric: dict[str, list[Score]] = {}
    for score in reports[0].scores:
        by_metric.setdefault(score.metric, []).append(score)
    blocks = []
    count = len(reports)
    style = {
        "class_": ("metric", "metric", "metric two")[count] if count < 3 else "metric several",
        "style": f"--models:{count}",
    }
    for metric, scores in by_metric.items():
        head: list[Content] = ["compared with", "n", *(names if len(names) > 1 else ["value and interval"])]
        rows = [
            [breakable(spoken(s.normaliser)) if s.normaliser else "\u2013", number(s.n), *_cells(s, reports)]
            for s in scores
        ]
        said = tag("div", tag("h3", title(metric), " ", code(metric)), tag("p", together(meaning(metric))))
        own = table(head, rows, numbers=range(1, len(head)), name=title(metric), narrow=count < 3)
        blocks.append(tag("div", said, own, **style))
    return join(
        prose(
            f"Measured on {split}, with boxes {boxes}. n counts objects. The interval is a 95 % bootstrap interval "
            "over whole pictures (or subjects, where the data names them). Figures with different reference lengths "
            "cannot be compared."
        ),
        blocks,
    )


def _cells(score: Score, reports: tuple[Report, ...]) -> list[Content]:
    """Value and interval of each report."""
    cells: list[Content] = []
    for report in reports:
        try:
            own = report.score(score.metric, score.normaliser)
        except KeyError:
            cells.append("\u2013")
            continue
        cells.append(join(tag("b", value(own)), tag("small", between(own, bare=True))))
    return cells


def _differences(comparison: Comparison, names: list[str]) -> Markup:
    parts = [
        prose(
            "Both models were measured on the same objects, and what is drawn again for the interval is the difference "
            "on each picture (paired bootstrap). Where the interval does not hold 0, the difference is clear. With so "
            "many metrics, one in twenty would look clear by chance."
        )
    ]
    for i in range(1, len(names)):
        parts.append(subtitle(f"{names[i]} minus {names[0]}"))
        rows = []
        for d in comparison.differences:
            if d.model == i:
                interval = f" ({signed(d.low)} to {signed(d.high)})" if np.isfinite(d.low) else ""
                label = join(title(d.metric), tag("small", spoken(d.normaliser)) if d.normaliser else None)
                rows.append((label, f"{signed(d.value)}{unit(d.unit)}{interval}", d.value, d.low, d.high, d.verdict))
        parts.append(charts.differences(rows, words=f"Differences of {names[i]} and {names[0]}, with intervals"))
    return join(parts)


# --- foot ---


def _method(reports: tuple[Report, ...], names: list[str]) -> Markup:
    report, data = reports[0], reports[0].measured().data
    rows: list[list[Content]] = [
        ["model" if len(names) == 1 else f"model {i}", r.model] for i, r in enumerate(reports, 1)
    ]
    rows += [
        ["data", report.data],
        ["objects", f"{report.n:,} in {len(data.images):,} pictures"],
        ["fingerprint of the labels", code(data.content_hash()[:16])],
    ]
    if report.scores[0].split != "all":
        rows.append(["split", f"{report.scores[0].split}{', by ' + data.split_by if data.split_by else ''}"])
    rows.append(["points", f"{len(data.skeleton)}{', scheme ' + data.skeleton.name if data.skeleton.name else ''}"])
    rows.append(["reference length", _length(reports[0].measured())])
    if data.spacing is not None:
        rows.append(["spacing", f"{', '.join(f'{s:g}' for s in data.spacing)} mm per pixel"])
    if data.licence:
        rows.append(["licence of the data", data.licence])
    return table(["", ""], rows, name="How this was measured")


def _length(cases: Cases) -> str:
    groups = cases.skeleton.normalisers.get(cases.normaliser)
    if groups is None:
        return f"{cases.normaliser}, of the object's box"
    a, b = (" and ".join(cases.skeleton.names[i] for i in g[:4]) + (" \u2026" if len(g) > 4 else "") for g in groups)
    return f"{cases.normaliser}: from {a} to {b}"


def _foot(command: str) -> Markup:
    try:
        version = metadata.version("cairn-landmarks")
    except metadata.PackageNotFoundError:
        version = ""
    made = tag("p", f"Made by cairn {version}".strip(), ": " if command else ".", code(command) if command else None)
    return join(made, tag("p", "This page needs no network and runs no script."))
