"""``cairn split``: what to learn from and what to test on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairn.cli.options import Pictures

if TYPE_CHECKING:
    from cairn.dataset import Dataset


def split(
    data: Annotated[Path, typer.Argument(help="Labelled data: a file or a folder.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            help="A .json or .csv file, which says the split of each picture; or a folder for one file each.",
            show_default=False,
        ),
    ],
    test: Annotated[float, typer.Option(help="Share of the groups for test.")] = 0.2,
    val: Annotated[float, typer.Option(help="Share for val, a validation split; none where 0.")] = 0.0,
    by: Annotated[
        str, typer.Option(help="subject, or a column whose values stay together; pictures and subjects always do.")
    ] = "",
    block: Annotated[
        int | None, typer.Option(help="Cut a film into so many blocks of time instead; for frames of a video.")
    ] = None,
    gap: Annotated[int, typer.Option(help="Frames left out beside each border, with --block.")] = 1,
    stratify: Annotated[str, typer.Option(help="A column of which every split gets the same share.")] = "",
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    pictures: Pictures = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not say what was written.")] = False,
) -> None:
    """Split labelled pictures so that nobody is on both sides: by subject, evenly over a column, or by block of time.

    Example: cairn split wings.json --out wings-split.json --test 0.2 --by subject
    """  # fmt: skip
    from cairn.errors import InputError
    from cairn.formats import read
    from cairn.splits import block_split, split_into

    if seed < 0:
        raise InputError(f"--seed {seed}: give a whole number from 0")
    if block is not None and (by or stratify):
        raise InputError("--block cuts by time alone; leave out --by and --stratify")
    if out.suffix and out.suffix.lower() not in (".json", ".csv"):
        raise InputError(f"--out {out}: only .json (COCO) and .csv say a split; or give a folder, for a file each")
    if out.exists() and data.exists() and out.samefile(data):
        raise InputError(f"--out {out}: is the data itself; choose another name")
    dataset = read(data, pictures=pictures)
    before = _names(dataset)
    if before and not quiet:
        print(f"cairn: {data} has splits already ({', '.join(before)}); these are replaced", file=sys.stderr)
    shares = {"test": test} | ({"val": val} if val else {})
    if block is None:
        made = split_into(dataset, shares, by=by, stratify=stratify, seed=seed)
    else:
        made = block_split(dataset, shares, blocks=block, gap=gap, seed=seed)
    for sentence in _write(made, out):
        print(f"lost: {sentence}", file=sys.stderr)
    if not quiet:
        _say(made, out)


def _write(made: Dataset, out: Path) -> list[str]:
    from cairn.files import check_folder
    from cairn.formats import write

    if out.suffix:
        return write(made, out)
    check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    lost: dict[str, None] = {}
    for name in _names(made):
        lost |= dict.fromkeys(write(made.of_split(name), out / f"{name}.json"))
    return list(lost)


def _names(made: Dataset) -> list[str]:
    return [] if made.split is None else sorted({str(s) for s in made.split} - {""})


def _say(made: Dataset, out: Path) -> None:
    print(f"wrote {out}: {made.split_by}")
    for name in _names(made):
        part = made.of_split(name)
        print(f"  {name}: {len(part.images):,} pictures, {len(part):,} objects")
