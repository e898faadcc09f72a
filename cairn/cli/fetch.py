"""``cairn fetch``: public data by name, or by address and checksum."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def fetch(
    name: Annotated[
        str | None, typer.Argument(help="In the registry, or an address; without it the known names are listed.")
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder that the data comes into.")] = Path("."),
    sha256: Annotated[str | None, typer.Option(help="Checksum, of an address.", show_default=False)] = None,
    licence: Annotated[str | None, typer.Option(help="Licence, of an address.", show_default=False)] = None,
    registry: Annotated[
        Path | None, typer.Option(help="JSON file of names with address, sha256 and licence.", show_default=False)
    ] = None,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="I have read and accept it.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar; print the place only.")] = False,
) -> None:
    """Fetch public data: the licence is shown and must be accepted, the checksum must be right.

    Example: cairn fetch coco2017-labels --to data --accept-licence
    """
    from cairn.fetch import REGISTRY, entry_of, read_registry
    from cairn.fetch import fetch as bring

    if name is None:
        known = REGISTRY | (read_registry(registry) if registry else {})
        for entry in known.values():
            size = f"{entry.bytes / 1e6:,.0f} MB; " if entry.bytes else ""
            print(f"{entry.name}: {entry.what or entry.address} ({size}{entry.licence})")
        return
    entry = entry_of(name, sha256=sha256, licence=licence, registry=registry)
    if not quiet or not accept_licence:
        print(f"{entry.terms()}\nfrom {entry.address}", file=sys.stderr)
        if entry.cite:
            print(f"cite: {entry.cite}", file=sys.stderr)
    if not accept_licence and sys.stdin is not None and sys.stdin.isatty():
        accept_licence = typer.confirm("Do you accept this licence?", err=True)
    place = bring(entry, to, accept_licence=accept_licence, quiet=quiet)
    print(place)
