"""Objects to look at: the worst, the ones in the middle, the best, and where models differ most."""

from __future__ import annotations

import numpy as np

from cairn.errors import InputError
from cairn.report.blocks import breakable, gallery, prose, subtitle
from cairn.report.cases import Cases
from cairn.report.definitions import spoken
from cairn.report.markup import Content, Markup, join, tag
from cairn.report.pictures import Cut, cut, tile, toggles
from cairn.report.wording import percent

__all__ = ["choose", "examples"]

_COUNTS = {"worst": 12, "median": 6, "best": 6}
_FEWER = {"differences": 8, "worst": 8, "median": 4, "best": 2}  # with several models


def examples(cases: list[Cases], names: list[str]) -> Markup | None:
    """Galleries of pictures with labels and predictions; None where nothing was measured, or where they are volumes."""
    first = cases[0]
    if first.data.landmarks.boxes.shape[1] != 4:
        return None
    errors = np.stack([c.errors for c in cases])
    titles = {
        "differences": "Where the models differ most",
        "worst": "Worst",
        "median": "In the middle",
        "best": "Best",
    }
    parts: list[Content] = []
    for key, rows in choose(errors).items():
        tiles = [one for row in rows if (one := _tile(cases, names, int(row))) is not None]
        if tiles:
            body = gallery(tiles, broad=len(cases) > 1)
            parts.append(join(subtitle(titles[key]), body))
    if not parts:
        return None
    opening = prose(
        f"Error as percent of {spoken(first.normaliser)}, mean over the object's points, and the point that is "
        "furthest off. Dots are predictions, crosses the labels, white lines the errors between them."
    )
    return join(opening, toggles(), parts)


def choose(errors: np.ndarray) -> dict[str, np.ndarray]:
    """Rows for each gallery; no row comes twice.

    Parameters
    ----------
    errors : (M, N) of M models; NaN unknown, inf missed
    """
    known = np.flatnonzero(~np.isnan(errors).any(axis=0))
    several = len(errors) > 1
    counts = _FEWER if several else _COUNTS
    capped = np.minimum(errors[:, known], 1e6)
    mean = capped.mean(axis=0)
    order = known[np.argsort(-mean, kind="stable")]
    result: dict[str, np.ndarray] = {}
    if several:
        spread = np.log(np.maximum(capped.max(axis=0), 1e-9)) - np.log(np.maximum(capped.min(axis=0), 1e-9))
        spread *= np.minimum(capped.max(axis=0), 1)  # twice a small error is a small difference
        rows = known[np.argsort(-spread, kind="stable")][: counts["differences"]]
        result["differences"] = rows[np.sort(-spread, kind="stable")[: len(rows)] < 0]
        order = order[~np.isin(order, result["differences"])]
    # With few objects every gallery gets its share.
    share = min(1.0, len(order) / sum(counts[k] for k in ("worst", "median", "best")))
    worst = min(len(order), max(1, round(share * counts["worst"])))
    best = min(len(order) - worst, round(share * counts["best"]))
    result["worst"] = order[:worst]
    between = order[worst : len(order) - best]
    middle = min(len(between), counts["median"])
    # The middle of all, not of what is left between.
    start = int(np.clip(len(order) // 2 - middle // 2 - worst, 0, len(between) - middle))
    result["median"] = between[start : start + middle]
    result["best"] = order[len(order) - best :][::-1]
    return {key: rows for key, rows in result.items() if len(rows)}


def _tile(cases: list[Cases], names: list[str], row: int) -> Markup | None:
    """One object: its picture once for each model."""
    first = cases[0]
    truth = first.data.landmarks.take([row])
    try:
        image = first.data.images[int(truth.image_index[0])]
    except InputError:  # it was there when it was measured
        return None
    around = np.concatenate([truth.points[0, :, :2], truth.boxes[0].reshape(2, 2)])
    part = cut(image, around)
    name = first.name(row)
    if len(cases) == 1:
        caption = tag("span", breakable(name))
        return _drawn(first, row, part, _said(first, row), tag("br"), caption, name=name)
    key = f"picture-{row}"
    shots = [
        _drawn(c, row, part, tag("b", model), " ", _said(c, row), name=name, key=key, again=i > 0)
        for i, (c, model) in enumerate(zip(cases, names, strict=True))
    ]
    return tag(
        "div",
        tag("div", shots, class_="models", style=f"--models:{len(cases)}"),
        tag("p", breakable(name), class_="file"),
    )


def _drawn(
    cases: Cases, row: int, part: Cut, *caption: Content, name: str, key: str = "", again: bool = False
) -> Markup:
    return tile(
        part,
        words=f"{name}: error {percent(cases.errors[row])}; labels and predictions are drawn on it",
        caption=caption,
        truth=cases.data.landmarks.take([row]),
        found=cases.predicted.take([row]),
        name="" if again else key,
        again=key if again else "",
    )


def _said(cases: Cases, row: int) -> Markup:
    """Its error, which point is worst, and what the model itself thought of it."""
    relative = cases.relative[row]
    parts: list[Content] = [tag("strong", percent(cases.errors[row]))]
    if np.isfinite(relative).any():
        k = int(np.argmax(np.where(np.isfinite(relative), relative, -1)))
        parts.append(join(", ", breakable(cases.skeleton.names[k]), f" {percent(relative[k])}"))
    plausible = cases.predicted.plausible
    if plausible is not None and np.isfinite(cases.errors[row]) and not plausible[row]:
        parts += [" ", tag("span", "implausible", class_="badge")]
    return join(parts)
