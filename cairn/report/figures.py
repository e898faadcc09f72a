"""Scores that carry what they mean: metric, normaliser, box source, split, unit, number of cases and interval."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cairn.files import write_whole

if TYPE_CHECKING:
    from rich.table import Table

    from cairn.report.cases import Cases

__all__ = ["Report", "Score"]


@dataclass(frozen=True)
class Score:
    """One figure.

    Parameters
    ----------
    metric : ``nme``, ``mre``, ``pck``, ``sdr``, ``failure``, ``auc``, ``oks_ap``, ``recall``, ...
    normaliser : what errors were divided by or compared with, e.g. ``inter_ocular``, ``8 % of inter_ocular``, ``2 mm``;
        empty where nothing was
    boxes : ``given`` or ``found``
    split : name of the split, ``all`` where everything was measured
    unit : ``percent``, ``share`` (of 1), ``px``, ``mm``, ``per picture``
    n : cases that the value is of
    value : in `unit`; NaN where nothing could be measured
    low, high : 95 % bootstrap interval; NaN where there are too few groups for one
    """

    metric: str
    normaliser: str
    boxes: str
    split: str
    unit: str
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Report:
    """All scores of one model on one set of data, and the single cases that they are of.

    Parameters
    ----------
    model, data : names or paths of what was measured
    n : objects in the data
    scores : the figures
    seconds_per_item : prediction alone, reading excluded; an item is a box where boxes are given, a picture where they
        are found
    warnings : sentences about what was left out
    cases : what was measured, object by object; None in a report that was read from a file
    """

    model: str
    data: str
    n: int
    scores: tuple[Score, ...]
    seconds_per_item: float
    warnings: tuple[str, ...] = ()
    cases: Cases | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Score]:
        return iter(self.scores)

    def score(self, metric: str, normaliser: str | None = None) -> Score:
        """The score of that metric; the first where there are several and no normaliser is named.

        Raises
        ------
        KeyError : not measured; the message lists what was
        """
        for score in self.scores:
            if score.metric == metric and normaliser in (None, score.normaliser):
                return score
        have = ", ".join(f"{s.metric} ({s.normaliser})" if s.normaliser else s.metric for s in self.scores)
        raise KeyError(f"no score {metric!r} {normaliser or ''}; measured were {have}")

    def measured(self) -> Cases:
        """The single cases.

        Raises
        ------
        ValueError : the report was read from a file, which keeps none
        """
        if self.cases is None:
            raise ValueError("this report was read from a file, which keeps no single errors; evaluate again")
        return self.cases

    def to_json(self) -> dict[str, Any]:
        """Plain figures; NaN becomes None. `from_json` is its inverse; rows and pictures are not kept."""
        return {
            "model": self.model,
            "data": self.data,
            "n": self.n,
            "scores": [{k: _plain(v) for k, v in asdict(s).items()} for s in self.scores],
            "seconds_per_item": _plain(self.seconds_per_item),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Report:
        """The figures that `to_json` wrote."""
        scores = []
        for score in data["scores"]:
            values: dict[str, Any] = {k: math.nan if v is None else v for k, v in score.items()}
            scores.append(Score(**values))
        seconds = data["seconds_per_item"]
        return cls(data["model"], data["data"], data["n"], tuple(scores), math.nan if seconds is None else seconds)

    def save(self, path: str | Path) -> None:
        """Write the JSON, whole or not at all."""
        write_whole(path, json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")

    def save_page(self, path: str | Path, *, command: str = "") -> None:
        """Write a page for people (`cairn.report.report_page`), whole or not at all.

        Raises
        ------
        ValueError : the report was read from a file, which keeps no single errors
        """
        from cairn.report.report_page import report_page

        report_page(self, command=command).save(path)

    def table(self) -> Table:
        """The scores, for a terminal: ``rich.print(report.table())``."""
        from rich.table import Table

        shared = {name: sorted({getattr(s, name) for s in self.scores}) for name in ("boxes", "split")}
        columns = ["metric", "normaliser", *(name for name, values in shared.items() if len(values) > 1)]
        said = [f"{self.n} objects", *(f"{name}: {v[0]}" for name, v in shared.items() if len(v) == 1)]
        if not math.isnan(self.seconds_per_item):
            said.append(f"{_seconds(self.seconds_per_item)} each")
        table = Table(
            title=f"{self.model} on {self.data}\n{', '.join(said)}",
            title_justify="left",
            caption="low, high: 95 % bootstrap interval over pictures or subjects",
            caption_justify="left",
            box=None,  # a terminal of 80 columns holds it so
            pad_edge=False,
        )
        for name in columns:
            table.add_column(name, overflow="fold")
        for name in ("n", "value", "low", "high"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("unit")
        for s in self.scores:
            figures = [str(s.n), *map(_digits, (s.value, s.low, s.high))]
            table.add_row(*(getattr(s, name) for name in columns), *figures, "" if s.unit == "share" else s.unit)
        return table

    def point_table(self) -> Table:
        """Median, mean and worst error of each point, and how often it was missed."""
        from rich.table import Table

        cases = self.measured()
        table = Table(
            title=f"{self.model} on {self.data}: error of each point, {cases.unit}", title_justify="left", box=None
        )
        table.add_column("point")
        for name in ("n", "median", "mean", "worst", "missed"):
            table.add_column(name, justify="right")
        for name, errors in zip(cases.skeleton.names, cases.point_errors.T, strict=True):
            labelled = errors[~np.isnan(errors)]
            found = labelled[np.isfinite(labelled)]
            figures = (np.median(found), found.mean(), found.max()) if len(found) else (math.nan,) * 3
            table.add_row(name, str(len(labelled)), *map(_digits, figures), str(len(labelled) - len(found)))
        return table


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _digits(value: float) -> str:
    """Four figures are more than any interval here supports."""
    if math.isnan(value):
        return "-"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
