"""What the shape model said of the predictions, and whether it was right."""

from __future__ import annotations

import numpy as np

from cairn.report.blocks import details, number, prose, table
from cairn.report.cases import Cases
from cairn.report.definitions import spoken
from cairn.report.markup import Content, Markup, join

__all__ = ["verdicts"]


def verdicts(cases: list[Cases], names: list[str], fails: float) -> Markup:
    """How many predictions were called implausible, and how that goes with their errors.

    Parameters
    ----------
    fails : the error, as a fraction of the normaliser, above which an object has failed
    """
    rows: list[list[Content]] = []
    parts = []
    for c, name in zip(cases, names, strict=True):
        if c.predicted.plausible is None:
            rows.append([name, *["\u2013"] * 6])
            continue
        judged = np.isfinite(c.errors)
        doubted = judged & ~c.predicted.plausible
        trusted = judged & c.predicted.plausible
        bad = judged & (c.errors > fails)
        rows.append(
            [
                name,
                int(judged.sum()),
                _share(doubted, judged),
                _error(c.errors[doubted]),
                _error(c.errors[trusted]),
                _share(doubted & bad, bad),
                _share(doubted & ~bad, judged & ~bad),
            ]
        )
        parts.append(_of_parts(c, judged, name if len(cases) > 1 else ""))
    head = [
        "model", "judged", "implausible", "their mean error", "of the others", "failures found", "false alarms",
    ]  # fmt: skip
    return join(
        prose(
            "The model's own verdict on each answer, made without knowing the truth: does it look like the shapes that "
            f"it was trained on? A failure has a mean error above {100 * fails:g} % of {spoken(cases[0].normaliser)}. "
            "Found are the failures that were called implausible; false alarms are the others that were. A prediction "
            "can be wrong and yet plausible, so that not every failure can be found in this way."
        ),
        table(head, rows, numbers=range(1, len(head)), name="Verdicts"),
        details("Points and parts", parts) if any(parts) else None,
    )


def _of_parts(cases: Cases, judged: np.ndarray, caption: str) -> Markup | None:
    found = cases.predicted
    rows: list[list[Content]] = []
    if found.plausible_parts is not None:
        for i, part in enumerate(cases.skeleton.parts):
            rows.append([part, _share(judged & ~found.plausible_parts[:, i], judged)])
    if found.plausible_points is not None:
        labelled = np.isfinite(cases.relative)
        doubted = labelled & ~found.plausible_points
        rows.append(["single points", _share(doubted, labelled)])
        rows.append(["mean error of these points", _error(cases.relative[doubted])])
        rows.append(["mean error of the other points", _error(cases.relative[labelled & ~doubted])])
    return table(["called implausible", "share"], rows, numbers={1}, caption=caption, name="Parts") if rows else None


def _share(some: np.ndarray, of: np.ndarray) -> str:
    n, total = int(some.sum()), int(of.sum())
    return f"{n:,} of {total:,} ({100 * n / total:.1f}\u00a0%)" if total else "\u2013"


def _error(values: np.ndarray) -> str:
    values = values[np.isfinite(values)]
    return f"{number(100 * float(values.mean()))}\u00a0%" if len(values) else "\u2013"
