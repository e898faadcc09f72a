"""Labels that the shape of the other objects contradicts: mirrored, exchanged, misplaced, unlike all others.

The order matters, because one mistake looks like another: first mirror images (`handedness`), then names that were
exchanged, then single points, and of what remains the shape as a whole. An object is accused once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cairn.dataset import Dataset
from cairn.evaluation.checks.expected import LEAST_OBJECTS, LEAST_POINTS, Expected
from cairn.evaluation.checks.findings import Finding
from cairn.evaluation.checks.handedness import minority
from cairn.geometry.procrustes import centroid_size
from cairn.shape.leave_out import wrong_points

__all__ = ["shape_findings"]

POINT_LEVEL = -3.0  # log10 of the share of good objects with so odd a point
SHAPE_LEVEL = -3.5
_SUSPECT = -1.3  # objects less likely than that are tried with exchanged names
_FIXED = -2.0  # a point that was put right is at least so likely
_GAIN = 14.0  # least fall of the squared distance when names are exchanged
_LEAST_GAIN = 0.15  # and as a share of it
_ODD = -2.0  # log10 of the share of good objects that are so odd before
_USUAL = -1.5  # and afterwards
_BETTER = 1.5  # least difference of both for each exchange
_CLEAR, _CLEARLY_ODD = 40.0, 3.0  # fall and oddity from which it is an error and not a question
_LEAST_APART = 0.06  # centroid sizes over sqrt(K), between points that were exchanged
_TRIED = 6  # exchanges that are worked out exactly, of all pairs
_MOST_EXCHANGES = 4
_UPRIGHT = 0.85  # length of the mean direction from which objects count as upright
_TURNED = np.radians(50)  # how far an upright object may be turned


@dataclass(frozen=True, eq=False)
class _Objects:
    data: Dataset
    points: np.ndarray
    sizes: np.ndarray  # (N, 2) px of the picture of each object

    def name(self, row: int) -> str:
        labels = self.data.landmarks
        image = int(labels.image_index[row])
        several = (labels.image_index == image).sum() > 1
        return self.data.images.label(image) + (f", object {row}" if several else "")

    def finding(self, kind: str, severity: str, row: int, sentence: str, score: float, points=()) -> Finding:  # type: ignore[no-untyped-def]
        points = tuple(int(p) for p in points)
        image = int(self.data.landmarks.image_index[row])
        return Finding(
            kind,
            severity,  # type: ignore[arg-type]
            f"{self.name(row)}: {sentence}",
            (image,),
            row,
            points,
            (self.data.images.label(image),),
            tuple(self.data.skeleton.names[p] for p in points),
            score,
        )


def shape_findings(
    data: Dataset, image_sizes: np.ndarray, skip: np.ndarray, missing: np.ndarray | None = None
) -> Iterator[Finding]:
    """What the shapes of the objects say of each other.

    Parameters
    ----------
    data : labels in pictures
    image_sizes : (M, 2) width and height in px, NaN where unknown
    skip : (N,) bool, objects of which something worse is known already
    missing : (N, K) bool, points that are none
    """
    labels = data.landmarks
    if labels.points.shape[-1] != 2:
        yield Finding("few_objects", "note", "The labels are three-dimensional; their shapes were not checked.")
        return
    there = labels.labelled & ~skip[:, None]
    if missing is not None:
        there &= ~missing
    points = np.where(there[..., None], labels.points, np.nan)
    enough = np.isfinite(points[..., 0]).sum(axis=1) >= LEAST_POINTS
    if labels.points.shape[1] < LEAST_POINTS or enough.sum() < LEAST_OBJECTS:
        yield Finding(
            "few_objects",
            "note",
            f"{int(enough.sum())} objects have {LEAST_POINTS} points or more; shapes are checked from {LEAST_OBJECTS}.",
        )
        return
    try:
        mirrored = minority(points)
        expected = Expected(points, data.groups(), ~mirrored)
    except ValueError as error:
        yield Finding("few_objects", "note", f"Shapes could not be checked: {error}.")
        return
    mirrored &= _fit_mirrored(points, expected, mirrored, data.skeleton.flip)
    objects = _Objects(data, points, image_sizes[labels.image_index])
    yield from _mirrored(objects, expected, mirrored)
    exchanged = np.zeros(len(points), bool)
    now = points.copy()
    for finding, row, corrected in _exchanged(objects, expected, mirrored):
        exchanged[row], now[row] = True, corrected
        yield finding
    accused = yield from _points(objects, expected, now, ~mirrored & ~exchanged)
    yield from _whole(objects, expected, mirrored | exchanged | accused)


# --- mirror images ---


def _fit_mirrored(
    points: np.ndarray, expected: Expected, mirrored: np.ndarray, flip: tuple[int, ...] | None
) -> np.ndarray:
    """(N,) bool, those that are like the others once mirrored; not those whose hand was turned by exchanged points."""
    rows = np.flatnonzero(mirrored)
    fits = np.zeros(len(points), bool)
    if len(rows):
        back = points[rows] * [-1.0, 1.0]
        likely = expected.log_p(rows, back)
        if flip is not None:  # an object that is not symmetric is only like itself with its names exchanged
            likely = np.maximum(likely, expected.log_p(rows, points[rows][:, list(flip)]))
        fits[rows] = likely > SHAPE_LEVEL
    return fits


def _mirrored(objects: _Objects, expected: Expected, mirrored: np.ndarray) -> Iterator[Finding]:
    rows = np.flatnonzero(mirrored)
    if not len(rows):
        return
    points, size = objects.points, objects.sizes
    others = np.flatnonzero(expected.usable & ~mirrored)
    angle = expected.angles(others, points[others])
    direction = np.nanmean(np.exp(1j * angle))
    upright = np.abs(direction) >= _UPRIGHT
    flip = objects.data.skeleton.flip
    known = np.isfinite(size[rows]).all(axis=1)
    side = np.where(known[:, None], size[rows], 2 * np.nanmax(np.abs(points[rows]), axis=1))[:, None]
    p = points[rows]
    readings = {
        "mirrored": np.stack([side[..., 0] - 1 - p[..., 0], p[..., 1]], axis=-1),
        "y_from_bottom": np.stack([p[..., 0], side[..., 1] - 1 - p[..., 1]], axis=-1),
        "xy_exchanged": p[..., ::-1],
    }
    if flip is not None:
        readings = {"left_right_swapped": p[:, list(flip)], **readings}
    cost = []
    for kind, read in readings.items():
        turned = np.abs(np.angle(np.exp(1j * expected.angles(rows, read)) * np.conj(direction)))
        outside = _outside(read, size[rows]) > _outside(p, size[rows]) + 0.02
        own = 0.0 if kind in ("left_right_swapped", "mirrored") else 0.1  # the commoner mistake where both explain it
        own += 0.01 * (kind == "mirrored")
        cost.append(np.where(turned > _TURNED, 5 + turned, 0.0) * upright + 2.0 * outside + own)
    if not upright:
        cost = [
            c + 10 * (kind not in ("left_right_swapped", "mirrored")) for c, kind in zip(cost, readings, strict=True)
        ]
    choice = np.argmin(np.stack(cost), axis=0)
    names = list(readings)
    share = 100 * mirrored.sum() / max(int(expected.usable.sum()), 1)
    many = f" ({len(rows)} objects, {share:.0f} %, are so)" if share >= 5 else ""
    said = {
        "left_right_swapped": f"left and right are swapped, or the picture was mirrored without its labels{many}",
        "mirrored": f"the mirror image of the other objects{many}",
        "y_from_bottom": f"upside down unless y is counted from the bottom of the picture{many}",
        "xy_exchanged": f"fits the others only with x and y exchanged{many}",
    }
    for row, c in zip(rows, choice, strict=True):
        yield objects.finding(names[c], "error", int(row), said[names[c]], 10.0)


def _outside(points: np.ndarray, size: np.ndarray) -> np.ndarray:
    """(R,) share of the points outside the picture; 0 where its size is not known."""
    with np.errstate(invalid="ignore"):
        out = (points < -0.5) | (points > size[:, None] - 0.5)
    return out.any(axis=-1).mean(axis=1)


# --- exchanged names ---


def _exchanged(
    objects: _Objects, expected: Expected, mirrored: np.ndarray
) -> Iterator[tuple[Finding, int, np.ndarray]]:
    suspect = expected.usable & ~mirrored
    suspect &= (expected.tail.log_p(expected.whole) < _SUSPECT) | (
        expected.point_tail.log_p(_worst(expected.points)) < _SUSPECT
    )
    k = objects.points.shape[1]
    groups = _part_pairs(objects.data)
    pairs = np.array(list(combinations(range(k), 2)))
    for row in np.flatnonzero(suspect).tolist():
        one = np.array([row])
        now = objects.points[row]
        first = before = float(expected.distances(one, now[None])[0][0])
        order, steps = np.arange(k), 0
        while steps < _MOST_EXCHANGES:
            candidates = _candidates(expected, row, now, pairs, groups)
            if not candidates:
                break
            tried = np.stack([now[c] for c in candidates])
            d2, point_d2, _, freedom = expected.distances(np.full(len(tried), row), tried)
            best = int(np.argmin(d2))
            if before - d2[best] < max(_GAIN, _LEAST_GAIN * before):
                break
            moved = np.flatnonzero(candidates[best] != np.arange(k))
            limits = expected.point_limits(_FIXED, freedom[best])
            right = np.isnan(point_d2[best, moved]) | (point_d2[best, moved] <= limits[moved])
            if right.mean() < 0.75:
                break
            now, before, order, steps = tried[best], float(d2[best]), order[candidates[best]], steps + 1
        if not steps:
            continue
        odd, after = expected.log_p(np.array([row, row]), np.stack([objects.points[row], now]))
        if odd < _ODD and after >= max(_USUAL, odd + _BETTER * steps):
            yield _say_exchange(objects, row, order, first, before, -float(odd)), row, now


def _candidates(
    expected: Expected, row: int, shape: np.ndarray, pairs: np.ndarray, groups: list[np.ndarray]
) -> list[np.ndarray]:
    """Permutations worth working out: the most promising pairs by a linear forecast, and whole parts."""
    k = len(shape)
    there = np.isfinite(shape[:, 0])
    ((_, model, kernel),) = expected.blocks(np.array([row]), shape[None])
    away = model.frame(shape[None])[0][0]
    pushed = (away.ravel() @ kernel.precision).reshape(k, 2)
    both = pairs[there[pairs].all(axis=1)]
    a, b = both.T
    laid = away + model.mean
    step = laid[b] - laid[a]
    far = np.linalg.norm(step, axis=1) > _LEAST_APART / np.sqrt(k)
    a, b, step = a[far], b[far], step[far]
    q = kernel.precision.reshape(k, 2, k, 2)
    block = q[a, :, a] + q[b, :, b] - q[a, :, b] - q[b, :, a]
    forecast = 2 * (step * (pushed[a] - pushed[b])).sum(axis=1) + np.einsum("pi,pij,pj->p", step, block, step)
    found = []
    for i in np.argsort(forecast)[: (len(a) if k <= _TRIED else _TRIED)]:
        order = np.arange(k)
        order[[a[i], b[i]]] = b[i], a[i]
        found.append(order)
    return found + [g for g in groups if there[g != np.arange(k)].any()]


def _part_pairs(data: Dataset) -> list[np.ndarray]:
    """Permutations that exchange a part with its mirror image (left eye and right eye), or turn a part around."""
    skeleton, k = data.skeleton, len(data.skeleton)
    found: dict[bytes, np.ndarray] = {}
    for part in skeleton.parts.values():
        if len(part) > 2:
            order = np.arange(k)
            order[list(part)] = part[::-1]
            found[order.tobytes()] = order
        if skeleton.flip is not None and len(part) > 1:
            order = np.arange(k)
            members = np.array(sorted({*part, *(skeleton.flip[i] for i in part)}))
            order[members] = np.array(skeleton.flip)[members]
            if (order != np.arange(k)).any():
                found[order.tobytes()] = order
    return list(found.values())


def _say_exchange(objects: _Objects, row: int, order: np.ndarray, before: float, after: float, odd: float) -> Finding:
    moved = np.flatnonzero(order != np.arange(len(order)))
    names = objects.data.skeleton.names
    swapped = [(i, int(order[i])) for i in moved if order[order[i]] == i and i < order[i]]
    flip = objects.data.skeleton.flip
    sides = flip is not None and all(flip[a] == b for a, b in swapped) and 2 * len(swapped) == len(moved)
    words = [f"{names[a]} and {names[b]}" for a, b in swapped[:3]] or [", ".join(names[i] for i in moved[:6])]
    more = f" and {len(swapped) - 3} more pairs" if len(swapped) > 3 else ""
    what = "left and right are exchanged" if sides else "exchanged"
    sentence = f"{what}: {'; '.join(words)}{more}"
    severity = "error" if before - after > _CLEAR and odd > _CLEARLY_ODD else "warning"
    return objects.finding("points_exchanged", severity, row, sentence, odd, moved)


# --- points and shapes ---


def _points(objects: _Objects, expected: Expected, now: np.ndarray, free: np.ndarray):  # type: ignore[no-untyped-def]
    """Points that the others contradict; gives back which objects have some."""
    accused = np.zeros(len(now), bool)
    rows = np.flatnonzero(expected.usable & free)
    worst = expected.point_tail.log_p(_worst(expected.points))
    rows = rows[worst[rows] < POINT_LEVEL]
    size = centroid_size(now)
    found = []
    for some, model, kernel in expected.blocks(rows, now[rows]):
        limits = expected.point_limits(POINT_LEVEL, kernel.point_freedom)
        first = np.nan_to_num(expected.points[rows[some]], nan=0.0) / expected.point_tail.limit(POINT_LEVEL)
        weights = 1 / (1 + np.maximum(first, 0) ** 2)
        away, _ = model.frame(now[rows[some]], weights)
        most = max((int(np.isfinite(limits).sum()) - 2) // 3, 1)
        wrong = wrong_points(kernel.precision, away, limits, None, most)
        for row, bad in zip(rows[some].tolist(), wrong, strict=True):
            # Where nothing is left after the others were weighed again, the odd one out is the one that was worst.
            bad = np.flatnonzero(bad) if bad.any() else np.array([int(np.nanargmax(expected.points[row]))])
            found.append((row, bad, _missed_by(expected, row, now[row], bad)))
            accused[row] = True
    names = objects.data.skeleton.names
    for row, bad, missed in found:
        far = [f"{names[p]} by {100 * d / size[row]:.0f} %" for p, d in zip(bad[:4], missed, strict=False)]
        more = f" and {len(bad) - 4} more" if len(bad) > 4 else ""
        sentence = f"{', '.join(far)}{more} of the object's size from where the other points say"
        yield objects.finding("unlikely_point", "warning", row, sentence, -float(worst[row]), bad)
    return accused


def _missed_by(expected: Expected, row: int, shape: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """(B,) px between points and their expectation given those that are not bad."""
    from cairn.geometry import transforms

    rest = shape.copy()
    rest[bad] = np.nan
    if np.isfinite(rest[:, 0]).sum() < 2:
        return np.full(len(bad), np.nan)
    model = expected.models[int(expected.fold[row])]
    away, maps = model.frame(rest[None])
    seen = np.repeat(np.isfinite(rest[:, 0]), 2)
    c = model.covariance
    guess = np.zeros(len(seen))
    guess[~seen] = c[np.ix_(~seen, seen)] @ np.linalg.solve(c[np.ix_(seen, seen)], away.ravel()[seen])
    back = transforms.apply(transforms.invert(maps), (model.mean + guess.reshape(-1, 2))[None])[0]
    return np.linalg.norm(shape[bad] - back[bad], axis=1)


def _whole(objects: _Objects, expected: Expected, accused: np.ndarray) -> Iterator[Finding]:
    rare = expected.tail.log_p(expected.whole)
    for row in np.flatnonzero(expected.usable & ~accused & (rare < SHAPE_LEVEL)).tolist():
        sentence = f"a shape that one in {10 ** min(-rare[row], 6):,.0f} objects like the others would have"
        yield objects.finding("unlikely_shape", "warning", row, sentence, -float(rare[row]))


def _worst(points: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(points), -np.inf, points).max(axis=1, initial=-np.inf)
