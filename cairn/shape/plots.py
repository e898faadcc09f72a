"""Each mode as a picture: the mean in grey, the shape at so many standard deviations in colour, lines between them.

One row a mode, two shapes below the mean and two above; the first row, where specimens are given, shows all of them
on the mean. Shapes in 3-D are drawn in three views at the largest deviation, -3 in one colour and +3 in the other. In
the plane y points down, as in pictures. Where all modes are too small to be seen, all are drawn so many times as large,
and the sheet says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cairn.shape.model import ShapeModel
from cairn.skeleton import Skeleton

__all__ = ["draw_modes"]

_MEAN = "#9a9a9a"
_LOW, _HIGH = "#0072b2", "#d55e00"  # Okabe and Ito 2008: apart for everyone
_VIEWS = (((0, 1), "x y"), ((0, 2), "x z"), ((1, 2), "y z"))
_SIDE = 2.5  # inches of a panel
_BAND = 0.5  # inches above a row, for its titles
_SEEN = 0.1  # of the mean's extent: how far the largest move should go to be seen


def draw_modes(
    model: ShapeModel,
    skeleton: Skeleton | None = None,
    *,
    modes: int = 3,
    deviations: Sequence[float] = (-3.0, -1.5, 1.5, 3.0),
    aligned: np.ndarray | None = None,
    dpi: int = 100,
) -> np.ndarray:
    """A sheet of the model's first modes.

    Parameters
    ----------
    model : fitted, 2-D or 3-D
    skeleton : its edges are drawn; points alone where absent
    modes : how many, at most those that the model has
    deviations : of the scores, in standard deviations; in 3-D only the first and last are drawn
    aligned : (N, K, D) specimens laid on the mean, for the first row; 2-D only
    dpi : pixels per inch; a panel has 2.5 inches

    Returns
    -------
    (H, W, 3) uint8 RGB
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    mean = model.mean_
    k, d = mean.shape
    modes = max(1, min(modes, len(model.modes_)))
    edges = [] if skeleton is None else [list(e) for e in skeleton.edges]
    reach = np.sqrt(model.sample_variances_[:modes])
    furthest = max(abs(s) for s in deviations) * (reach[:, None] * np.linalg.norm(model.modes_[:modes], axis=2)).max()
    extent = float((mean.max(axis=0) - mean.min(axis=0)).max())
    times = int(np.clip(round(_SEEN * extent / max(furthest, 1e-300)), 1, 1000)) if furthest > 0 else 1
    moves = times * reach[:, None, None] * model.modes_[:modes]
    limits = _limits(np.concatenate([mean, *(mean + s * move for move in moves for s in deviations)]))
    first = int(aligned is not None and d == 2)
    columns = len(deviations) if d == 2 else len(_VIEWS)
    width, height = _panel(limits, (0, 1)) if d == 2 else (_SIDE, _SIDE)
    size_inches = (columns * width, (modes + first) * (height + _BAND))
    figure = Figure(figsize=size_inches, dpi=dpi, facecolor="white")
    canvas = FigureCanvasAgg(figure)

    def panels(r: int) -> list[Any]:
        bottom = 1 - ((r + 1) * (height + _BAND)) / size_inches[1]
        return [figure.add_axes((c / columns, bottom, 1 / columns, height / size_inches[1])) for c in range(columns)]

    size = float(np.clip(220 / k, 2, 18))
    if first:
        _specimens(panels(0), mean, np.asarray(aligned), edges, limits, size)
    for j in range(modes):
        title = f"mode {j + 1}: {100 * model.explained_variance_ratio_[j]:.1f} % of the variance"
        if times > 1:
            title += f", drawn {times} times as large"
        row = panels(j + first)
        if d == 2:
            for panel, s in zip(row, deviations, strict=True):
                shape = mean + s * moves[j]
                _mean(panel, mean, edges, size)
                _moved(panel, mean, shape, edges, _LOW if s < 0 else _HIGH, size)
                _finish(panel, limits, (0, 1), f"{s:+g} sd")
        else:
            for panel, (view, name) in zip(row, _VIEWS, strict=True):
                on = list(view)
                _mean(panel, mean[:, on], edges, size)
                for s, colour in ((deviations[0], _LOW), (deviations[-1], _HIGH)):
                    shape = mean + s * moves[j]
                    _moved(panel, mean[:, on], shape[:, on], edges, colour, size)
                _finish(panel, limits, view, f"{name}, {deviations[0]:+g} and {deviations[-1]:+g} sd")
        row[0].annotate(
            title, (0, 1), (6, 18), xycoords="axes fraction", textcoords="offset points", fontsize=10, fontweight="bold"
        )
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _specimens(
    row: Sequence[Any], mean: np.ndarray, aligned: np.ndarray, edges: list[list[int]], limits: np.ndarray, size: float
) -> None:
    panel = row[0]
    for e in edges:
        panel.plot(*mean[e].T, color="black", lw=0.8, zorder=1)
    few = aligned.shape[0] * aligned.shape[1] < 5000
    panel.plot(
        *aligned.reshape(-1, 2).T, ".", color=_LOW, ms=3 if few else 1.5, alpha=0.5 if few else 0.2, mew=0, zorder=2
    )
    panel.scatter(*mean.T, s=size / 3, color="black", zorder=3, linewidths=0)
    _finish(panel, limits, (0, 1), f"mean and {len(aligned)} specimens")
    panel = row[1] if len(row) > 1 else None
    if panel is not None:
        _mean(panel, mean, edges, size)
        if len(mean) <= 80:  # more could not be read
            for i, (x, y) in enumerate(mean):
                panel.annotate(
                    str(i + 1), (x, y), (2, 2), textcoords="offset points", fontsize=7 if len(mean) < 40 else 5
                )
        _finish(panel, limits, (0, 1), "numbers of the points")
    for empty in row[2:]:
        empty.axis("off")


def _mean(panel: Any, mean: np.ndarray, edges: list[list[int]], size: float) -> None:
    for e in edges:
        panel.plot(*mean[e].T, color=_MEAN, lw=0.8, zorder=1)
    panel.scatter(*mean.T, s=size, color=_MEAN, zorder=1, linewidths=0)


def _moved(panel: Any, mean: np.ndarray, shape: np.ndarray, edges: list[list[int]], colour: str, size: float) -> None:
    for e in edges:
        panel.plot(*shape[e].T, color=colour, lw=1.2, zorder=3)
    panel.plot(*np.stack([mean, shape]).transpose(2, 0, 1), color=colour, lw=0.7, alpha=0.7, zorder=2)
    panel.scatter(*shape.T, s=size, color=colour, zorder=3, linewidths=0)


def _limits(points: np.ndarray) -> np.ndarray:
    """(2, D) lower and upper corner with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.06 * (high - low).max()
    return np.stack([low - margin, high + margin])


def _panel(limits: np.ndarray, view: tuple[int, int]) -> tuple[float, float]:
    """Inches of a panel whose longer side is `_SIDE`."""
    sides = (limits[1] - limits[0])[list(view)]
    width, height = _SIDE * np.maximum(sides / sides.max(), 0.4)
    return float(width), float(height)


def _finish(panel: Any, limits: np.ndarray, view: tuple[int, int], title: str) -> None:
    a, b = view
    panel.set_xlim(limits[0, a], limits[1, a])
    down = (limits[1, b], limits[0, b])
    panel.set_ylim(*(down if limits.shape[1] == 2 else down[::-1]))
    panel.set_aspect("equal")
    panel.set_title(title, fontsize=8, pad=3)
    panel.set_xticks([])
    panel.set_yticks([])
    for side in panel.spines.values():
        side.set_visible(False)
