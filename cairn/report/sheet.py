"""One picture of the worst cases: what a mean cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cairn.draw import contact_sheet, draw_landmarks
from cairn.errors import InputError
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.report.figures import Report
from cairn.report.pictures import Cut, cut

__all__ = ["worst_rows", "worst_sheet"]

_MARGIN = 0.4  # of the object's longer side, around it
_TILE = 400  # px, longest side of a tile


def worst_rows(report: Report, count: int = 12) -> np.ndarray:
    """Rows by falling error, missed ones first, those without a truth left out."""
    errors = report.measured().errors
    order = np.argsort(-errors, kind="stable")  # NaN goes last
    return order[~np.isnan(errors[order])][:count]


def worst_sheet(report: Report, count: int = 12) -> np.ndarray:
    """The `count` worst objects side by side, truth and prediction, each cut out with some of its surroundings.

    Parameters
    ----------
    report : of `cairn.evaluate`
    count : at most so many tiles

    Returns
    -------
    (H, W, 3) uint8 RGB

    Raises
    ------
    InputError : nothing to show
    """
    rows, cases = worst_rows(report, count), report.measured()
    if not len(rows):
        raise InputError("there is no measured object to show; evaluate on data with labelled points first")
    tiles = []
    for row in rows:
        truth, found = cases.data.landmarks.take([row]), cases.predicted.take([row])
        image = cases.data.images[int(truth.image_index[0])]
        error = cases.errors[row]
        said = f"{100 * error:.1f} %" if np.isfinite(error) else "missed"
        tiles.append((_tile(image, truth, found), f"{cases.name(row)}: {said}"))
    title = f"{report.model}: the {len(rows)} worst of {report.n}; error as % of the reference length; green: truth"
    return contact_sheet(tiles, columns=4, size=_TILE, title=title)


def _tile(image: Image, truth: Landmarks, found: Landmarks) -> np.ndarray:
    """The object cut out and brought to one size, its points drawn after that so that lines are equally thick."""
    around = np.concatenate([truth.points[0, :, :2], truth.boxes[0].reshape(2, -1)[:, :2]])
    part = cut(image, around, margin=_MARGIN, side=_TILE)
    truth, found = (_into_tile(marks, part) for marks in (truth, found))
    return draw_landmarks(Image(part.pixels), found, truth=truth, covariance=False, legend=False, scale=1)


def _into_tile(marks: Landmarks, part: Cut) -> Landmarks:
    """The same points in the pixels of the tile."""
    points = marks.points.copy()
    points[..., :2] = part.place(points[..., :2])
    points[..., 2:] *= part.zoom
    covariance = None if marks.covariance is None else marks.covariance * part.zoom**2
    boxes = marks.boxes * part.zoom
    if boxes.shape[1] == 4:
        boxes = boxes + np.tile(part.shift, 2)
    return replace(marks, points=points, boxes=boxes, covariance=covariance, image_index=np.zeros(len(marks), int))
