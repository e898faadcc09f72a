"""Checks of what a user sets: scikit-learn's kind of error, one sentence."""

from __future__ import annotations

from numbers import Integral

__all__ = ["whole_number"]


def whole_number(name: str, value: object, at_least: int = 1, *, or_none: bool = False) -> None:
    """Raise ValueError unless ``value`` is a whole number of at least ``at_least``, or None where that is allowed."""
    if or_none and value is None:
        return
    if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
        allowed = ", or None" if or_none else ""
        raise ValueError(f"{name}={value!r}: expected a whole number of at least {at_least}{allowed}.")
