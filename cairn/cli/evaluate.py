"""``cairn evaluate``: how good a model is on labelled data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[str, typer.Argument(help="A model file, or the name of one.", show_default=False)],
    data: Annotated[Path, typer.Argument(help="Labelled data: a file or a folder.", show_default=False)],
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the scores as JSON; - for standard output.")
    ] = None,
    boxes: Annotated[str, typer.Option(help="given: those of the data; found: those of the model's finder.")] = "given",
    split: Annotated[str | None, typer.Option(help="Only this split of the data; all where absent.")] = None,
    worst: Annotated[Path | None, typer.Option(help="Write a picture of the worst cases (.png or .jpg).")] = None,
    points: Annotated[bool, typer.Option("--points", help="Also print the error of each point.")] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap intervals.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no table.")] = False,
) -> None:
    """Measure a model on labelled data: every score with normaliser, boxes, split, number of cases and interval.

    Example: cairn evaluate face68 test/ --split test --worst worst.png
    """
    from cairn.errors import InputError
    from cairn.evaluation.evaluate import evaluate as measure
    from cairn.files import check_folder

    if boxes not in ("given", "found"):
        raise InputError(f"--boxes {boxes}: choose given or found")
    for file in (None if json_file in (None, "-") else Path(str(json_file)), worst):
        if file is not None:
            if not file.absolute().parent.is_dir():
                raise InputError(f"{file}: there is no folder {file.parent} to write it into")
            check_folder(file.parent)
    if worst is not None and worst.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError(f"--worst {worst}: end the name in .png or .jpg")
    silent = quiet or json_file == "-"
    report = measure(model, data, boxes=boxes, split=split, seed=seed, quiet=silent)  # type: ignore[arg-type]
    for sentence in report.warnings:
        print(f"cairn: {sentence}", file=sys.stderr)
    if json_file == "-":
        import json

        print(json.dumps(report.to_json(), indent=1, allow_nan=False))
    elif json_file is not None:
        report.save(json_file)
    if worst is not None:
        from cairn.draw import save_picture
        from cairn.report.sheet import worst_sheet

        save_picture(worst_sheet(report), worst)
    if not silent:
        from rich.console import Console

        console = Console(highlight=False)
        console.print(report.table())
        if points:
            console.print(report.point_table())
    if report.warnings:
        raise typer.Exit(2)
