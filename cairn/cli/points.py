"""``cairn embed`` and ``cairn cluster``: tables and shapes, seen and measured."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

if TYPE_CHECKING:
    from cairn.explore.analysis import Answer
    from cairn.explore.table import Table

_Data = Annotated[
    Path, typer.Argument(help="A table (.csv, .npy, .npz, .parquet) or labels in any format.", show_default=False)
]
_Landmarks = Annotated[int | None, typer.Option(help="How many rows stand for all.", show_default=False)]
_Selector = Annotated[str | None, typer.Option(help="How landmarks are chosen: random, kmeans, local, ...")]
_Label = Annotated[str | None, typer.Option(help="Column of labels, to colour by and to compare with.")]
_Columns = Annotated[str | None, typer.Option(help="Columns of the table to take, with commas between.")]
_Format = Annotated[str | None, typer.Option(help="Label format where it cannot be told; table: not labels.")]
_Standardise = Annotated[bool, typer.Option("--standardise", help="Divide columns by their standard deviation.")]
_Kind = Annotated[
    str, typer.Option("--of", help="Of labelled pictures: shapes, or descriptors of how they look at the points.")
]
_Out = Annotated[Path | None, typer.Option(help="Folder to write into; NAME-map or NAME-groups where absent.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON; write files only with --out.")]
_Seed = Annotated[int, typer.Option(help="Of every random choice.")]
_Once = Annotated[bool, typer.Option("--once", help="Do not try other numbers of landmarks.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing.")]


def embed(
    data: _Data,
    method: Annotated[
        str, typer.Option(help="mds, stress-mds, isomap, stress-isomap, kernel-pca, spectral or diffusion.")
    ] = "mds",
    landmarks: _Landmarks = None,
    components: Annotated[int, typer.Option(help="Coordinates of the result; two of them are drawn.")] = 2,
    selector: _Selector = None,
    neighbours: Annotated[int | None, typer.Option(help="Of each row in isomap's graph.", show_default="8")] = None,
    label: _Label = None,
    columns: _Columns = None,
    format: _Format = None,
    standardise: _Standardise = False,
    kind: _Kind = "shapes",
    out: _Out = None,
    as_json: _Json = False,
    seed: _Seed = 0,
    once: _Once = False,
    quiet: _Quiet = False,
) -> None:
    """Map the rows of a table, or shapes, in few coordinates: picture, page, table of results, and how good it is.

    Example: cairn embed wings.tps --method mds
    """
    from cairn.explore import embed as place

    table, folder = _start(data, "map", label, columns, format, standardise, kind, out, as_json, quiet)
    answer = place(
        table,
        method,
        landmarks=landmarks,
        components=components,
        selector=selector,
        neighbours=neighbours,
        seed=seed,
        compare=not once,
    )
    _finish(answer, folder, as_json, quiet)


def cluster(
    data: _Data,
    clusters: Annotated[
        int | None, typer.Option(help="How many groups; counted by the gap in the spectrum where absent.")
    ] = None,
    method: Annotated[str, typer.Option(help="spectral, ensemble or kasp.")] = "spectral",
    landmarks: _Landmarks = None,
    selector: _Selector = None,
    label: _Label = None,
    columns: _Columns = None,
    format: _Format = None,
    standardise: _Standardise = False,
    kind: _Kind = "shapes",
    out: _Out = None,
    as_json: _Json = False,
    seed: _Seed = 0,
    once: _Once = False,
    quiet: _Quiet = False,
) -> None:
    """Find groups of rows, or of shapes: picture, page, table of results, and how good they are.

    Example: cairn cluster digits.npz --clusters 10 --label y
    """
    from cairn.explore import cluster as group

    table, folder = _start(data, "groups", label, columns, format, standardise, kind, out, as_json, quiet)
    answer = group(
        table,
        method,
        clusters=clusters,
        landmarks=landmarks,
        selector=selector,
        seed=seed,
        compare=not once,
    )
    _finish(answer, folder, as_json, quiet)


def _start(
    data: Path,
    what: str,
    label: str | None,
    columns: str | None,
    format: str | None,
    standardise: bool,
    kind: str,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> tuple[Table, Path | None]:
    from cairn.errors import InputError
    from cairn.explore import read_rows
    from cairn.files import check_folder

    folder = out if out is not None else None if as_json else Path(f"{data.resolve().stem}-{what}")
    if folder is not None:
        if folder.is_file():
            raise InputError(f"--out {folder}: is a file; expected a folder")
        check_folder(folder)
    wanted = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    table = read_rows(
        data,
        label=label,
        columns=wanted,
        format=format,
        standardise=standardise,
        kind=kind,
        quiet=quiet or as_json,
    )
    return table, folder


def _finish(answer: Answer, folder: Path | None, as_json: bool, quiet: bool) -> None:
    for sentence in answer.remarks:
        print(f"cairn: {sentence}", file=sys.stderr)
    written = []
    if folder is not None:
        from cairn.explore.page import page
        from cairn.explore.picture import scatter_picture
        from cairn.files import made_whole, write_whole

        folder.mkdir(parents=True, exist_ok=True)
        picture = scatter_picture(answer)
        figures = json.dumps(answer.to_json(), indent=1, allow_nan=False) + "\n"
        html = page(answer, picture, "cairn " + " ".join(sys.argv[1:]) if Path(sys.argv[0]).stem == "cairn" else "")
        for name, content in (
            ("scatter.png", picture),
            ("figures.json", figures),
            ("index.html", html),
        ):
            write_whole(folder / name, content)
            written.append(name)
        with made_whole(folder / "rows.csv") as path, open(path, "w", encoding="utf-8", newline="") as file:
            _write_rows(answer, file)
        written.append("rows.csv")
    if as_json:
        print(json.dumps(answer.to_json(), indent=1, allow_nan=False))
    elif not quiet:
        _print(answer)
        print(f"wrote {', '.join(written)} in {folder}")


def _write_rows(answer: Answer, file: TextIO) -> None:
    """CSV: name, coordinates, cluster, label, and whether the row is a landmark."""
    writer = csv.writer(file, lineterminator="\n")
    table = answer.table
    head: list[str] = ["row", "name", *(f"coordinate_{i + 1}" for i in range(answer.placed.shape[1]))]
    landmark = None
    if answer.landmark_rows is not None:
        landmark = {int(row) for row in answer.landmark_rows}
    head += ["cluster"] if answer.labels is not None else []
    head += [table.label_name] if table.label is not None else []
    head += ["landmark"] if landmark is not None else []
    writer.writerow(head)
    for i in range(len(table)):
        line: list[Any] = [i, table.names[i], *(f"{v:.7g}" for v in answer.placed[i])]
        line += [int(answer.labels[i])] if answer.labels is not None else []
        line += [table.label[i]] if table.label is not None else []
        line += [int(i in landmark)] if landmark is not None else []
        writer.writerow(line)


def _print(answer: Answer) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(
        f"{answer.table.name}: {len(answer.table):,} {answer.table.what}, {len(answer.marks):,} landmarks", markup=False
    )
    shown = Table(box=None, pad_edge=False)
    rows = answer.by_landmarks or [{"landmarks": float(len(answer.marks)), **answer.figures}]
    shown.add_column("landmarks", no_wrap=True)
    for row in rows:
        chosen = len(rows) > 1 and row["landmarks"] == len(answer.marks)
        shown.add_column(f"{row['landmarks']:,.0f}", justify="right", style="bold" if chosen else "")
    for name in rows[0]:
        if name != "landmarks":
            shown.add_row(name, *(f"{row.get(name, float('nan')):.4g}" for row in rows))
    console.print(shown)
