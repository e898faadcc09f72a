"""``cairn detect --on ray``: many pictures, on the workers of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cairn.cli.boxes import Boxes
    from cairn.images import Source

__all__ = ["detect_on_ray"]


def detect_on_ray(
    pictures: list[Path],
    model: str,
    out: Path | None,
    boxes: Boxes,
    where: str,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find landmarks in folders and Parquet files; what was found by a run that was stopped is not looked for again.

    Raises
    ------
    InputError : nothing to do, an output that cannot be written, Ray is not installed
    typer.Exit : code 2 where a picture failed
    """
    from cairn.cli.detect import find_sources, nameable, report
    from cairn.cli.outputs import choose_outputs
    from cairn.distributed.cluster import connect
    from cairn.distributed.pictures import detect_ray, divide
    from cairn.errors import InputError
    from cairn.progress import progress

    if where != "ray":
        raise InputError(f"--on {where}: expected here or ray")
    if workers is not None and workers < 1:
        raise InputError(f"--workers {workers}: expected at least 1")
    parquet = [path for path in pictures if _is_parquet(path)]
    failures: list[str] = []
    sources: list[Source] = find_sources([path for path in pictures if path not in parquet], failures)
    outputs = choose_outputs(pictures, max(2, len(sources)), out, False, silent=False)
    points = outputs.points
    if points is None:
        raise InputError(f"--out {out}: one picture cannot hold many; give a .csv or .json file, or a folder")
    if parquet and (points.suffix.lower() != ".csv" or as_json):
        raise InputError("points of pictures in Parquet are written as CSV: end --out in .csv and leave --json away")
    sources = nameable(sources, points, failures)
    blocks = divide(sources, parquet)
    if not blocks:
        raise InputError(failures[0] if failures else f"{pictures[0]}: holds no pictures")
    connect(workers)
    with progress("blocks of pictures", len(blocks), quiet=quiet or as_json) as advance:
        found = detect_ray(
            blocks,
            model,
            points.with_name(f".{points.name}.parts"),
            boxes=boxes,
            workers=workers,
            tick=advance,
        )
    failures += found.failures
    report(found.landmarks, list(found.sources), failures, points, as_json=as_json, quiet=quiet)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq") or (path.is_dir() and any(path.glob("*.parquet")))
