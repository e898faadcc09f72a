"""Seeded batches of augmented squares, made in a background thread while the network works.

Batch `step` of a run depends on the run's seed and on `step` alone, so a run that is continued sees what it would have
seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from cairn.augment import Augmentation, change_pixels, random_map
from cairn.dataset import Dataset
from cairn.detectors.balance import shares
from cairn.detectors.crop import crop
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms

__all__ = ["Batch", "Samples", "batches", "in_background"]

_B = TypeVar("_B")

_ROOM = 1.7  # a sample is kept with this much more around the square, for turning, shifting and zooming


@dataclass(frozen=True)
class Batch:
    """What a network sees in one step.

    Parameters
    ----------
    pixels : (B, S, S, 3) uint8
    points : (B, K, 2) float32, px of the square
    weight : (B, K) float32, 0 where there is no label or the point left the square
    frame : (B, 2, 2) float32, how the axes of the unchanged square lie in this one (turned, scaled, mirrored)
    """

    pixels: np.ndarray
    points: np.ndarray
    weight: np.ndarray
    frame: np.ndarray

    @property
    def mirrored(self) -> np.ndarray:
        """(B,) bool."""
        return np.linalg.det(self.frame) < 0


class Samples:
    """Every object of a dataset, cut out once with room around, in memory.

    Rows without a label, or without a box that has an area, are left out.
    """

    def __init__(self, dataset: Dataset, size: int, scale: float, uses_box: bool):
        self.size, self.scale = size, scale
        landmarks = dataset.landmarks
        self.flip = dataset.skeleton.left_right
        kept = size * _ROOM
        self._pixels: list[np.ndarray] = []
        points, rows = [], []
        boxes = landmarks.boxes
        order = np.argsort(landmarks.image_index, kind="stable")
        last, rgb = -1, np.empty(0)
        for row in order:
            if not landmarks.labelled[row].any():
                continue
            i = int(landmarks.image_index[row])
            if i != last:
                last, rgb = i, dataset.images[i].rgb()
            box = boxes[row : row + 1] if uses_box else box_geometry.whole(*rgb.shape[1::-1])
            if not box_geometry.is_valid(box)[0]:
                continue
            # No finer than the picture is, so that memory is not spent on invented pixels.
            zoom = transforms.box_to_square(box, size, scale)[0, 0, 0]
            pixels = int(np.ceil(kept * min(1.0, 1 / zoom)))
            matrix = transforms.box_to_square(box, pixels, scale * _ROOM)[0]
            self._pixels.append(crop(rgb, matrix, pixels))
            points.append(transforms.apply(matrix, landmarks.points[row]))
            rows.append(row)
        self.points = np.array(points).reshape(len(rows), *landmarks.points.shape[1:])
        self.rows = np.array(rows, np.int64)

    def __len__(self) -> int:
        return len(self._pixels)

    def plain(self, i: int) -> np.ndarray:
        """(2, 3): from the kept square of sample `i` to the network's, nothing changed."""
        side = self._pixels[i].shape[0]
        zoom = self.size * _ROOM / side
        shift = (self.size - 1) / 2 - zoom * (side - 1) / 2
        return np.array([[zoom, 0, shift], [0, zoom, shift]])

    def draw(self, i: int, how: Augmentation, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sample `i` changed at random: ((S, S, 3) uint8, (K, 2) px, (2, 2) frame)."""
        change = random_map(how, self.size, self.scale, rng)
        mirrored = self.flip is not None and rng.random() < 0.5
        if mirrored:
            change = transforms.compose([[-1, 0, self.size - 1], [0, 1, 0]], change)
        matrix = transforms.compose(change, self.plain(i))
        points = transforms.apply(matrix, self.points[i])
        if mirrored:
            points = points[list(self.flip)]
        pixels = crop(self._pixels[i], matrix, self.size)
        return change_pixels(pixels, how, rng), points, change[:, :2]

    def unchanged(self) -> tuple[np.ndarray, np.ndarray]:
        """Every sample as prediction sees it: (N, S, S, 3) uint8 and (N, K, 2) px."""
        squares = [crop(p, self.plain(i), self.size) for i, p in enumerate(self._pixels)]
        points = [transforms.apply(self.plain(i), p) for i, p in enumerate(self.points)]
        return np.stack(squares), np.stack(points)


def batches(
    samples: Samples, how: Augmentation, batch_size: int, seed: int, first: int, last: int, ahead: int = 4
) -> Iterator[Batch]:
    """Batches `first` to `last` - 1 of the run with `seed`; in each round samples come as often as `shares` says."""
    n, share = len(samples), shares(samples.points)

    def make(step: int) -> Batch:
        rng = np.random.default_rng([seed, 1, step])
        places = np.arange(step * batch_size, (step + 1) * batch_size)
        pixels = np.empty((batch_size, samples.size, samples.size, 3), np.uint8)
        points = np.empty((batch_size, *samples.points.shape[1:]), np.float32)
        frame = np.empty((batch_size, 2, 2), np.float32)
        orders = {r: _order(share, np.random.default_rng([seed, 2, r])) for r in set((places // n).tolist())}
        for j, place in enumerate(places.tolist()):
            pixels[j], points[j], frame[j] = samples.draw(int(orders[place // n][place % n]), how, rng)
        inside = ((points > -0.5) & (points < samples.size - 0.5)).all(-1)  # NaN compares False
        return Batch(pixels, np.nan_to_num(points), inside.astype(np.float32), frame)

    yield from in_background(make, first, last, ahead)


def _order(share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many samples as there are, each as often as its share says, or once less or more, in random order."""
    n = len(share)
    if (share == 1).all():
        return rng.permutation(n)
    places = np.searchsorted(np.cumsum(share), np.arange(n) + rng.random(), side="right")
    return rng.permutation(np.minimum(places, n - 1))


def in_background(make: Callable[[int], _B], first: int, last: int, count: int = 4) -> Iterator[_B]:
    """``make(step)`` for steps `first` to `last` - 1, in order, up to `count` of them made ahead in a thread."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, s) for s in range(first, min(first + count, last))]
        for step in range(first, last):
            batch = waiting.pop(0).result()
            if step + count < last:
                waiting.append(pool.submit(make, step + count))
            yield batch
