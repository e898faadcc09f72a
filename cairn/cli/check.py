"""``cairn check``: mistakes in labels, before anybody learns from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairn.cli.options import Pictures


def check(
    data: Annotated[Path, typer.Argument(help="Labelled data: a file or a folder.", show_default=False)],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with pictures of the worst, for people.")
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write all findings as JSON; - for standard output.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only this split of the data; all where absent.")] = None,
    scheme: Annotated[
        str | None, typer.Option(help="A known skeleton whose names and sides the points have, e.g. wings12.")
    ] = None,
    pictures: Pictures = None,
    worst: Annotated[int, typer.Option(min=0, help="Cases of each kind that are printed.")] = 3,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where there are errors.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no table.")] = False,
) -> None:
    """Say what is wrong with labels: swapped sides, exchanged or misplaced points, doubles, leaks between splits.

    Example: cairn check wings.tps --html check.html
    """
    from cairn.errors import InputError
    from cairn.evaluation.check import check as look
    from cairn.formats import read

    for option, path, endings in (("--html", html, (".html", ".htm")), ("--json", json_file, (".json",))):
        if path is None or str(path) == "-":
            continue
        if Path(path).suffix.lower() not in endings:
            raise InputError(f"{option} {path}: end the name in {endings[0]}")
        if not Path(path).absolute().parent.is_dir():
            raise InputError(f"{option} {path}: there is no folder {Path(path).parent}; make it first")
    dataset = read(data, pictures=pictures)
    if scheme is not None:
        from cairn.cli.shape import _as_scheme

        dataset = _as_scheme(dataset, scheme)
    silent = quiet or json_file == "-"
    found = look(dataset, split=split, quiet=silent, name=data.name or str(data))
    if json_file == "-":
        import json

        print(json.dumps(found.to_json(), indent=1, allow_nan=False))
    elif json_file is not None:
        found.save(json_file)
    if html is not None:
        found.save(html)
    if not silent:
        from rich.console import Console

        Console(highlight=False, markup=False).print(found.table(worst))
    if strict and found.count("error"):
        raise typer.Exit(1)
