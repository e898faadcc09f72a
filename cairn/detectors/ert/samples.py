"""What a cascade learns from: patches of the training pictures, with boxes that are a little off.

A sample is one object seen through one box. Its own box is jittered as a finder's would be (place, size, and size along
one axis), and where the skeleton has a mirror image each second sample is one. All samples of an object look at the same
patch, each through its own map from units of its box to pixels of the patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.ert.patches import grey_patch, patch_side
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms

__all__ = ["Objects", "Samples", "draw_samples", "moved_starts", "read_objects"]


@dataclass(frozen=True)
class Objects:
    """Training objects: patches (M, S, S, 1) uint8, points (M, K, 2) in units of the box, NaN = no label."""

    patches: np.ndarray
    points: np.ndarray
    size: int
    margin: float


@dataclass(frozen=True)
class Samples:
    """N samples: which patch (N,), its map (N, 2, 2: scale, offset), truths and starts (N, K, 2) in units of the box."""

    which: np.ndarray
    maps: np.ndarray
    truths: np.ndarray
    starts: np.ndarray


def read_objects(dataset: Dataset, whole: bool, size: int, margin: float) -> Objects:
    """The patches of all rows that have a box and a point.

    Raises
    ------
    InputError : there are none, or the points are not of pictures
    """
    labels = dataset.landmarks
    if labels.points.shape[-1] != 2:
        raise InputError("regression trees look at pictures, and these points have three coordinates")
    patches, points = [], []
    for i in np.unique(labels.image_index).tolist():
        rows = np.flatnonzero((labels.image_index == i) & labels.labelled.any(axis=1))
        pixels = None
        for row in rows:
            if whole:
                box = box_geometry.whole(*dataset.images[i].size)[0]
            else:
                box = labels.boxes[row]
            if not box_geometry.is_valid(box[None])[0]:
                continue
            if pixels is None:
                pixels = dataset.images[i].rgb()
            patches.append(grey_patch(pixels, box, size, margin))
            points.append((labels.points[row] - box[:2]) / (box[2:] - box[:2]))
    if not patches:
        raise InputError("the data has no row with both a box and a labelled point; there is nothing to learn from")
    return Objects(np.stack(patches)[..., None], np.array(points), size, margin)


def draw_samples(
    objects: Objects,
    each: int,
    mean: np.ndarray,
    flip: tuple[int, ...] | None,
    jitter: tuple[float, float, float],
    wander: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> Samples:
    """`each` samples of every object, the first through its own box.

    Parameters
    ----------
    mean : (K, 2) units of the box
    flip : every second sample is mirrored; None: none
    jitter : standard deviations of the box's place, log size and log aspect
    wander : of the start, see `moved_starts`
    """
    count = len(objects.points)
    which = np.repeat(np.arange(count), each)
    turn = np.tile(np.arange(each), count)
    n = len(which)
    truths = objects.points[which]
    mirrored = (turn % 2 == 1) if flip is not None else np.zeros(n, bool)
    if flip is not None:
        truths[mirrored] = truths[mirrored][:, list(flip)]
        truths[mirrored, :, 0] = 1 - truths[mirrored, :, 0]
    exact = turn == 0
    place, zoom = jittered_boxes(n, jitter, rng)
    place[exact], zoom[exact] = 0, 1
    truths = (truths - place[:, None]) / zoom[:, None]
    maps = box_maps(place, zoom, mirrored, objects.size, objects.margin)
    starts = moved_starts(mean, n, wander, rng, others=objects.points)
    starts[exact] = mean
    return Samples(which, maps, truths, starts)


def jittered_boxes(
    n: int, jitter: tuple[float, float, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) corners and (n, 2) sides of boxes near the unit box."""
    shift, size, aspect = jitter
    normal = np.clip(rng.normal(size=(n, 4)), -3, 3)
    stretch = aspect * normal[:, 3] / 2
    zoom = np.exp(size * normal[:, 2:3] + np.stack([stretch, -stretch], axis=1))
    return shift * normal[:, :2] + (1 - zoom) / 2, zoom


def box_maps(place: np.ndarray, zoom: np.ndarray, mirrored: np.ndarray, size: int, margin: float) -> np.ndarray:
    """(N, 2, 2) scale and offset from units of the moved box to px of the patch, for mirrored ones in its mirror."""
    maps = np.empty((len(place), 2, 2))
    maps[:, 0] = zoom * size
    maps[:, 1] = (place + margin) * size
    maps[mirrored, 0, 0] *= -1
    maps[mirrored, 1, 0] = patch_side(size, margin) - 1 - maps[mirrored, 1, 0]
    return maps.astype(np.float32)


def moved_starts(
    mean: np.ndarray,
    n: int,
    wander: tuple[float, float, float, float],
    rng: np.random.Generator,
    others: np.ndarray | None = None,
) -> np.ndarray:
    """(n, K, 2) float32: the mean shape, moved, scaled, turned, and mixed with shapes of other objects.

    Parameters
    ----------
    wander : standard deviations of the place, log size and angle (radians), and the largest share of another shape
    others : (M, K, 2) shapes; those with missing points are not mixed in
    """
    shift, size, angle, share = wander
    normal = np.clip(rng.normal(size=(n, 4)), -3, 3)
    weight = share * rng.random((n, 1, 1))
    pick = rng.random(n)
    shapes = np.broadcast_to(mean, (n, *mean.shape))
    if others is not None and share > 0:
        whole = others[np.isfinite(others).all(axis=(1, 2))]
        if len(whole):
            shapes = shapes + weight * (whole[(pick * len(whole)).astype(int)] - mean)
    middle = mean.mean(axis=0)
    c, s = np.cos(angle * normal[:, 2]), np.sin(angle * normal[:, 2])
    linear = np.exp(size * normal[:, 3])[:, None, None] * np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    offset = middle + shift * normal[:, :2]
    return transforms.apply(np.concatenate([linear, offset[..., None]], -1), shapes - middle).astype(np.float32)
