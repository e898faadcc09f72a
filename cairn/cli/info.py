"""``cairn info``: what a model is, how good, and under which licences."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import typer


def info(
    model: Annotated[str, typer.Argument(help="A model file, or the name of one.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="The whole card as JSON.")] = False,
) -> None:
    """Print a model's card: data, training, scores, licences.

    Example: cairn info face68
    """
    from cairn.model_file import load

    loaded = load(model)
    card = dict(loaded.card)
    if as_json:
        print(json.dumps({**card, "skeleton": loaded.skeleton.to_json()}, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(card, loaded):
        table.add_row(name, value)
    Console(highlight=False, markup=False).print(table)


def _rows(card: dict[str, Any], loaded: Any) -> list[tuple[str, str]]:
    # A card may come from anywhere; what has not the form that `cairn train` gives it is left out.
    data, recipe, licences = (_of(card.get(k), dict) for k in ("data", "recipe", "licences"))
    rows = [("model", str(card.get("name") or "unnamed")), ("what", str(card.get("what", "not stated")))]
    points = f"{len(loaded.skeleton)}: {', '.join(loaded.skeleton.names[:6])}"
    rows.append(("points", points + (", ..." if len(loaded.skeleton) > 6 else "")))
    rows.append(("finder", "none: boxes must be given" if loaded.finder is None else type(loaded.finder).__name__))
    rows.append(("confidence", "as the detector gives it" if loaded.calibration is None else "calibrated"))
    imported = _of(card.get("imported"), dict)
    if imported:
        rows.append(("imported", f"from {imported.get('from', '?')}: {imported.get('file', '?')}"))
    rows.append(("verdict", _verdict(loaded.plausibility)))
    if data:
        counted = f"{data.get('objects', '?')} objects in {data.get('pictures', '?')} pictures"
        rows.append(("data", f"{data.get('name') or 'unnamed'}: {counted}, {data.get('split', '')}"))
        rows.append(("held out", f"{data.get('held_out', 0)} of these objects"))
        rows.append(("data hash", str(data.get("hash", ""))))
    if recipe:
        taken = f"{card.get('steps') or 'no'} steps, {card.get('minutes')} minutes, seed {card.get('seed')}"
        rows.append(("recipe", f"{recipe.get('name')}; {taken}"))
        rows.append(("machine", str(card.get("machine", ""))))
    for title, key in (("score", "scores"), ("mean shape", "floor")):
        rows += [(title, _score(s)) for s in _of(card.get(key), list) if isinstance(s, dict)]
    rows += [(f"licence: {what}", str(text)) for what, text in licences.items() if text]
    rows.append(("made", f"{card.get('created', 'not stated')} with cairn {card.get('cairn', '?')}"))
    return rows


def _verdict(plausibility: Any) -> str:
    if plausibility is None:
        return "none: answers are not judged"
    shapes, fits = plausibility.rows
    seen = f"{shapes} shapes" + (f" and {fits} good fits" if fits else "")
    return f"on whole, parts and points, from {seen}; {100 * plausibility.false_alarms:g} % false alarms"


def _of(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) else kind()


def _score(score: dict[str, Any]) -> str:
    def figure(key: str) -> float:
        value = score.get(key)
        return float(value) if isinstance(value, (int, float)) else math.nan

    said = {key: score.get(key, "?") for key in ("metric", "unit", "boxes", "n", "split")}
    interval = "" if math.isnan(figure("low")) else f" ({figure('low'):.4g} to {figure('high'):.4g})"
    of = f" of {score['normaliser']}" if score.get("normaliser") else ""
    return (
        f"{said['metric']} {figure('value'):.4g}{interval} {said['unit']}{of}; boxes {said['boxes']}; "
        f"{said['n']} objects, {said['split']}"
    )
