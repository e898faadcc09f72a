"""``cairn export-model``: a model for another tool."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def export_model(
    model: Annotated[str, typer.Argument(help="A model file, or the name of one.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file to write (.dat, .onnx).", show_default=False)],
    to: Annotated[
        str | None, typer.Option(help="dlib (regression trees) or onnx (networks); else the ending says it.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not say what was written.")] = False,
) -> None:
    """Write a model for another tool, and say what its file cannot hold.

    Example: cairn export-model face.cairn --to dlib --out face.dat
    """
    from cairn.exchange import export_model as export_it
    from cairn.model_file import load

    for sentence in export_it(load(model), out, to=to):
        print(f"lost: {sentence}", file=sys.stderr)
    if not quiet:
        print(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB)")
