"""How figures, intervals and names are said on a page."""

from __future__ import annotations

import numpy as np

from cairn.report.blocks import number
from cairn.report.figures import Score

__all__ = ["between", "last", "listed", "percent", "short_names", "signed", "unit", "value"]

_UNITS = {"percent": "\u00a0%", "share": "", "-1 to 1": "", "px": "\u00a0px", "mm": "\u00a0mm"}


def unit(name: str) -> str:
    """What stands behind a figure in that unit (`cairn.report.figures.Score`)."""
    return _UNITS.get(name, f" {name}")


def short_names(models: list[str]) -> list[str]:
    """Short names that keep the models apart."""
    short = [last(m).removesuffix(".cairn") for m in models]
    if len(set(short)) < len(short):
        short = list(models)
    counts = {name: short.count(name) for name in short}
    return [f"{name} ({short[: i + 1].count(name)})" if counts[name] > 1 else name for i, name in enumerate(short)]


def last(path: str) -> str:
    """The end of a path."""
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or path


def listed(names: list[str]) -> str:
    """The names as a sentence has them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def value(score: Score) -> str:
    """The figure with its unit."""
    return f"{number(score.value)}{unit(score.unit)}"


def between(score: Score, bare: bool = False) -> str:
    """The interval, in brackets unless `bare`."""
    if not np.isfinite(score.low):
        return "\u2013" if bare else ""
    said = f"{number(score.low)} to {number(score.high)}"
    return said if bare else f" ({said})"


def signed(figure: float) -> str:
    """A difference, with its sign."""
    return f"+{number(figure)}" if figure > 0 else number(figure)


def percent(share: float, missed: str = "missed") -> str:
    """A share, or an error as a fraction; what is infinite was missed."""
    return missed if np.isinf(share) else f"{100 * share:.1f}\u00a0%"
