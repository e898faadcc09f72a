"""Points against the edges of their pictures: outside, in fractions, on another scale, half a pixel off.

A point lies inside a picture of width W where -0.5 <= x <= W - 0.5: the centre of the first pixel is 0. A reader that
took 1 or 0.5 for it shows itself at the edges: points at exactly W or W - 0.5 and beyond, or at -1 and -0.5.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cairn.dataset import Dataset
from cairn.evaluation.checks.findings import Finding

__all__ = ["place_findings"]

_FRACTION = 1.6  # coordinates all below this are no pixels
_SMALL = 32  # px; in smaller pictures fractions cannot be told from pixels
_FAR = 0.02  # of the longer side, beyond the edge: no rounding and no cut
_ON_EDGE = 3  # points on the forbidden edge that make a convention
_AT_EDGE = 1.25  # px beyond the last pixel's centre


def place_findings(data: Dataset, sizes: np.ndarray) -> Iterator[Finding]:
    """Points where they cannot be, object by object, and conventions seen at the edges.

    Parameters
    ----------
    sizes : (M, 2) width and height of the pictures, NaN where not known
    """
    labels = data.landmarks
    points = labels.points[..., :2]
    if labels.points.shape[-1] != 2:
        return
    size = sizes[labels.image_index]
    known = np.isfinite(size).all(axis=1)
    fractions = _fractions(points, size)
    yield from _normalised(data, fractions)
    with np.errstate(invalid="ignore"):
        beyond = np.maximum(-0.5 - points, points - (size[:, None] - 0.5)).max(axis=-1)
        beyond = np.where(known[:, None] & labels.labelled, beyond, -np.inf)
        if labels.visibility is not None:
            beyond[labels.visibility == 3] = -np.inf
    out = beyond > 0.01
    rows = np.flatnonzero(out.any(axis=1) & ~fractions)
    for row in rows.tolist():
        which = np.flatnonzero(out[row])
        far = float(beyond[row, which].max())
        share = far / float(size[row].max())
        severity = "error" if share > _FAR else "warning"
        names = [data.skeleton.names[k] for k in which]
        some = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        scaled = _scale(points[row], size[row])
        hint = f"; they fit a picture {scaled} times as large" if scaled else ""
        image = int(labels.image_index[row])
        yield Finding(
            "outside_picture",
            severity,  # type: ignore[arg-type]
            f"{data.images.label(image)}: {some} up to {far:.3g} px outside of {size[row, 0]:.0f} x {size[row, 1]:.0f} px"
            f"{hint}",
            (image,),
            row,
            tuple(which.tolist()),
            (data.images.label(image),),
            tuple(names),
            far,
        )
    yield from _edges(data, points, size, known & ~fractions)


def normalised_rows(data: Dataset, sizes: np.ndarray) -> np.ndarray:
    """(N,) bool: objects whose coordinates are fractions of the picture."""
    if data.landmarks.points.shape[-1] != 2:
        return np.zeros(len(data), bool)
    return _fractions(data.landmarks.points, sizes[data.landmarks.image_index])


def _fractions(points: np.ndarray, size: np.ndarray) -> np.ndarray:
    there = np.isfinite(points).all(axis=-1)
    with np.errstate(invalid="ignore"):
        small = (np.abs(points) <= _FRACTION).all(axis=-1) | ~there
    spread = np.nan_to_num(np.ptp(np.where(there[..., None], points, 0.0), axis=1).max(axis=1))
    large = ~(size.max(axis=1) < _SMALL)  # a picture that could not be read counts as large
    return small.all(axis=1) & (there.sum(axis=1) >= 2) & (spread > 0) & large


def _normalised(data: Dataset, fractions: np.ndarray) -> Iterator[Finding]:
    labels = data.landmarks
    for row in np.flatnonzero(fractions).tolist():
        image = int(labels.image_index[row])
        top = float(np.nanmax(np.abs(labels.points[row])))
        yield Finding(
            "normalised",
            "error",
            f"{data.images.label(image)}: all points lie within {top:.2f} px of the corner, so they are fractions of the "
            "picture's size",
            (image,),
            row,
            pictures=(data.images.label(image),),
            score=1.0,
        )


def _scale(points: np.ndarray, size: np.ndarray) -> str:
    """How many times larger the picture was on which these points were set; empty where that explains nothing."""
    there = points[np.isfinite(points).all(axis=-1)]
    if len(there) < 3 or (there < -0.5).any():
        return ""
    needed = float((there / size).max())
    if ((there > size - 0.5).any(axis=1)).mean() < 0.3:
        return ""
    for factor in (2.0, 3.0, 4.0, 8.0):
        if needed <= factor:
            return f"{factor:g}"
    return f"{needed:.1f}"


def _edges(data: Dataset, points: np.ndarray, size: np.ndarray, rows: np.ndarray) -> Iterator[Finding]:
    """A convention shows where many points stand exactly one step beyond an edge, and none beyond the opposite one."""
    if not rows.any():
        return
    p, s = points[rows], size[rows][:, None]
    with np.errstate(invalid="ignore"):
        high = (p > s - 0.75) & (p <= s - 1 + _AT_EDGE)
        low = (p < -0.25) & (p >= -_AT_EDGE)
    for many, few, where, what in (
        (high, low, "right and lower", "the first pixel's centre is counted as 1 or 0.5"),
        (low, high, "left and upper", "something was subtracted twice"),
    ):
        n = int(many.sum())
        if n >= _ON_EDGE and n >= 4 * int(few.sum()):
            shift = (p - (s - 1))[many] if where.startswith("right") else p[many]
            step = float(np.median(np.abs(shift)))
            images = tuple(np.unique(data.landmarks.image_index[np.flatnonzero(rows)[many.any(axis=(1, 2))]]).tolist())
            yield Finding(
                "offset",
                "warning",
                f"{n} coordinates stand {step:.2g} px beyond the last pixel's centre at the {where} edges and "
                f"{int(few.sum())} at the others: perhaps {what}",
                images[:50],
                pictures=tuple(data.images.label(i) for i in images[:50]),
                score=float(n),
            )
