"""``cairn train``: from labelled data to a model file."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cairn.cli.options import Pictures


def train(
    data: Annotated[Path, typer.Argument(help="Labelled data: a file or a folder.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The model file to write (.cairn).", show_default=False)],
    also: Annotated[
        list[Path] | None,
        typer.Option(help="More data, of the same or other points; each point learns where it is labelled."),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="heatmap (the default), heatmap-small, ert or mean.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time to train; 20 where no --steps are given.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps to train instead, to repeat a training exactly.")] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    split: Annotated[str | None, typer.Option(help="Split to learn from; train where the data has it.")] = None,
    pictures: Pictures = None,
    folder: Annotated[
        Path | None, typer.Option(help="For checkpoints and learning curves; a stopped training continues there.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="A model of the same recipe from whose weights to start, a name or a file.")
    ] = None,
    finder: Annotated[str, typer.Option(help="auto (read off the data), whole, train or none.")] = "auto",
    licence: Annotated[
        str | None, typer.Option(help="Of the data, where its files do not say it; it goes into the model.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    allow_leakage: Annotated[
        bool, typer.Option("--allow-leakage", help="Train although a subject or picture is in several splits.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no remarks.")] = False,
) -> None:
    """Train a model from labelled pictures. The recipe is chosen from the data and the time given.

    Example: cairn train wings.tps --out wings.cairn --minutes 20
    """
    from cairn.errors import InputError
    from cairn.formats import read
    from cairn.model_file import load
    from cairn.recipes import check_choices
    from cairn.recipes import train as learn

    if out.suffix != ".cairn":
        raise InputError(f"--out {out}: model files end in .cairn")
    home = out.absolute().parent
    if not home.is_dir() or not os.access(home, os.W_OK):
        raise InputError(f"--out {out}: there is no folder {home} that can be written to")  # said before, not after
    if minutes is None and steps is None:
        minutes = 20.0
    check_choices(recipe, minutes, steps, finder, device)
    first = None if start is None else load(start)
    dataset = read(data, pictures=pictures)
    names = [data.name or str(data)]
    if also:
        from cairn.schemes.mixture import mixture

        own = len(dataset.skeleton)
        dataset = mixture([dataset, *(read(more, pictures=pictures) for more in also)])
        names += [more.name or str(more) for more in also]
        if not quiet:
            print(f"points: {own} of {data}, {len(dataset.skeleton)} in all sets together", file=sys.stderr)
    model = learn(
        dataset if licence is None else replace(dataset, licence=licence),
        recipe=recipe,
        minutes=minutes,
        steps=steps,
        seed=seed,
        split=split,
        folder=folder,
        quiet=quiet,
        finder=finder,
        device=device,
        start=first,
        name=out.stem,
        data_name=" + ".join(names),
        allow_leakage=allow_leakage,
    )
    model.save(out)
    if not quiet:
        print(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB); cairn info {out} shows its card")
