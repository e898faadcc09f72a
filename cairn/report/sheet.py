"""One picture of the worst cases: what a mean cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cairn.draw import contact_sheet, draw_landmarks
from cairn.errors import InputError
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.report.figures import Report

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
    import cv2

    everything = np.concatenate([truth.points[0, :, :2], truth.boxes[0].reshape(2, -1)[:, :2]])
    everything = everything[np.isfinite(everything).all(axis=1)]
    low, high = everything.min(axis=0), everything.max(axis=0)
    margin = _MARGIN * max((high - low).max(), 4)
    size = np.array(image.size)
    # A box may lie outside its picture: then the part of the picture that is nearest to it is shown.
    low = np.clip(np.floor(low - margin), 0, size - 1).astype(int)
    high = np.clip(np.ceil(high + margin), low, size - 1).astype(int)
    pixels = np.ascontiguousarray(image.rgb()[low[1] : high[1] + 1, low[0] : high[0] + 1])
    zoom = _TILE / max(pixels.shape[:2])
    shape = tuple(max(1, round(s * zoom)) for s in pixels.shape[1::-1])
    pixels = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    truth, found = (_into_tile(marks, low, zoom) for marks in (truth, found))
    return draw_landmarks(Image(pixels), found, truth=truth, covariance=False, legend=False, scale=1)


def _into_tile(marks: Landmarks, low: np.ndarray, zoom: float) -> Landmarks:
    """The same points in the pixels of the tile, where x becomes ``zoom (x - low + 1/2) - 1/2``."""
    shift = zoom * (0.5 - low) - 0.5
    points = marks.points.copy()
    points[..., :2] = points[..., :2] * zoom + shift
    points[..., 2:] *= zoom
    covariance = None if marks.covariance is None else marks.covariance * zoom**2
    boxes = marks.boxes * zoom
    if boxes.shape[1] == 4:
        boxes = boxes + np.tile(shift, 2)
    return replace(marks, points=points, boxes=boxes, covariance=covariance, image_index=np.zeros(len(marks), int))
