"""One page that needs nothing else: no network, no script, readable on a phone, on paper, in the dark.

>>> page = Page("Labels of wings.tps", lead="3 of 40 wings look wrong.", foot="made by cairn check wings.tps")
>>> page.section("Points outside their picture", prose("Two points."), table(["picture", "point"], rows))
>>> page.save("check.html")

What stands in a section is made by the functions of `cairn.report.blocks` (prose, tables, figures, galleries),
`cairn.report.charts` and `cairn.report.pictures`; all give `Markup`, into which no text comes unescaped. A content
security policy in the page's head forbids the browser itself to load or run anything.
"""

from __future__ import annotations

from pathlib import Path

from cairn.files import write_whole
from cairn.report.markup import Content, Markup, join, tag

__all__ = ["Page"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Page:
    """A page that is filled section by section.

    Parameters
    ----------
    title : of the page and its first heading
    lead : a sentence or more below the title: what a reader in a hurry should know
    above : small words above the title, e.g. ``"Evaluation"``
    foot : at the end, e.g. the command that made the page
    """

    def __init__(self, title: str, *, lead: Content = None, above: str = "", foot: Content = None):
        self.title = title
        self.lead = lead
        self.above = above
        self.foot = foot
        self._opening: list[Markup] = []
        self._sections: list[tuple[str, str, Markup]] = []

    def opening(self, *content: Content) -> Page:
        """Put content below the lead, before the first section (key figures, warnings)."""
        self._opening.append(join(*content))
        return self

    def section(self, title: str, *content: Content, short: str = "") -> Page:
        """Add a section; it gets a line in the list of contents, `short` where the title is long."""
        number = len(self._sections) + 1
        body = tag(
            "section",
            tag("h2", title, id=f"title-{number}"),
            *content,
            id=f"section-{number}",
            aria_labelledby=f"title-{number}",
        )
        self._sections.append((f"section-{number}", short or title, body))
        return self

    def html(self) -> str:
        """The whole page."""
        style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
        head = tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("meta", name="generator", content="cairn"),
            tag("title", self.title),
            tag("style", Markup(style)),
        )
        contents = tag(
            "nav",
            tag("ol", [tag("li", tag("a", title, href=f"#{key}")) for key, title, _ in self._sections]),
            aria_label="Contents",
        )
        header = tag(
            "header",
            tag("p", self.above, class_="above") if self.above else None,
            tag("h1", self.title),
            tag("div", self.lead, class_="lead") if self.lead else None,
        )
        body = tag(
            "body",
            tag("a", "Skip to the content", href="#content", class_="skip"),
            header,
            contents if len(self._sections) > 1 else None,
            tag("main", self._opening, [body for _, _, body in self._sections], id="content"),
            tag("footer", self.foot) if self.foot else None,
        )
        return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"

    def save(self, path: str | Path) -> None:
        """Write the page, whole or not at all.

        Raises
        ------
        InputError : it cannot be written there
        """
        write_whole(path, self.html())
