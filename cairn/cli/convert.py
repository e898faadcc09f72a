"""``cairn convert``: any label format to any other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cairn.cli.options import Pictures


def convert(
    source: Annotated[Path, typer.Argument(help="Labels: a file or a folder.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="Where to write them.", show_default=False)],
    to: Annotated[str | None, typer.Option(help="Name of the format, where the ending does not say it.")] = None,
    scheme: Annotated[
        str | None,
        typer.Option(help="Points of another scheme, e.g. face5, or a mapping that was learnt (its .json)."),
    ] = None,
    from_scheme: Annotated[
        str | None, typer.Option(help="The scheme that the points are, where the file does not say it, e.g. face98.")
    ] = None,
    pictures: Pictures = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not say what was written.")] = False,
) -> None:
    """Convert labels from any format to any other, and say what the new one cannot carry.

    With --scheme the points themselves change, and what is exact, interpolated or not to be had is said.

    Example: cairn convert wings.tps wings.json
    """
    from cairn.errors import InputError
    from cairn.formats import FORMATS, read, write

    if to is not None and to not in FORMATS:
        raise InputError(f"there is no format {to!r}; choose one of {', '.join(FORMATS)}")
    if target.is_file() and source.exists() and target.samefile(source):
        raise InputError(f"{target}: is the file that is read; choose another name, for a format may lose something")
    data = read(source, pictures=pictures)
    if from_scheme is not None:
        from dataclasses import replace

        from cairn.schemes.mapping import named_as

        data = replace(data, landmarks=named_as(data.landmarks, from_scheme))
    if scheme is not None:
        from cairn.schemes.mapping import map_between, map_scheme

        for sentence in map_between(data.skeleton, scheme).sentences(data.landmarks):
            print(f"map: {sentence}", file=sys.stderr)
        data = map_scheme(data, scheme)
    lost = write(data, target, format=to)
    for sentence in lost:
        print(f"lost: {sentence}", file=sys.stderr)
    if not quiet:
        counts = ((len(data), "object"), (len(data.images), "picture"), (len(data.skeleton), "point"))
        objects, in_pictures, points = (f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
        print(f"wrote {target}, from {objects} in {in_pictures}, {points} each")
