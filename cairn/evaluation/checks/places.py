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
_LEAST_VALUES, _ON_LATTICE = 40, 0.95  # coordinates of a source, and their share with one fraction
_ONE_STEP = 0.7  # share of these that stand exactly there
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
            f"{data.images.label(image)}: {some} up to {far:.3g} px outside of "
            f"{size[row, 0]:.0f} x {size[row, 1]:.0f} px{hint}",
            (image,),
            row,
            tuple(which.tolist()),
            (data.images.label(image),),
            tuple(names),
            far,
        )
    yield from _edges(data, points, size, known & ~fractions)
    yield from _lattices(data, points, ~fractions)


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
            f"{data.images.label(image)}: all points lie within {top:.2f} px of the corner, so they are fractions of "
            "the picture's size",
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
            steps = np.abs(shift)[:, None] - [0.5, 1.0]
            alike = (np.abs(steps) < 0.02).mean(axis=0)
            if alike.max() < _ONE_STEP:  # points that were set at the edge by hand lie anywhere
                continue
            step = (0.5, 1.0)[int(alike.argmax())]
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


def sources(data: Dataset) -> np.ndarray:
    """(N,) str, where each object comes from: a column that says so, else the folder of its picture."""
    for name in ("source", "dataset", "origin", "labeller", "observer", "annotator"):
        if name in data.columns:
            return np.asarray(data.columns[name]).astype(str)
    folders = [data.images.label(i).replace("\\", "/").rpartition("/")[0] for i in range(len(data.images))]
    return np.array(folders, dtype=str)[data.landmarks.image_index] if folders else np.empty(0, str)


def _lattices(data: Dataset, points: np.ndarray, rows: np.ndarray) -> Iterator[Finding]:
    """Whole numbers in one source and halves in another: one of the two has another origin."""
    source = sources(data)
    fraction: dict[str, tuple[float, int]] = {}
    for name in np.unique(source[rows]):
        values = points[rows & (source == name)]
        values = values[np.isfinite(values)] % 1.0
        if len(values) < _LEAST_VALUES:
            continue
        place = np.round(values, 2) % 1.0
        common = float(np.bincount(np.round(100 * place).astype(int)).argmax()) / 100
        if (np.abs(place - common) < 0.005).mean() >= _ON_LATTICE:
            fraction[str(name)] = common, len(values)
    if len({f for f, _ in fraction.values()}) < 2:
        return
    usual = max(fraction, key=lambda name: fraction[name][1])
    for name, (at, _) in fraction.items():
        apart = (at - fraction[usual][0]) % 1.0
        if name == usual or min(apart, 1 - apart) < 0.05:
            continue
        yield Finding(
            "offset",
            "error",
            f"all coordinates of {name or 'the unnamed source'} end in {at:.2g}, those of "
            f"{usual or 'the unnamed source'} in {fraction[usual][0]:.2g}: two origins in one data set",
            names=(name, usual),
            score=min(apart, 1 - apart),
        )
