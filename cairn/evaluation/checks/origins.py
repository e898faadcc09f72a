"""Whether two sources of labels count pixels from the same origin, by what the pictures show at the points.

Small patches around a point look alike from picture to picture. The mean patch of each point, over both sources, has a
slope, and by this slope every patch says how far its label is shifted against the mean (Lucas & Kanade 1981, one step).
Single labels say little; their mean over all points of an object, and over many objects, is known to a tenth
of a pixel. A blurred mean answers a shift only in part; how much is measured by shifting all patches by one pixel.

Two sources may differ because people do. What counts as another origin is a shift that is the same in x and y, and is
half a pixel, one or two.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.evaluation.checks.findings import Finding
from cairn.evaluation.checks.places import sources
from cairn.geometry.procrustes import centroid_size

__all__ = ["origin_findings", "shift_between"]

LEAST_OBJECTS, MOST_OBJECTS = 15, 300  # of each source
SURE = 4.5  # standard errors
STEPS = (0.5, 1.0, 2.0)  # px
_SIDE = 15  # samples of a patch each way
_REACH = 0.25  # of the root mean square distance from the centroid: half the width of a patch
_LEAST_ANSWER = 0.05  # of a shift by one pixel, below which the pictures say nothing


def origin_findings(data: Dataset, usable: np.ndarray) -> Iterator[Finding]:
    """Pairs of sources whose labels are shifted against each other by half a pixel, one or two.

    Parameters
    ----------
    usable : (N,) bool, objects of which nothing bad is known
    """
    labels = data.landmarks
    if labels.points.shape[-1] != 2:
        return
    source = sources(data)
    usable = usable & labels.labelled.all(axis=1)
    names = [n for n in np.unique(source) if (usable & (source == n)).sum() >= LEAST_OBJECTS]
    if len(names) < 2 or len(names) > 6:
        return
    seen = {}
    for name in names:
        rows = np.flatnonzero(usable & (source == name))
        seen[name] = _patches(data, rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_OBJECTS)).astype(int)])
    for a, b in combinations(sorted(names, key=lambda n: -(source == n).sum()), 2):
        if len(seen[a][0]) < LEAST_OBJECTS or len(seen[b][0]) < LEAST_OBJECTS:
            continue
        shift, error = shift_between(seen[a], seen[b])
        step, sure = _origin(shift, error)
        if step:
            yield Finding(
                "offset",
                "warning",
                f"the pictures show that labels of {b or 'the unnamed source'} stand {shift[0]:+.2f}, {shift[1]:+.2f} "
                f"px (x, y) from those of {a or 'the unnamed source'}, give or take {sure:.2f}: perhaps another origin",
                names=(str(b), str(a)),
                score=step,
            )


def _origin(shift: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Which step the shift is, 0 where it is none, and the standard error of both axes together."""
    if not np.isfinite(shift).all() or not (error > 0).all():
        return 0.0, np.nan
    weight = error**-2.0
    common, sure = float((weight * shift).sum() / weight.sum()), float(weight.sum() ** -0.5)
    if abs(common) < SURE * sure:
        return 0.0, sure
    for step in STEPS:
        each = np.abs(shift * np.sign(common) - step)
        bent = 0.15 * step if step > 1 else 0.0  # one step of the method does not go all the way, or too far
        near = abs(abs(common) - step) < np.clip(2 * sure, 0.1, 0.2) + bent
        if near and (each < np.minimum(np.maximum(2 * error, 0.15) + bent, step / 2)).all():
            return step, sure
    return 0.0, sure


def _patches(data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3, K, S, S) patches, as labelled and shifted by one pixel in x and in y; (n,) px between samples."""
    import cv2

    labels = data.landmarks
    line = np.linspace(-1, 1, _SIDE)
    across, down = np.meshgrid(line, line)
    found, steps = [], []
    for row in rows:
        try:
            pixels = data.images[int(labels.image_index[row])].rgb()
        except (InputError, ValueError):
            continue
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)
        points = labels.points[row]
        reach = _REACH * float(centroid_size(points)) / np.sqrt(len(points))
        step = 2 * reach / (_SIDE - 1)
        if step > 1:
            grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.5 * step), np.float32)
        three = []
        for dx, dy in ((0, 0), (1, 0), (0, 1)):
            x = (points[:, 0, None, None] + reach * across + dx).astype(np.float32).reshape(-1, _SIDE)
            y = (points[:, 1, None, None] + reach * down + dy).astype(np.float32).reshape(-1, _SIDE)
            three.append(cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        patches = np.stack(three).reshape(3, len(points), _SIDE, _SIDE)
        patches = patches - patches.mean(axis=(-1, -2), keepdims=True)
        size = np.sqrt((patches[:1] ** 2).mean(axis=(-1, -2), keepdims=True))
        found.append(patches / np.maximum(size, 4.0))  # a flat patch is noise and stays small
        steps.append(step)
    k = labels.points.shape[1]
    return np.array(found).reshape(-1, 3, k, _SIDE, _SIDE), np.array(steps)


def shift_between(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Px (2,) by which labels of `b` stand from those of `a`, and the standard error (2,); NaN where nothing answers.

    Parameters
    ----------
    a, b : patches and px between samples, as `_patches` gives them
    """
    count = min(len(a[0]), len(b[0]))
    mean = (a[0][:count, 0].mean(axis=0) + b[0][:count, 0].mean(axis=0)) / 2
    slope_y, slope_x = np.gradient(mean, axis=(-2, -1))
    slopes = np.stack([slope_x, slope_y]).reshape(2, -1)
    gram = slopes @ slopes.T
    if np.linalg.cond(gram) > 1e6:
        return np.full(2, np.nan), np.full(2, np.nan)

    def said(of: tuple[np.ndarray, np.ndarray], which: int) -> np.ndarray:
        patches, step = of
        away = (patches[:, which] - mean).reshape(len(patches), -1)
        return np.linalg.solve(gram, slopes @ away.T).T * step[:, None]  # (n, 2) px

    plain = [said(of, 0) for of in (a, b)]
    moved = [np.concatenate([said(of, i + 1) - p for of, p in zip((a, b), plain, strict=True)]) for i in (0, 1)]
    answer = np.stack([m.mean(axis=0) for m in moved], axis=1)
    if np.min(np.diag(answer)) < _LEAST_ANSWER:
        return np.full(2, np.nan), np.full(2, np.nan)
    back = np.linalg.inv(answer)
    one, other = (p @ back.T for p in plain)
    error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
    return other.mean(axis=0) - one.mean(axis=0), error
