"""Findings as one page with thumbnails of the worst: for a colleague who labels, not for a programmer.

Dots are the labels as they are; a ring marks a point that is in question. Duplicates stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cairn.errors import InputError
from cairn.evaluation.checks.findings import KINDS, SEVERITIES, Finding, Findings
from cairn.report.blocks import code, details, facts, gallery, prose, subtitle, table
from cairn.report.markup import Markup, tag
from cairn.report.page import Page
from cairn.report.pictures import cut, tile

__all__ = ["page"]

TILES = 12  # of a kind
LISTED = 200  # findings of a kind in its list
_ALL_PICTURES = 240  # thumbnails of a page, so that it stays below a few MB
_PAIRS = ("duplicate_picture", "copied_labels")  # two pictures a finding
_MEANS = {"error": "mend before training", "warning": "look at them", "note": "good to know"}


def page(findings: Findings) -> Page:
    """The whole page, not yet written."""
    data = findings.dataset
    groups = findings.by_kind()
    lead = [prose(f"{findings.summary}.")]
    serious = [k for k, g in groups.items() if g[0].severity == "error" or any(f.severity == "error" for f in g)]
    if serious:
        lead.append(prose("To mend first: ", "; ".join(KINDS[k][0].lower() for k in serious[:6]), "."))
    made = Page(
        f"Check of {findings.data}",
        lead=lead,
        above="Check of labels",
        foot=["Made by ", code(f"cairn check {findings.data} --html ..."), ". Every picture is inside this file."],
    )
    made.opening(
        facts(
            [
                ("objects", f"{len(data):,}", f"of {len(data.skeleton)} points"),
                ("pictures", f"{len(data.images):,}", ""),
                *((f"{s}s", f"{findings.count(s):,}", _MEANS[s]) for s in SEVERITIES),
            ]
        )
    )
    made.section("What was found", _overview(findings), short="Overview")
    left = _ALL_PICTURES
    for kind, group in groups.items():
        title, remedy = KINDS[kind]
        tiles = list(_tiles(findings, kind, group, min(TILES, left)))
        left -= len(tiles)
        shown = len(tiles) // (2 if kind in _PAIRS else 1)
        several = f" Shown are the worst {shown} of {len(group):,}." if tiles and len(group) > shown else ""
        made.section(
            title,
            prose(f"{remedy}{several}") if remedy or several else None,
            gallery(tiles) if tiles else None,
            _list(group, open=not tiles),
        )
    made.section("Labels of each point", *_labels(findings))
    return made


def _overview(findings: Findings) -> Markup:
    rows: list[list[str | int]] = []
    for kind, group in findings.by_kind().items():
        worst = min(group, key=lambda f: SEVERITIES.index(f.severity))
        rows.append([KINDS[kind][0], worst.severity, len(group), worst.sentence])
    return table(["kind", "severity", "n", "the worst"], rows, numbers=(2,), name="findings by kind")


def _list(group: list[Finding], *, open: bool) -> Markup:
    shown = tag("ul", [tag("li", f.sentence) for f in group[:LISTED]])
    rest = prose(f"And {len(group) - LISTED:,} more; the JSON file lists all of them.") if len(group) > LISTED else None
    return details(f"All {len(group):,} in words" if len(group) > 1 else "In words", shown, rest, open=open)


def _tiles(findings: Findings, kind: str, group: list[Finding], most: int) -> Iterator[Markup]:
    data = findings.dataset
    count = 0
    for f in group:
        if count >= most:
            return
        if not f.images or kind in ("unreadable_picture", "subject_in_splits", "picture_in_splits"):
            continue
        pair = kind in _PAIRS
        for image in f.images[: 2 if pair else 1]:
            row = f.row if f.row is not None and data.landmarks.image_index[f.row] == image else None
            made = _tile(findings, f, image, row, whole=pair or kind == "outside_picture")
            if made is not None:
                count += 1
                yield made


def _tile(findings: Findings, finding: Finding, image: int, row: int | None, *, whole: bool) -> Markup | None:
    data = findings.dataset
    try:
        picture = data.images[image]
        pixels = picture.rgb()
    except (InputError, ValueError):
        return None
    rows = np.flatnonzero(data.landmarks.image_index == image) if row is None else np.array([row])
    labels = data.landmarks.take(rows)
    size = np.array(pixels.shape[1::-1], float)
    points = labels.points[..., :2]
    if finding.kind == "normalised":
        points = points * (size - 1)
    # What lies outside is shown on the edge.
    points = np.clip(points, -0.5, size - 0.5)
    labels = replace(labels, points=np.concatenate([points, labels.points[..., 2:]], axis=-1))
    part = cut(picture, np.full((1, 2), np.nan) if whole else points.reshape(-1, 2))
    asked = None
    if finding.points and len(rows):
        only = np.full_like(labels.points, np.nan)
        only[:, list(finding.points)] = labels.points[:, list(finding.points)]
        asked = replace(labels, points=only)
    name = data.images.label(image)
    said = finding.sentence.removeprefix(f"{name}").lstrip(":, ")
    caption = [tag("strong", name), " ", said]
    words = f"{name}: {len(labels)} labelled object{'s' * (len(labels) != 1)}"
    return tile(part, words=words, caption=caption, found=labels if len(rows) else None, asked=asked)


def _labels(findings: Findings) -> list[Markup]:
    labels = findings.dataset.landmarks
    there = labels.labelled
    head = ["point", "labels", "none"]
    rows: list[list[str | int]] = []
    for k, name in enumerate(findings.dataset.skeleton.names):
        row: list[str | int] = [name, int(there[:, k].sum()), int((~there[:, k]).sum())]
        if labels.visibility is not None:
            row += [int((labels.visibility[:, k] == state).sum()) for state in (2, 1, 3)]
        rows.append(row)
    if labels.visibility is not None:
        head += ["visible", "hidden", "absent"]
    text = "How many objects have the point. A hidden point has a place that cannot be seen; one that was not labelled "
    text += "has none; an absent one is known not to be in the picture."
    shown = table(head, rows, numbers=range(1, len(head)), name="labels of each point")
    if len(rows) > 40:
        return [prose(text), details(f"{len(rows)} points", shown)]
    return [prose(text), subtitle(f"{len(rows)} points"), shown]
