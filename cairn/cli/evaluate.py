"""``cairn evaluate``: how good a model is on labelled data, or which of several is better."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairn.cli.options import Pictures

if TYPE_CHECKING:
    from cairn.report.comparison import Comparison
    from cairn.report.figures import Report


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="A model file, or the name of one; several are compared on the same pictures, with the first.",
            show_default=False,
        ),
    ],
    data: Annotated[Path, typer.Argument(help="Labelled data: a file or a folder.", show_default=False)],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page for people, which needs no network.")
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the scores as JSON; - for standard output.")
    ] = None,
    boxes: Annotated[str, typer.Option(help="given: those of the data; found: those of the model's finder.")] = "given",
    split: Annotated[str | None, typer.Option(help="Only this split of the data; all where absent.")] = None,
    pictures: Pictures = None,
    worst: Annotated[Path | None, typer.Option(help="Write a picture of the worst cases (.png or .jpg).")] = None,
    points: Annotated[bool, typer.Option("--points", help="Also print the error of each point.")] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap intervals.")] = 0,
    allow_leakage: Annotated[
        bool, typer.Option("--allow-leakage", help="Measure although a subject or picture is in several splits.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no table.")] = False,
) -> None:
    """Measure a model on labelled data: every score with normaliser, boxes, split, number of cases and interval.

    Example: cairn evaluate face68 test/ --split test --html report.html

    Several models: cairn evaluate face68 mine.cairn test/ --html report.html
    """
    from cairn.errors import InputError
    from cairn.evaluation.compare import compare

    if boxes not in ("given", "found"):
        raise InputError(f"--boxes {boxes}: choose given or found")
    _check_files(json_file, html, worst)
    if worst is not None and len(models) > 1:
        raise InputError(f"--worst {worst}: shows one model; for {len(models)} give --html, which shows them all")
    if html is not None and len(models) > 6:
        raise InputError(f"--html {html}: a page can show at most 6 models side by side; {len(models)} were given")
    silent = quiet or json_file == "-"
    result = compare(
        models,
        data,
        boxes=boxes,  # type: ignore[arg-type]
        split=split,
        pictures=pictures,
        seed=seed,
        quiet=silent,
        allow_leakage=allow_leakage,
    )
    said: Report | Comparison = result if len(models) > 1 else result.reports[0]
    warnings = list(dict.fromkeys(sentence for report in result for sentence in report.warnings))
    for sentence in warnings:
        print(f"cairn: {sentence}", file=sys.stderr)
    if json_file == "-":
        import json

        print(json.dumps(said.to_json(), indent=1, allow_nan=False))
    elif json_file is not None:
        said.save(json_file)
    if html is not None:
        said.save_page(html, command=_command(models, data, boxes, split, pictures, seed))
    if worst is not None:
        from cairn.draw import save_picture
        from cairn.report.sheet import worst_sheet

        save_picture(worst_sheet(result.reports[0]), worst)
    if not silent:
        _print(result, points)
    if warnings:
        raise typer.Exit(2)


def _check_files(json_file: str | None, html: Path | None, worst: Path | None) -> None:
    """Refuse what cannot be written before minutes are spent."""
    from cairn.errors import InputError
    from cairn.files import check_folder

    for file in (None if json_file in (None, "-") else Path(str(json_file)), html, worst):
        if file is not None:
            if not file.absolute().parent.is_dir():
                raise InputError(f"{file}: there is no folder {file.parent} to write it into")
            check_folder(file.parent)
    if worst is not None and worst.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError(f"--worst {worst}: end the name in .png or .jpg")
    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--html {html}: end the name in .html")


def _command(models: list[str], data: Path, boxes: str, split: str | None, pictures: Path | None, seed: int) -> str:
    """What makes the same figures again."""
    import shlex

    options = [] if boxes == "given" else ["--boxes", boxes]
    options += ["--split", split] if split else []
    options += ["--pictures", str(pictures)] if pictures is not None else []
    options += ["--seed", str(seed)] if seed else []
    return shlex.join(["cairn", "evaluate", *models, str(data), *options])


def _print(result: Comparison, points: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    tables = [t for r in result for t in ([r.table(), r.point_table()] if points else [r.table()])]
    for i, table in enumerate([*tables, *result.tables()]):
        console.print(*([""] if i else []), table)
