"""Who and what stands on both sides of a split, and how far several observers agree."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from cairn.dataset import Dataset
from cairn.evaluation.checks.findings import Finding
from cairn.geometry.procrustes import centroid_size

__all__ = ["observer_findings", "split_findings"]

_BIASED = 4.0  # standard errors
_LEAST_BIAS = 0.01  # of the object's size
_LEAST_OBJECTS = 5
_LEAST_SHIFT = 0.2  # px
_FAR = 6.0  # robust deviations of one label from the others' mean
_LEAST_FAR = 0.03  # of the object's size


def split_findings(data: Dataset) -> Iterator[Finding]:
    """Subjects and picture files that are in more than one split."""
    if data.split is None:
        return
    split = data.split.astype(str)
    index = data.landmarks.image_index
    if data.subject is not None:
        of_row = split[index]
        for subject in np.unique(data.subject.astype(str)):
            rows = np.flatnonzero(data.subject.astype(str) == subject)
            names = sorted({s for s in of_row[rows] if s})
            if subject and len(names) > 1:
                counts = ", ".join(f"{int((of_row[rows] == s).sum())} in {s}" for s in names)
                images = tuple(dict.fromkeys(index[rows].tolist()))
                yield Finding(
                    "subject_in_splits",
                    "error",
                    f"subject {subject}: {counts}",
                    images,
                    pictures=tuple(data.images.label(i) for i in images),
                    names=(str(subject),),
                    score=float(len(rows)),
                )
    by_source: dict[str, list[int]] = {}
    for i, source in enumerate(data.images.sources):
        if isinstance(source, str) or hasattr(source, "path"):
            by_source.setdefault(str(source), []).append(i)
    for name, places in by_source.items():
        names = sorted({split[i] for i in places} - {""})
        if len(names) > 1:
            yield Finding(
                "picture_in_splits",
                "error",
                f"{name}: is in {' and '.join(names)}",
                tuple(places),
                pictures=(name,),
                score=float(len(places)),
            )


def observer_findings(data: Dataset) -> Iterator[Finding]:
    """How far observers lie apart, who differs always, and which single labels are far from the others'."""
    if data.observers is None or len(data.observers) < 2:
        return
    o = data.observers[..., :2]
    there = np.isfinite(o).all(axis=-1)
    names = data.observer_names or tuple(f"observer {i + 1}" for i in range(len(o)))
    same = _same_observers(o, names)
    kept = [i for i in range(len(o)) if i not in same]
    for i, other in same.items():
        yield Finding(
            "observer_spread", "note", f"{names[i]} and {names[other]} have the same labels; {names[i]} is left out"
        )
    if len(kept) < 2:
        return
    o, there, names = o[kept], there[kept], tuple(names[i] for i in kept)
    size = centroid_size(data.landmarks.points[..., :2])
    both = there.sum(axis=0) >= 2
    if not both.any():
        return
    with np.errstate(all="ignore"):
        middle = np.nanmean(np.where(both[None, ..., None], o, np.nan), axis=0)
        apart = np.linalg.norm(o - middle, axis=-1)
        rms = np.sqrt(np.nanmean(apart**2, axis=(0, 1)) * len(o) / max(len(o) - 1, 1))
    unit, factor = ("mm", float(data.spacing[0])) if data.spacing else ("px", 1.0)
    order = np.argsort(-np.nan_to_num(rms))
    worst = ", ".join(f"{data.skeleton.names[k]} {factor * rms[k]:.2g}" for k in order[:3])
    yield Finding(
        "observer_spread",
        "note",
        f"{len(o)} observers lie {factor * np.sqrt(np.nanmean(rms**2)):.2g} {unit} apart (root mean square, each "
        f"coordinate pair); most at {worst} {unit}",
        points=tuple(order[:3].tolist()),
        names=tuple(data.skeleton.names[k] for k in order[:3]),
    )
    yield from _bias(data, o, names, size)
    yield from _single(data, o, names, apart, size)


def _same_observers(o: np.ndarray, names: tuple[str, ...]) -> dict[int, int]:
    """Observers whose labels are another one's, which are a copy and no second opinion."""
    found: dict[int, int] = {}
    for i in range(len(o)):
        for j in range(i + 1, len(o)):
            if j not in found and i not in found and np.array_equal(o[i], o[j], equal_nan=True):
                found[j] = i
    return found


def _bias(data: Dataset, o: np.ndarray, names: tuple[str, ...], size: np.ndarray) -> Iterator[Finding]:
    """A shift of all points alike is a convention; a shift of one point is an opinion."""
    yield from _shifted(o, names)
    for i in range(len(o) if len(o) > 2 else 1):
        # Who differs from all others differs; who differs from one only may be right.
        tried = (_between(o[i], o[j]) for j in range(len(o)) if j != i)
        pairs = [p for p in tried if p is not None]
        if not pairs:
            continue
        against = names[1] if len(o) == 2 else "the others"
        level = np.stack([np.linalg.norm(p[2], axis=-1) for p in pairs])
        sure = np.stack([(np.abs(p[2]) > _BIASED * np.maximum(p[3], 1e-6)).any(axis=-1) for p in pairs]).all(axis=0)
        nearest = np.nanargmin(np.where(np.isnan(level), np.inf, level), axis=0)
        centre = np.stack([p[2] for p in pairs])[nearest, np.arange(o.shape[2])]
        level = level.min(axis=0) / np.nanmedian(size)
        for k in np.flatnonzero(sure & (level > _LEAST_BIAS)).tolist():
            yield Finding(
                "observer_differs",
                "warning",
                f"{names[i]} sets {data.skeleton.names[k]} {centre[k, 0]:+.1f}, {centre[k, 1]:+.1f} px from {against}",
                points=(k,),
                names=(data.skeleton.names[k],),
                score=float(level[k]),
            )


def _shifted(o: np.ndarray, names: tuple[str, ...]) -> Iterator[Finding]:
    """Observers all of whose points are shifted against the mean of the others.

    One is said and left out, then the others are compared anew: first who is half a pixel, one or two away in x and y
    alike, which is an origin; then who is most surely away.
    """
    left = list(range(len(o)))
    while len(left) > 1:
        found = {}
        for i in left:
            compared = _between(o[i], o[[j for j in left if j != i]].mean(axis=0))
            if compared is not None:
                found[i] = compared
        if not found:
            return
        sure = {i: float((np.abs(f[0]) / np.maximum(f[1], 1e-6)).max()) for i, f in found.items()}
        origins = [i for i in found if _is_step(*found[i][:2])]
        i = max(origins or found, key=lambda i: sure[i])
        middle = found[i][0]
        if sure[i] < _BIASED or np.abs(middle).max() < _LEAST_SHIFT:
            return
        half = bool(origins)
        against = names[next(j for j in left if j != i)] if len(left) == 2 else "the others"
        how = "; that looks like another origin" if half else ""
        yield Finding(
            "offset" if half else "observer_differs",
            "error" if half else "warning",
            f"{names[i]} sets all points {middle[0]:+.2f}, {middle[1]:+.2f} px (x, y) from {against}{how}",
            names=(names[i],),
            score=float(np.abs(middle).max()),
        )
        left.remove(i)


def _is_step(shift: np.ndarray, error: np.ndarray) -> bool:
    """Half a pixel, one or two, alike in x and y."""
    near = np.clip(2.5 * error, 0.12, 0.24)
    alike = bool(shift[0] * shift[1] > 0)
    return alike and any((np.abs(np.abs(shift) - step) < near).all() for step in (0.5, 1.0, 2.0))


def _between(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Shift (2,) of all points of one observer against another's, its standard error, and both of each point (K, 2)."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of points that one of them never set
        away = a - b
        shift = np.nanmedian(away, axis=1)
        known = np.isfinite(shift).all(axis=1)
        if known.sum() < _LEAST_OBJECTS:
            return None
        shift, away = shift[known], away[known]
        middle = np.median(shift, axis=0)
        error = _of_median(shift - middle) / np.sqrt(len(shift))
        own = away - shift[:, None]
        centre = np.nanmedian(own, axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(own - centre), axis=0)
    return middle, error, centre, 1.2533 * spread / np.sqrt(len(shift))


def _of_median(values: np.ndarray) -> np.ndarray:
    """Standard error of a median times the root of the number of values, by their median deviation."""
    return 1.2533 * 1.4826 * np.median(np.abs(values), axis=0)


def _single(
    data: Dataset, o: np.ndarray, names: tuple[str, ...], apart: np.ndarray, size: np.ndarray
) -> Iterator[Finding]:
    with np.errstate(all="ignore"):
        widest = np.nanmax(apart, axis=0)
        middle = np.nanmedian(widest, axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(widest - middle), axis=0)
        far = (widest > middle + _FAR * spread) & (widest > _LEAST_FAR * size[:, None])
    for row in np.flatnonzero(far.any(axis=1)).tolist():
        which = np.flatnonzero(far[row])
        image = int(data.landmarks.image_index[row])
        k = int(which[np.argmax(widest[row, which])])
        who = names[int(np.nanargmax(apart[:, row, k]))] if len(o) > 2 else " and ".join(names)
        wide = 2 * widest[row, k] if len(o) == 2 else widest[row, k]
        yield Finding(
            "observer_differs",
            "warning",
            f"{data.images.label(image)}: {data.skeleton.names[k]} of {who}, {wide:.1f} px apart",
            (image,),
            row,
            tuple(which.tolist()),
            (data.images.label(image),),
            tuple(data.skeleton.names[j] for j in which),
            float(widest[row, k] / max(size[row], 1e-9)),
        )
