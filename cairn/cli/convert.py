"""``cairn convert``: any label format to any other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def convert(
    source: Annotated[Path, typer.Argument(help="Labels: a file or a folder.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="Where to write them.", show_default=False)],
    to: Annotated[str | None, typer.Option(help="Name of the format, where the ending does not say it.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not say what was written.")] = False,
) -> None:
    """Convert labels from any format to any other, and say what the new one cannot carry.

    Example: cairn convert wings.tps wings.json
    """
    from cairn.formats import FORMATS, read, write

    if to is not None and to not in FORMATS:
        from cairn.errors import InputError

        raise InputError(f"there is no format {to!r}; choose one of {', '.join(FORMATS)}")
    data = read(source)
    lost = write(data, target, format=to)
    for sentence in lost:
        print(f"lost: {sentence}", file=sys.stderr)
    if not quiet:
        print(f"wrote {target}: {len(data)} objects in {len(data.images)} pictures, {len(data.skeleton)} points each")
