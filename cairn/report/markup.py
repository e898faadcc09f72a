"""HTML that cannot be broken by what it says: text is escaped where it enters, and only `Markup` passes as it is.

Names of files, points and subjects come from outside. `tag` is the only maker of `Markup`, so there is no other way
into a page than through it. Names of elements and attributes, and the values of ``style`` and ``href``, are ours.

>>> tag("td", "<script>", class_="name")
'<td class="name">&lt;script&gt;</td>'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

__all__ = ["Content", "Markup", "join", "tag"]

_EMPTY = frozenset({"img", "br", "input", "meta", "hr", "wbr"})
# What no text may hold: controls, and the marks that turn the direction of writing around (a name could hide its end).
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Markup(str):
    """HTML that is safe as it stands."""

    __slots__ = ()


Content = (
    str | int | float | None | Iterable[Any]
)  # strings are escaped, numbers shown, None is nothing, lists are flat


def tag(name: str, /, *content: Content, **attributes: str | int | float | bool | None) -> Markup:
    """One element.

    Parameters
    ----------
    name : of the element
    content : what it holds: strings are escaped, `Markup` is not, lists are taken apart, None is left out
    attributes : ``class_`` is written ``class``, ``aria_label`` ``aria-label``; None and False leave one out, True
        gives its bare name
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*content)}</{name}>")


def join(*content: Content) -> Markup:
    """Contents one after the other."""
    return Markup("".join(_pieces(content)))


def _pieces(content: Iterable[Any]) -> Iterable[str]:
    for piece in content:
        if isinstance(piece, Markup):
            yield piece
        elif isinstance(piece, str):
            yield escape(_clean(piece), quote=False)
        elif isinstance(piece, Iterable):
            yield from _pieces(piece)
        elif piece is not None:
            yield escape(str(piece), quote=False)


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{escape(_clean(str(value)), quote=True)}"'


def _clean(text: str) -> str:
    """Printable, and such that it can be written as UTF-8 (names of files may hold bytes that are no text)."""
    return _UNSEEN.sub("\ufffd", text).encode("utf-8", "backslashreplace").decode()
