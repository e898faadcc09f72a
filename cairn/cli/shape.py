"""``cairn shape``: how the shapes in labelled data vary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairn.cli.options import Pictures

if TYPE_CHECKING:
    from cairn.dataset import Dataset
    from cairn.shape.model import ShapeModel

_DRAWN = 6  # modes in the picture where no number is asked for


def shape(
    data: Annotated[Path, typer.Argument(help="Labelled data: a file or a folder.", show_default=False)],
    modes: Annotated[int | None, typer.Option(help="How many; held-out shapes decide where absent.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a picture of the modes and tables for R (CSV).", show_default=False)
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="A known skeleton whose names and edges the points have, e.g. wings12.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only this split of the data; all where absent.")] = None,
    pictures: Pictures = None,
    rigid: Annotated[bool, typer.Option("--rigid", help="Keep the sizes: study shape and size together.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Lay labelled shapes on each other and find the ways in which they vary.

    Writes modes.png, scores.csv, aligned.csv, mean.csv, modes.csv and shape.json into the folder.

    Example: cairn shape wings.tps --modes 3 --out wings-shape
    """
    import json

    from cairn.errors import InputError
    from cairn.files import check_folder
    from cairn.formats import read
    from cairn.shape.model import ShapeModel
    from cairn.shape.tables import summary

    if out is not None:
        if out.is_file():
            raise InputError(f"--out {out}: is a file; give a folder")
        check_folder(out)
    if modes is not None and modes < 1:
        raise InputError(f"--modes {modes}: expected 1 or more")
    dataset = read(data, pictures=pictures)
    if split is not None:
        dataset = dataset.of_split(split)
    if scheme is not None:
        dataset = _as_scheme(dataset, scheme)
    model = ShapeModel(modes, scale=not rigid, mirrored=False).fit(dataset)
    said = {"data": str(data), **summary(model)}
    if out is not None:
        _write(model, dataset, out, min(modes or _DRAWN, len(model.modes_)), json.dumps(said, indent=1) + "\n")
    if model.caution:
        print(f"cairn: {model.caution}", file=sys.stderr)
    if as_json:
        print(json.dumps(said, indent=1))
        return
    _print(model, out)


def _as_scheme(dataset: Dataset, name: str) -> Dataset:
    from dataclasses import replace

    from cairn.errors import InputError
    from cairn.schemes import scheme

    skeleton = scheme(name)
    if len(skeleton) != len(dataset.skeleton):
        raise InputError(f"--scheme {name}: has {len(skeleton)} points; the data has {len(dataset.skeleton)}")
    return replace(dataset, landmarks=replace(dataset.landmarks, skeleton=skeleton))


def _write(model: ShapeModel, dataset: Dataset, folder: Path, drawn: int, figures: str) -> None:
    from cairn.draw import save_picture
    from cairn.files import write_whole
    from cairn.shape.plots import draw_modes
    from cairn.shape.tables import tables

    written = tables(model, dataset.landmarks, _specimens(dataset))
    flat = model.mean_.shape[1] == 2
    picture = draw_modes(
        model,
        dataset.skeleton,
        modes=drawn,
        aligned=model.align(dataset.landmarks.points) if flat else None,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        write_whole(folder / name, text)
    write_whole(folder / "shape.json", figures)
    save_picture(picture, folder / "modes.png")


def _specimens(dataset: Dataset) -> list[str]:
    """A name for each row: of its picture, and which of several objects in it."""
    index = dataset.landmarks.image_index
    names = [dataset.images.label(int(i)).replace("\\", "/").rsplit("/", 1)[-1] for i in index]
    taken: dict[str, int] = {}
    found = []
    for name in names:
        count = taken[name] = taken.get(name, 0) + 1
        found.append(name if count == 1 else f"{name}#{count}")
    return found


def _print(model: ShapeModel, out: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    k, d = model.mean_.shape
    unit = "mean's centroid size" if model.scale else "px"
    table = Table(title=f"{model.n_shapes_} shapes of {k} points in {d} dimensions", title_justify="left", box=None)
    table.add_column("mode", justify="right")
    table.add_column(f"sd ({unit})", justify="right")
    table.add_column("share of variance", justify="right")
    table.add_column("together", justify="right")
    together = 0.0
    for j, (variance, share) in enumerate(zip(model.sample_variances_, model.explained_variance_ratio_, strict=True)):
        together += share
        if j < 20:
            table.add_row(str(j + 1), f"{variance**0.5:.4g}", f"{100 * share:.1f} %", f"{100 * together:.1f} %")
    if len(model.modes_) > 20:
        table.add_row("...", "", "", f"{100 * together:.1f} %")
    Console(highlight=False, markup=False).print(table)
    if out is not None:
        print(f"{out}: modes.png, scores.csv, aligned.csv, mean.csv, modes.csv, shape.json")
