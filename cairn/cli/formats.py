"""``cairn formats``: what can be read and written."""

from __future__ import annotations

from typing import Annotated

import typer


def formats(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the label formats that cairn reads and writes, and what each was held against in the tests.

    Example: cairn formats
    """
    from cairn.formats import FORMATS

    rows = []
    for name, module in FORMATS.items():
        about = (module.__doc__ or "").strip().partition("\n\n")[0]
        verified = getattr(module, "VERIFIED", "")
        rows.append({"name": name, "about": " ".join(about.replace("``", "").split()), "verified": verified})
    if as_json:
        import json

        print(json.dumps(rows, indent=1))
        return
    width = max(len(r["name"]) for r in rows)
    for row in rows:
        held = f"held against {row['verified']}" if row["verified"] else "unverified"
        print(f"{row['name']:<{width}}  {row['about']} [{held}]")
