"""What a cascade learns from: patches of the training pictures, with boxes that are a little off.

A sample is one object seen through one box. Its own box is jittered as a finder's would be (place, size, and size along
one axis), and where the skeleton has a mirror image each second sample is one. All samples of an object look at the
same patch, each through its own map from units of its box to pixels of the patch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.ert.patches import grey_patch
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms

__all__ = ["Objects", "Samples", "box_frames", "draw_samples", "mirror_image", "read_objects"]

MIRROR = np.array([[-1.0, 0, 1], [0, 1, 0]])  # in units of the box


@dataclass(frozen=True)
class Objects:
    """M training objects.

    Parameters
    ----------
    patches : (M, S, S) uint8
    frames : (M, 2, 3) units of the box to px of the patch
    points : (M, K, 2) units of the box, NaN = no label
    sides : (M, 2) px of the box
    """

    patches: np.ndarray
    frames: np.ndarray
    points: np.ndarray
    sides: np.ndarray

    def of_points(self, which: np.ndarray) -> Objects:
        """The same objects with some of their points."""
        return replace(self, points=self.points[:, which])

    def mean(self, flip: tuple[int, ...] | None) -> np.ndarray:
        """(K, 2) mean of the points in units of the box; its own mirror image where there is a flip."""
        mean = np.nanmean(self.points, axis=0)
        return mean if flip is None else (mean + mirror_image(mean, flip)) / 2


@dataclass(frozen=True)
class Samples:
    """N samples: which patch (N,), the map from units of its box to px of the patch (N, 2, 3), truth and start
    (N, K, 2) in units of the box."""

    which: np.ndarray
    places: np.ndarray
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
    found, points, sides = [], [], []
    for i in np.unique(labels.image_index).tolist():
        rows = np.flatnonzero((labels.image_index == i) & labels.labelled.any(axis=1))
        pixels = None
        for row in rows:
            box = labels.boxes[row]
            if not (whole or box_geometry.is_valid(box[None])[0]):
                continue
            if pixels is None:
                pixels = dataset.images[i].rgb()
            if whole:
                box = box_geometry.whole(*pixels.shape[1::-1])[0]
            found.append(grey_patch(pixels, box, size, margin))
            sides.append(box[2:] - box[:2])
            points.append((labels.points[row] - box[:2]) / sides[-1])
    if not found:
        raise InputError("the data has no row with both a box and a labelled point; there is nothing to learn from")
    patches, frames = (np.stack(part) for part in zip(*found, strict=True))
    return Objects(patches, frames, np.array(points), np.array(sides))


def draw_samples(
    objects: Objects,
    each: int | np.ndarray,
    mean: np.ndarray,
    flip: tuple[int, ...] | None,
    jitter: tuple[float, float, float],
    turn: float,
    wander: float,
    rng: np.random.Generator,
) -> Samples:
    """Samples of every object, the first of each through its own box.

    Parameters
    ----------
    each : how many of every object, or (N,) of each
    mean : (K, 2) units of the box
    flip : every second sample is mirrored; None: none
    jitter : standard deviations of the box's place, log size and log aspect
    turn : standard deviation of the angle by which object and picture are turned, radians
    wander : largest share of another object's shape in the start
    """
    count = len(objects.points)
    copies = np.broadcast_to(each, count)
    which = np.repeat(np.arange(count), copies)
    n = len(which)
    number = np.arange(n) - np.repeat(np.cumsum(copies) - copies, copies)
    truths = objects.points[which]
    mirrored = (number % 2 == 1) if flip is not None else np.zeros(n, bool)
    if flip is not None:
        truths[mirrored] = mirror_image(truths[mirrored], flip)
    first = number == 0
    angles = np.where(first, 0.0, turn * np.clip(rng.normal(size=n), -2.5, 2.5))
    shapes = np.where(np.isfinite(truths), truths, mean)
    own = turned_boxes(shapes, objects.sides[which], angles)
    corners, sides = jittered_boxes(n, jitter, rng)
    corners[first], sides[first] = 0, 1
    boxes = transforms.compose(own, box_frames(corners, sides))
    truths = transforms.apply(transforms.invert(boxes), truths)
    frames = objects.frames[which]
    frames[mirrored] = transforms.compose(frames[mirrored], MIRROR)
    places = transforms.compose(frames, boxes)
    starts = mixed_starts(mean, objects.points, n, wander, rng)
    starts[first] = mean
    return Samples(which, places, truths, starts)


def mirror_image(points: np.ndarray, flip: tuple[int, ...]) -> np.ndarray:
    """(..., K, 2) points in units of a box, in the mirror."""
    out = points[..., list(flip), :].copy()
    out[..., 0] = 1 - out[..., 0]
    return out


def turned_boxes(points: np.ndarray, sides: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Frames (N, 2, 3), in units of each old box, of the boxes that objects have when they are turned.

    A box lies about the turned points as the old one lay about the points: tight boxes stay tight.

    Parameters
    ----------
    points : (N, K, 2) units of the old box
    sides : (N, 2) px of the old box
    angles : (N,) radians
    """
    n = len(points)
    px = points * sides[:, None]
    middle = sides / 2
    c, s = np.cos(angles), np.sin(angles)
    rotation = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    turned = (px - middle[:, None]) @ np.swapaxes(rotation, -1, -2) + middle[:, None]
    before, after = box_geometry.around(px), box_geometry.around(turned)
    extent, new_extent = before[:, 2:] - before[:, :2], after[:, 2:] - after[:, :2]
    rate = np.where(extent > 0.1 * sides, new_extent / np.maximum(extent, 1e-9), 1.0)
    new_sides = sides * rate
    corner = np.where(extent > 0.1 * sides, after[:, :2] - before[:, :2] * rate, middle - sides / 2)
    # u' -> px of the turned picture -> px of the picture -> u
    frames = np.zeros((n, 2, 3))
    frames[:, 0, 0], frames[:, 1, 1] = new_sides[:, 0], new_sides[:, 1]
    frames[:, :, 2] = corner
    back = np.zeros((n, 2, 3))
    back[:, :, :2] = np.swapaxes(rotation, -1, -2)
    back[:, :, 2] = middle - (back[:, :, :2] @ middle[..., None])[..., 0]
    return transforms.compose(back, frames) / sides[..., None]


def jittered_boxes(
    n: int, jitter: tuple[float, float, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) corners and (n, 2) sides of boxes near the unit box."""
    shift, size, aspect = jitter
    normal = np.clip(rng.normal(size=(n, 4)), -3, 3)
    stretch = aspect * normal[:, 3] / 2
    sides = np.exp(size * normal[:, 2:3] + np.stack([stretch, -stretch], axis=1))
    return shift * normal[:, :2] + (1 - sides) / 2, sides


def box_frames(corners: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """(N, 2, 3) maps from units of boxes to the units that their corners (N, 2) and sides (N, 2) are given in."""
    frames = np.zeros((len(corners), 2, 3))
    frames[:, 0, 0], frames[:, 1, 1] = sides[:, 0], sides[:, 1]
    frames[:, :, 2] = corners
    return frames


def mixed_starts(mean: np.ndarray, others: np.ndarray, n: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """(n, K, 2) float32: the mean shape, mixed with at most a `share` of other objects' shapes (M, K, 2).

    Shapes with missing points are not mixed in.
    """
    starts = np.repeat(mean[None], n, axis=0)
    weights, pick = share * rng.random((n, 1, 1)), rng.random(n)
    whole = others[np.isfinite(others).all(axis=(1, 2))]
    if share > 0 and len(whole):
        starts += weights * (whole[(pick * len(whole)).astype(int)] - mean)
    return starts.astype(np.float32)
