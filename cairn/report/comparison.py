"""Several models on the same objects, and how sure it is that one is better."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn.files import write_whole
from cairn.report.definitions import better
from cairn.report.figures import Report

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Comparison", "Difference"]


@dataclass(frozen=True)
class Difference:
    """One model's score minus another's, over the cases that both have.

    Parameters
    ----------
    metric, normaliser, unit : as in `cairn.report.figures.Score`
    model, against : indices of the two reports; the difference is that of `model` minus that of `against`
    n : objects that both have a value of
    value : mean of the paired differences, in `unit`
    low, high : 95 % bootstrap interval of that mean, whole pictures or subjects drawn with both models' answers; NaN
        where there are fewer than two
    """

    metric: str
    normaliser: str
    unit: str
    model: int
    against: int
    n: int
    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or ``unclear`` where the interval holds 0 (or there is none)."""
        if math.isnan(self.low) or self.low <= 0 <= self.high:
            return "unclear"
        return "better" if (self.value < 0) == (better(self.metric) == "lower") else "worse"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Reports of several models on the same objects, the first being what others are compared with.

    Parameters
    ----------
    reports : one for each model, of the same rows
    differences : of every later model against the first
    """

    reports: tuple[Report, ...]
    differences: tuple[Difference, ...]

    def __iter__(self) -> Iterator[Report]:
        return iter(self.reports)

    def difference(self, metric: str, normaliser: str | None = None, model: int = 1) -> Difference:
        """The difference in that metric between a model and the first; the first where several normalisers are.

        Raises
        ------
        KeyError : not compared
        """
        for one in self.differences:
            if one.metric == metric and normaliser in (None, one.normaliser) and one.model == model:
                return one
        raise KeyError(f"no difference of {metric!r} {normaliser or ''} for model {model}")

    def to_json(self) -> dict[str, Any]:
        """Plain figures; NaN becomes None."""
        plain = [
            {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(d).items()}
            for d in self.differences
        ]
        return {"reports": [r.to_json() for r in self.reports], "differences": plain}

    def save(self, path: str | Path) -> None:
        """Write the JSON, whole or not at all."""
        write_whole(path, json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")

    def save_page(self, path: str | Path, *, command: str = "") -> None:
        """Write a page for people (`cairn.report.report_page`), whole or not at all."""
        from cairn.report.report_page import report_page

        report_page(self, command=command).save(path)

    def tables(self) -> list[Table]:
        """The differences of each later model, for a terminal."""
        from rich.table import Table

        tables = []
        for i, report in enumerate(self.reports[1:], 1):
            table = Table(
                title=f"{report.model}\nminus {self.reports[0].model}, on the same cases",
                title_justify="left",
                caption="low, high: 95 % bootstrap interval of the paired difference, over pictures or subjects",
                caption_justify="left",
                box=None,  # a terminal of 80 columns holds it so
                pad_edge=False,
            )
            for name in ("metric", "normaliser"):
                table.add_column(name, overflow="fold")
            for name in ("n", "difference", "low", "high"):
                table.add_column(name, justify="right", no_wrap=True)
            table.add_column("unit")
            table.add_column("verdict", no_wrap=True)
            for d in self.differences:
                if d.model == i:
                    figures = ("-" if math.isnan(v) else f"{v:+.3g}" if v else "0" for v in (d.value, d.low, d.high))
                    unit = "" if d.unit == "share" else d.unit
                    table.add_row(d.metric, d.normaliser, str(d.n), *figures, unit, d.verdict)
            tables.append(table)
        return tables
