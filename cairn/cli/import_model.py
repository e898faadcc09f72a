"""``cairn import-model``: a model from another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_model(
    source: Annotated[Path, typer.Argument(help="dlib's shape predictor (.dat, or .dat.bz2).", show_default=False)],
    out: Annotated[Path, typer.Option(help="The model file to write (.cairn).", show_default=False)],
    scheme: Annotated[
        str | None, typer.Option(help="What its points are; 68 points are face68, others are numbered.")
    ] = None,
    finder: Annotated[
        str | None, typer.Option(help="Borrow the finder of this model of the same points; face68 for faces.")
    ] = None,
    boxes: Annotated[
        str,
        typer.Option(
            help="How boxes lie: dlib (as in its training), tight (around the points), auto (tight with a finder)."
        ),
    ] = "auto",
    nudge: Annotated[
        float,
        typer.Option(help="Share of the box by which it is moved to see the spread; 0 is faster, without spread."),
    ] = 0.05,
    licence: Annotated[str, typer.Option(help="Of the predictor, for the model's card.", show_default=False)] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not say what was written.")] = False,
) -> None:
    """Make a model of a dlib shape predictor; dlib itself is not needed.

    Example: cairn import-model shape_predictor.dat --out face.cairn
    """
    from cairn.errors import InputError
    from cairn.exchange import import_model as import_it

    if out.suffix != ".cairn":
        raise InputError(f"--out {out}: model files end in .cairn")
    choices = {"auto": None, "dlib": False, "tight": True}
    if boxes not in choices:
        raise InputError(f"--boxes {boxes}: choose one of {', '.join(choices)}")
    model = import_it(source, points=scheme, finder=finder, tight=choices[boxes], nudge=nudge, licence=licence)
    model.save(out)
    if quiet:
        return
    named = f" ({model.skeleton.name})" if model.skeleton.name else ""
    print(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB): {len(model.skeleton)} points{named}")
    if model.finder is None:
        print("it has no finder: give it boxes (cairn detect --boxes), or borrow one of the same points with --finder")
