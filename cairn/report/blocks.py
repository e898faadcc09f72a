"""What stands in a section of a page: prose, key figures, tables, notes, things that fold out, galleries."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from cairn.report.markup import Content, Markup, join, tag

__all__ = [
    "breakable",
    "code",
    "details",
    "facts",
    "figure",
    "gallery",
    "number",
    "prose",
    "subtitle",
    "table",
    "together",
    "warning",
]

_MINUS = "\u2212"


def number(value: float) -> str:
    """A figure as people read it: three digits, whole numbers with their thousands, a dash for NaN."""
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}".replace("-", _MINUS)
    value = float(value)
    if math.isnan(value):
        return "\u2013"
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    said = "0" if value == 0 else f"{value:#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"
    return said if "e" in said else said.replace("-", _MINUS)


def prose(*content: Content) -> Markup:
    """A paragraph; a number and its unit stay on one line."""
    return tag("p", [together(c) if type(c) is str else c for c in content], class_="prose")


def together(text: str) -> str:
    """The text with spaces between numbers and units that no line breaks at."""
    return re.sub(r"(?<=[0-9]) (?=(%|px|mm|ms|s)\b|%)", "\u00a0", text)


def breakable(name: str) -> Markup:
    """A long name, which may go on in the next line after a ``_``, ``-``, ``.`` or ``/``."""
    pieces = re.split(r"(?<=[-_./\\])", name)
    return join(*(piece for part in pieces for piece in (part, tag("wbr")))) if len(pieces) > 1 else join(name)


def code(text: str) -> Markup:
    """A command or a name, as one types it."""
    return tag("code", text)


def subtitle(text: str, remark: Content = None) -> Markup:
    """A heading inside a section, and a remark in small letters beside it."""
    return tag("h3", text, [" ", tag("small", remark)] if remark else None)


def warning(*content: Content) -> Markup:
    """A sentence that must not be overlooked."""
    return tag("p", *content, class_="warning", role="note")


def facts(items: Iterable[tuple[str, str, Content]]) -> Markup:
    """Key figures, large.

    Parameters
    ----------
    items : (what it is, its value, a remark in small letters)
    """
    return tag(
        "dl",
        [
            tag("div", tag("dt", name), tag("dd", value, tag("small", remark) if remark else None))
            for name, value, remark in items
        ],
        class_="facts",
    )


def table(
    head: Sequence[Content],
    rows: Iterable[Sequence[Content]],
    *,
    numbers: Collection[int] = (),
    caption: Content = None,
    name: str = "",
    narrow: bool = False,
) -> Markup:
    """A table; on a narrow screen it scrolls by itself, also by keyboard. The first cell of a row is its heading.

    Parameters
    ----------
    head : of the columns
    rows : cells; a float is shown with three digits (`number`)
    numbers : columns that stand to the right
    caption : above the table
    name : what it is, for those who hear the page; where there is no caption
    narrow : it fits every screen, and is no stop for the keyboard
    """
    titles = [tag("th", cell, scope="col", class_="n" if i in numbers else None) for i, cell in enumerate(head)]
    body = []
    for row in rows:
        cells = []
        for i, cell in enumerate(row):
            shown = number(cell) if isinstance(cell, (int, float, np.number)) else cell
            cells.append(
                tag("td" if i else "th", shown, class_="n" if i in numbers else None, scope=None if i else "row")
            )
        body.append(tag("tr", cells))
    whole = tag(
        "table", tag("caption", caption) if caption else None, tag("thead", tag("tr", titles)), tag("tbody", body)
    )
    if narrow:
        return tag("div", whole, class_="wide")
    return tag("div", whole, class_="wide", role="region", tabindex=0, aria_label=name or "table")


def details(summary: Content, *content: Content, open: bool = False) -> Markup:
    """Something that folds out, and is printed."""
    return tag("details", tag("summary", summary), *content, open=open)


def figure(picture: Markup, caption: Content = None) -> Markup:
    """A chart with its caption."""
    return tag("figure", picture, tag("figcaption", caption) if caption else None)


def gallery(tiles: Sequence[Markup], *, small: bool = False, broad: bool = False) -> Markup:
    """Pictures (`cairn.report.pictures.tile`) side by side, as many as there is room for."""
    size = " small" if small else " broad" if broad else ""
    return tag("ul", [tag("li", one) for one in tiles], class_=f"gallery{size}")
