"""What the benchmarks of faces and finders share: figures as rows, their table, the machine, the clock."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CAIRN_DATA", ROOT / ".." / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "results"

Figure = dict[str, Any]


def figure(
    model: str, what: str, unit: str, value: float, low: float = np.nan, high: float = np.nan, **more: Any
) -> Figure:
    """One row: a value in its unit, its 95 % interval where there is one, n and other remarks."""
    return {"model": model, "what": what, "unit": unit, "value": value, "low": low, "high": high, **more}


def plain(rows: Iterable[Figure]) -> list[Figure]:
    """The rows as JSON can hold them: what is not known is null."""
    return [{k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()} for row in rows]


def table(rows: Iterable[Figure], first: str = "model") -> list[str]:
    """Lines of Markdown; the rows as `plain` gives them."""
    lines = [f"| {first} | figure | value | 95 % interval | n |", "|---|---|---|---|---|"]
    for row in rows:
        span = "" if row["low"] is None else f"{row['low']:.3g} to {row['high']:.3g}"
        value = "none" if row["value"] is None else f"{row['value']:.4g} {row['unit']}"
        lines.append(f"| {row['model']} | {row['what']} | {value} | {span} | {row.get('n', '')} |")
    return lines


def machine() -> str:
    """The machine in words."""
    name = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = [line.split(":")[1].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def median_seconds(call: Callable[[], Any], times: int) -> float:
    """Of `times` calls, after one that is not counted."""
    call()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))
