"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Pictures"]

Pictures = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where the pictures are, if not beside the labels.")
]
