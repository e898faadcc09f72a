"""One bar for everything that takes a while: what, how far, how long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

__all__ = ["progress"]


class Advance(Protocol):
    """Says how many steps are done, and what stands behind the bar (None leaves the last note there)."""

    def __call__(self, done: int, note: str | None = None) -> None: ...


@contextmanager
def progress(label: str, total: int, *, done: int = 0, quiet: bool = False) -> Iterator[Advance]:
    """A bar on standard error that goes away when the work is finished.

    Parameters
    ----------
    label : of what is done
    total, done : number of steps, and of those that are behind already
    quiet : no bar; the function that is given does nothing

    Yields
    ------
    Advance : to be called with the number of steps that are done
    """
    if quiet:
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(label, total=total, completed=done, note="")

        def advance(done: int, note: str | None = None) -> None:
            changed: dict[str, Any] = {} if note is None else {"note": note}
            bar.update(task, completed=done, **changed)

        yield advance


def _silent(done: int, note: str | None = None) -> None:
    pass
