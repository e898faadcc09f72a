"""Labels by themselves: marks for missing, points that never move, copies, visibility, boxes, counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cairn.dataset import Dataset
from cairn.evaluation.checks.findings import Finding
from cairn.geometry import boxes as box_geometry
from cairn.geometry.procrustes import centroid_size

__all__ = ["label_findings", "placeholders"]

_MARKS = (0.0, 1.0, -1.0, 0.5, -0.5, -2.0)  # coordinates that programs write for "missing", after the reader's shift
_STILL = 1.0  # px: a point that moves less while the pictures differ was not set by hand
_LEAST_STILL = 5  # objects
_RARE = 0.1  # share of the objects that have the point
_INSIDE = 0.8  # of the usual share of points inside the box
_SAME = 0.02  # of the object's size: two label sets of one object


def label_findings(data: Dataset) -> Iterator[Finding]:
    """Everything that can be said without pictures and without shapes."""
    yield from _placeholder(data)
    yield from _constant(data)
    yield from _copies(data)
    yield from _visibility(data)
    yield from _boxes(data)
    yield from _counts(data)


def placeholders(data: Dataset) -> np.ndarray:
    """(N, K) bool: coordinates that stand for 'missing': all alike, small whole numbers, far from the other points.

    One such point in a corner may be real where a point really lies there: it is one only if it is farther from the
    object's other points than they are from each other, or if the object has several in the same place.
    """
    labels = data.landmarks
    p, there = labels.points, np.asarray(labels.labelled)
    alike = np.asarray(p == p[..., :1]).all(axis=-1)
    marked = np.logical_and(there & alike, np.isin(p[..., 0], _MARKS))
    found = np.zeros_like(marked)
    for row in np.flatnonzero(marked.any(axis=1)):
        mine, others = np.flatnonzero(marked[row]), np.flatnonzero(there[row] & ~marked[row])
        if len(mine) > 1 and len(np.unique(p[row, mine], axis=0)) == 1:
            found[row, mine] = True
        elif len(others) >= 2:
            middle = p[row, others].mean(axis=0)
            reach = np.linalg.norm(p[row, others] - middle, axis=1).max()
            found[row, mine] = np.linalg.norm(p[row, mine] - middle, axis=1) > 1.2 * reach
    # What occurs once in the whole data is a point in a corner.
    return found if found.sum() >= 2 else np.zeros_like(found)


def _placeholder(data: Dataset) -> Iterator[Finding]:
    found = placeholders(data)
    for row in np.flatnonzero(found.any(axis=1)).tolist():
        which = np.flatnonzero(found[row])
        place = ", ".join(f"{v:g}" for v in data.landmarks.points[row, which[0]])
        names = tuple(data.skeleton.names[k] for k in which)
        some = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        yield _of_row(
            data, "placeholder", "error", row, f"{some} at ({place}), which means 'missing'", which, len(which)
        )


def _constant(data: Dataset) -> Iterator[Finding]:
    labels = data.landmarks
    if len(np.unique(labels.image_index)) < _LEAST_STILL:
        return
    p = np.where((placeholders(data) | ~labels.labelled)[..., None], np.nan, labels.points)
    there = np.asarray(np.isfinite(p).all(axis=-1))
    count = there.sum(axis=0)
    with np.errstate(all="ignore"):
        middle = np.nanmedian(p, axis=0)
        away = np.linalg.norm(p - middle, axis=-1)
    others = np.array([np.nanstd(np.delete(p, k, axis=1)[..., 0], axis=0).mean() if p.shape[1] > 1 else np.inf
                       for k in range(p.shape[1])])  # fmt: skip
    for k in np.flatnonzero(count >= _LEAST_STILL).tolist():
        still = there[:, k] & (away[:, k] <= _STILL)
        share = still.sum() / count[k]
        if share < 0.05 or still.sum() < _LEAST_STILL:
            continue
        exact = len(np.unique(p[still, k], axis=0)) <= max(1, still.sum() // 10)
        # Objects that all lie in one place (a fixed camera) keep all of their points still.
        if others[k] < 4 * _STILL or (share < 0.6 and not exact):
            continue
        spread = float(np.sqrt(np.mean(away[still, k] ** 2)))
        place = ", ".join(f"{v:.1f}" for v in middle[k])
        yield Finding(
            "constant_point",
            "error" if share > 0.9 else "warning",
            f"{data.skeleton.names[k]}: stands at ({place}) in {100 * share:.0f} % of {count[k]} objects, give or take "
            f"{spread:.2g} px, while the other points move",
            points=(k,),
            names=(data.skeleton.names[k],),
            score=float(share),
        )


def _copies(data: Dataset) -> Iterator[Finding]:
    """Rows with the same coordinates in different pictures; rows of one picture that are nearly the same."""
    labels = data.landmarks
    there = labels.labelled.sum(axis=1)
    first: dict[bytes, int] = {}
    for row in np.flatnonzero(there >= 2).tolist():
        points = labels.points[row]
        if len(np.unique(points[np.isfinite(points).all(axis=-1)], axis=0)) < 2:
            continue
        key = np.round(points, 3).tobytes()
        other = first.setdefault(key, row)
        if other == row:
            continue
        a, b = int(labels.image_index[other]), int(labels.image_index[row])
        if a == b:
            continue
        names = (data.images.label(a), data.images.label(b))
        yield Finding(
            "copied_labels",
            "error",
            f"{names[1]}: the same {there[row]} coordinates as in {names[0]}",
            (b, a),
            row,
            pictures=(names[1], names[0]),
            score=float(there[row]),
        )
    yield from _twice(data)


def _twice(data: Dataset) -> Iterator[Finding]:
    labels = data.landmarks
    order = np.argsort(labels.image_index, kind="stable")
    images, starts, counts = np.unique(labels.image_index[order], return_index=True, return_counts=True)
    size = centroid_size(labels.points)
    for image, start, count in zip(images.tolist(), starts, counts, strict=True):
        rows = order[start : start + count]
        for i in range(count if count <= 200 else 0):
            for j in range(i + 1, count):
                a, b = int(rows[i]), int(rows[j])
                both = labels.labelled[a] & labels.labelled[b]
                if both.sum() < 2 or not size[a] > 0:
                    continue
                apart = np.linalg.norm(labels.points[a, both] - labels.points[b, both], axis=-1).mean()
                if apart < _SAME * size[a]:
                    yield Finding(
                        "labelled_twice",
                        "error",
                        f"{data.images.label(image)}: objects {a} and {b} are the same one, {apart:.2g} px apart",
                        (image,),
                        b,
                        pictures=(data.images.label(image),),
                        score=float(-apart),
                    )


def _visibility(data: Dataset) -> Iterator[Finding]:
    labels = data.landmarks
    there = labels.labelled
    if labels.visibility is None:
        missing = int((~there).sum())
        if missing:
            yield Finding(
                "visibility",
                "note",
                f"{missing:,} of {there.size:,} points have no coordinate, and the data does not say whether they are "
                "hidden, absent or were not labelled",
            )
        return
    v = labels.visibility
    names = data.skeleton.names
    for state, wrong, said in (
        (1, (v == 1) & ~there, "marked as hidden but without a coordinate"),
        (2, (v == 2) & ~there, "marked as visible but without a coordinate"),
        (0, (v == 0) & there, "marked as not labelled but with a coordinate"),
        (3, (v == 3) & there, "marked as absent but with a coordinate"),
    ):
        for row in np.flatnonzero(wrong.any(axis=1)).tolist():
            which = np.flatnonzero(wrong[row])
            some = ", ".join(names[k] for k in which[:4]) + (f" and {len(which) - 4} more" if len(which) > 4 else "")
            severity = "warning" if state in (0, 3) else "error"
            yield _of_row(data, "visibility", severity, row, f"{some}: {said}", which, len(which))
    if not (v == 1).any() and (v == 0).any() and (~there).any():
        yield Finding(
            "visibility",
            "note",
            f"no point is marked as hidden, and {int((v == 0).sum()):,} are not labelled: perhaps hidden points were "
            "left out, and a model cannot learn to place them",
        )


def _boxes(data: Dataset) -> Iterator[Finding]:
    labels = data.landmarks
    if labels.boxes.shape[1] != 4:
        return
    boxes, there = labels.boxes, labels.labelled
    several = there.sum(axis=1) >= 2
    bad = np.isfinite(boxes).all(axis=1) & ~box_geometry.is_valid(boxes) & several
    with np.errstate(invalid="ignore"):
        p = labels.points[..., :2]
        inside = ((p >= boxes[:, None, :2] - 1) & (p <= boxes[:, None, 2:] + 1)).all(axis=-1)
    share = np.divide((inside & there).sum(axis=1), there.sum(axis=1), out=np.ones(len(data)), where=several)
    usual = float(np.median(share[several & ~bad])) if (several & ~bad).any() else 1.0
    away = np.isfinite(boxes).all(axis=1) & ~bad & (share < _INSIDE * usual) & several
    for row in np.flatnonzero(bad).tolist():
        said = ", ".join(f"{v:g}" for v in boxes[row])
        yield _of_row(data, "bad_box", "error", row, f"the box {said} has no area or is upside down", (), 2.0)
    for row in np.flatnonzero(away).tolist():
        yield _of_row(
            data, "bad_box", "error", row, f"{100 * (1 - share[row]):.0f} % of the points lie outside the box", (), 1.0
        )


def _counts(data: Dataset) -> Iterator[Finding]:
    there = data.landmarks.labelled
    if not len(there):
        return
    count = there.sum(axis=0)
    names = data.skeleton.names
    for k in np.flatnonzero(count < _RARE * len(there)).tolist():
        yield Finding(
            "rare_point",
            "warning",
            f"{names[k]}: labelled in {int(count[k]):,} of {len(there):,} objects",
            points=(k,),
            names=(names[k],),
            score=float(-count[k]),
        )
    empty = np.bincount(data.landmarks.image_index, minlength=len(data.images)) == 0
    least, most = int(count.min()), int(count.max())
    each = f"each point {least:,}" if least == most else f"from {least:,} ({names[int(count.argmin())]}) to {most:,}"
    without = f"; {int(empty.sum()):,} pictures have no object" if empty.any() else ""
    yield Finding("label_counts", "note", f"{len(there):,} objects, {each} labels{without}")


def _of_row(data: Dataset, kind: str, severity: str, row: int, said: str, points, score: float) -> Finding:  # type: ignore[no-untyped-def]
    image = int(data.landmarks.image_index[row])
    name = data.images.label(image)
    which = tuple(int(p) for p in points)
    names = tuple(data.skeleton.names[p] for p in which)
    return Finding(kind, severity, f"{name}: {said}", (image,), row, which, (name,), names, float(score))  # type: ignore[arg-type]
