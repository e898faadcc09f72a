"""An answer drawn: rows as dots, landmarks as rings, pictures of some rows where they have any."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from cairn.explore.analysis import Answer

__all__ = ["COLOURS", "curve_picture", "group_names", "scatter_picture"]

COLOURS = (
    *("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"),  # Paul Tol's bright scheme
    *("#e69f00", "#332288", "#117733", "#882255", "#999933", "#44aa99"),
)
_GREY = "#9aa4ad"
_MOST_DOTS = 200_000
_THUMBNAILS = 28
_SIDE = 46  # px of a thumbnail
_DPI = 110


def group_names(answer: Answer) -> tuple[np.ndarray | None, list[str]]:
    """What colours the dots: (n,) numbers of groups and their names: clusters, else labels; None where neither."""
    if answer.labels is not None:
        found = np.unique(answer.labels)
        return np.searchsorted(found, answer.labels), [f"group {int(v)}" for v in found]
    if answer.table.label is not None:
        names, number = np.unique(answer.table.label, return_inverse=True)
        return number, [str(name) for name in names]
    return None, []


def scatter_picture(answer: Answer) -> bytes:
    """PNG of the first two coordinates."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    placed = np.asarray(answer.placed, float)
    if placed.shape[1] == 1:
        placed = np.column_stack([placed, np.zeros(len(placed))])
    marks = np.column_stack([answer.marks, np.zeros(len(answer.marks))])[:, :2]
    group, names = group_names(answer)
    figure = Figure(figsize=(9.2, 7.2), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.add_subplot()
    rng = np.random.default_rng(0)
    shown = np.sort(rng.permutation(len(placed))[:_MOST_DOTS])
    size = float(np.clip(50_000 / len(shown), 0.6, 26))
    colours: Any = _GREY if group is None else np.array(COLOURS)[group[shown] % len(COLOURS)]
    axis.scatter(placed[shown, 0], placed[shown, 1], s=size, c=colours, linewidths=0, alpha=0.75, zorder=2)
    _rings(axis, marks)
    pictured = _thumbnails(axis, answer, placed, group)
    if names and len(names) <= len(COLOURS):
        for i, name in enumerate(names):
            axis.scatter([], [], s=30, c=COLOURS[i], label=name if len(name) <= 24 else name[:23] + "…")
    axis.scatter([], [], s=26, facecolors="none", edgecolors="black", linewidths=0.8, label="landmark")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
    axis.set_title(_title(answer, len(shown), pictured), fontsize=10, loc="left")
    axis.set_aspect("equal", "datalim")
    axis.tick_params(labelsize=8, colors="#666666")
    axis.set_xlabel("coordinate 1", fontsize=9)
    axis.set_ylabel("coordinate 2", fontsize=9)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return _png(figure)


def curve_picture(answer: Answer) -> bytes | None:
    """PNG: seconds, and the figures that matter, by number of landmarks; None with fewer than two numbers."""
    rows = answer.by_landmarks
    if len(rows) < 2:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wanted = (
        "trustworthiness",
        "same place",
        "NMI",
        "same groups (ARI)",
        "neighbours with the same label",
        "silhouette",
    )
    figure = Figure(figsize=(8.4, 2.9), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    quality, cost = figure.subplots(1, 2)
    x = [row["landmarks"] for row in rows]
    for i, name in enumerate(name for name in wanted if name in rows[0]):
        quality.plot(x, [row.get(name, np.nan) for row in rows], marker="o", ms=4, color=COLOURS[i], label=name)
    quality.legend(frameon=False, fontsize=8)
    quality.set_title("how good, by number of landmarks", fontsize=9, loc="left")
    cost.plot(x, [row["seconds"] for row in rows], marker="o", ms=4, color="#555555")
    cost.set_ylim(bottom=0)
    cost.set_title("seconds, by number of landmarks", fontsize=9, loc="left")
    for axis in (quality, cost):
        axis.set_xscale("log")
        axis.set_xticks(x, [f"{int(v)}" for v in x])
        axis.minorticks_off()
        axis.tick_params(labelsize=8)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    return _png(figure)


def _title(answer: Answer, dots: int, pictured: int) -> str:
    table = answer.table
    said = f"{table.name}: {len(table):,} {table.what}, {answer.method}, {len(answer.marks):,} landmarks"
    if dots < len(answer.table):
        said += f"; {dots:,} of them drawn"
    return said + (f"; {pictured} pictures" if pictured else "")


def _rings(axis: Any, marks: np.ndarray) -> None:
    size = float(np.clip(4_000 / max(1, len(marks)), 7, 40))
    axis.scatter(
        marks[:, 0],
        marks[:, 1],
        s=size,
        facecolors="none",
        edgecolors="black",
        linewidths=0.7 if len(marks) < 300 else 0.4,
        zorder=3,
    )


def _thumbnails(axis: Any, answer: Answer, placed: np.ndarray, group: np.ndarray | None) -> int:
    """Pictures of rows that lie far from each other, on their dots; how many."""
    if answer.table.pictures is None:
        return 0
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    from cairn.points.distances import squared_to_row
    from cairn.points.selectors.max_min import farthest_first

    flat = np.ascontiguousarray(placed[:, :2])
    middle = int(((flat - flat.mean(axis=0)) ** 2).sum(axis=1).argmin())
    chosen = farthest_first(lambda row: squared_to_row(flat, row), middle, min(_THUMBNAILS, len(flat)))
    drawn = 0
    for row in chosen:
        pixels = answer.table.thumbnail(int(row), 2 * _SIDE)
        if pixels is None:
            continue
        colour = _GREY if group is None else COLOURS[int(group[row]) % len(COLOURS)]
        box = AnnotationBbox(
            OffsetImage(pixels, zoom=_SIDE / max(pixels.shape[:2]) * 72 / _DPI),
            flat[row],
            pad=0.12,
            bboxprops={"edgecolor": colour, "linewidth": 1.4},
            zorder=2.5,
        )
        axis.add_artist(box)
        drawn += 1
    return drawn


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
