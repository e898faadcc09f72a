"""Seeded batches of training scenes for finders: squares cut from whole pictures, at all scales, and what is in them.

A scene is a square of `size` px, or a grid of smaller squares that shows many small objects at once. Each square is cut
from one picture, about one of its objects, or anywhere. What is in it is carried along: objects that are seen well
enough, and regions about which nothing is said, because an object there is cut off, too small, or not labelled.

Boxes are tight around the points where the data's boxes are, so a turned object has a new tight box. Other boxes are
turned as the ellipses that touch their sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cairn.augment import Augmentation, change_pixels
from cairn.dataset import Dataset
from cairn.detectors.crop import crop
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.neural.batches import in_background

__all__ = ["Scene", "SceneBatch", "Scenes", "Variety", "scene_batches", "targets"]

_KEPT = 2.0  # longest side of a picture kept in memory, in sides of the scene
_TIGHT = 0.02  # of the box's side: how far a tight box may be from its points
_SEEN, _GONE = 0.6, 0.2  # share of the box in the square above which an object counts, and below which it is not there
_SMALLEST_REGION = 3.0  # px: smaller than that, nothing is recognisable as an object


@dataclass(frozen=True)
class Variety:
    """What scenes are made of.

    Parameters
    ----------
    smallest : px, of objects that are to be found (square root of the box's area)
    largest : of objects, in sides of the square
    fill : least longer side of the picture, in sides of the square
    enlarge : a picture is at most so many times enlarged
    turn : standard deviation of the angle, degrees
    stretch : standard deviation of the logarithm of width by height
    grids : shares of the scenes that are one square, 2 x 2, 3 x 3, 4 x 4 squares
    anywhere : share of the squares that are not about an object
    empty : share of those that come from pictures without objects, where there are any
    soften : share of the scenes that are out of focus
    hide : share of the objects that are covered in part
    """

    smallest: float = 14.0
    largest: float = 0.9
    fill: float = 0.7
    enlarge: float = 2.5
    turn: float = 12.0
    stretch: float = 0.04
    grids: tuple[float, ...] = (0.55, 0.27, 0.1, 0.08)
    anywhere: float = 0.3
    empty: float = 0.65
    soften: float = 0.15
    hide: float = 0.12


@dataclass(frozen=True)
class Scene:
    """What is seen, and what is in it.

    Parameters
    ----------
    pixels : (S, S, 3) uint8
    boxes : (N, 4) px, objects to be found
    ignored : (I, 4) px, regions about which nothing is said
    """

    pixels: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True)
class SceneBatch:
    """What a network sees in one step.

    Parameters
    ----------
    pixels : (B, S, S, 3) uint8
    heat : (B, h, w) float32, 1 in the cell of an object's centre, falling off as a Gaussian
    boxes : (B, h, w, 4) float32, px: the box of the object whose Gaussian is the highest in that cell
    weight : (B, h, w) float32, of the cell in the loss of the boxes; the weights of an object sum to about 1
    counted : (B, h, w) bool, cells that say whether an object is there
    """

    pixels: np.ndarray
    heat: np.ndarray
    boxes: np.ndarray
    weight: np.ndarray
    counted: np.ndarray


class Scenes:
    """Every picture of a dataset, in memory, with its objects.

    A row with a box but without a single labelled point is a region to leave out (COCO's objects without keypoints, its
    crowds, or what another detector took for an object): the network is neither rewarded nor punished there.
    """

    def __init__(self, dataset: Dataset, size: int, how: Variety):
        import cv2

        self.size, self.how = size, how
        skeleton, labels = dataset.skeleton, dataset.landmarks
        self.flips = skeleton.left_right is not None
        valid = box_geometry.is_valid(labels.boxes)
        tight = np.abs(box_geometry.around(labels.points) - labels.boxes).max(axis=1, initial=0)
        self._tight = tight <= _TIGHT * np.sqrt(np.prod(np.abs(box_geometry.sides(labels.boxes)), axis=1))
        self._object = valid & labels.labelled.any(axis=1)
        self._boxes, self._points, self._image = labels.boxes.copy(), labels.points[..., :2].copy(), labels.image_index
        self._rows = [np.flatnonzero(valid & (self._image == i)) for i in range(len(dataset.images))]
        self._pixels: list[np.ndarray] = []
        for i, rows in enumerate(self._rows):
            pixels = dataset.images[i].rgb()
            zoom = min(1.0, _KEPT * size / max(pixels.shape[:2]))
            if zoom < 1:
                shape = tuple(max(round(s * zoom), 1) for s in pixels.shape[1::-1])
                self._boxes[rows] = (self._boxes[rows] + 0.5) * zoom - 0.5
                self._points[rows] = (self._points[rows] + 0.5) * zoom - 0.5
                pixels = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA)
            self._pixels.append(pixels)
        self.objects = np.flatnonzero(self._object)
        self._empty = np.setdiff1d(np.arange(len(self._rows)), self._image[self.objects])

    def __len__(self) -> int:
        return len(self.objects)

    def draw(self, row: int, light: Augmentation, rng: np.random.Generator) -> Scene:
        """A scene about the object of that row, or (see `Variety`) about others and none."""
        shares = np.array(self.how.grids)
        n = 1 + int(rng.choice(len(shares), p=shares / shares.sum()))
        pixels = np.zeros((self.size, self.size, 3), np.uint8)
        edges = np.linspace(0, self.size, n + 1).round().astype(int)
        boxes, ignored = [np.empty((0, 4))], [np.empty((0, 4))]
        for j in range(n * n):
            x, y = edges[j % n], edges[j // n]
            side = min(edges[j % n + 1] - x, edges[j // n + 1] - y)
            part = self._square(row if j == 0 else int(rng.choice(self.objects)), int(side), rng)
            pixels[y : y + side, x : x + side] = part.pixels
            boxes.append(part.boxes + np.array([x, y] * 2))
            ignored.append(part.ignored + np.array([x, y] * 2))
        scene = Scene(pixels, np.concatenate(boxes), np.concatenate(ignored))
        return self._changed(scene, light, rng)

    def _square(self, row: int, side: int, rng: np.random.Generator) -> Scene:
        """`side` px cut from a picture: about the object of `row`, or anywhere."""
        how = self.how
        if rng.random() < how.anywhere:
            i = int(self._image[row])
            if len(self._empty) and rng.random() < how.empty:
                i = int(rng.choice(self._empty))
            extent = np.array(self._pixels[i].shape[1::-1], float)
            centre = rng.uniform(0.1, 0.9, 2) * extent
            zoom = min(np.exp(rng.uniform(np.log(0.8), np.log(5))) * side / extent.max(), 2 * how.enlarge)
            place = np.full(2, (side - 1) / 2)
        else:
            i = int(self._image[row])
            box = self._boxes[row]
            length = np.sqrt(np.prod(box_geometry.sides(box)))
            centre = box_geometry.centre(box)
            least = max(how.smallest, length * how.fill * side / max(self._pixels[i].shape[:2]))
            wanted = np.exp(rng.uniform(np.log(least), np.log(max(how.largest * side, least))))
            zoom = min(wanted / length, how.enlarge)
            margin = min(0.4 * zoom * length, side / 2)  # the object may stick out a little
            place = rng.uniform(margin, side - margin, 2) - 0.5
        matrix = transforms.rotation_about(centre, np.deg2rad(how.turn) * np.clip(rng.normal(), -3, 3), zoom)
        matrix[:, 2] += place - centre
        stretch = np.exp(how.stretch / 2 * np.clip(rng.normal(), -3, 3))
        about = np.array([[stretch, 0, (1 - stretch) * place[0]], [0, 1 / stretch, (1 - 1 / stretch) * place[1]]])
        matrix = transforms.compose(about, matrix)
        if self.flips and rng.random() < 0.5:
            matrix = transforms.compose(np.array([[-1.0, 0, side - 1], [0, 1, 0]]), matrix)
        rows = self._rows[i]
        boxes, ignored = self._sorted(rows, self._moved(rows, matrix), side)
        return Scene(crop(self._pixels[i], matrix, side), boxes, ignored)

    def _moved(self, rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """(N, 4) boxes of those rows under `matrix`."""
        middle = transforms.apply(matrix, box_geometry.centre(self._boxes[rows]))
        half = np.sqrt((box_geometry.sides(self._boxes[rows]) / 2) ** 2 @ (matrix[:, :2] ** 2).T)
        boxes = np.concatenate([middle - half, middle + half], axis=-1)
        tight = self._tight[rows]
        boxes[tight] = box_geometry.around(transforms.apply(matrix, self._points[rows[tight]]))
        return boxes

    def _sorted(self, rows: np.ndarray, boxes: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
        """The boxes of objects that count in a square, and those of regions that are left out."""
        inside = np.clip(boxes, -0.5, side - 0.5)
        area = np.prod(box_geometry.sides(boxes), axis=1)
        seen = np.prod(box_geometry.sides(inside), axis=1) / np.maximum(area, 1e-9)
        length = np.sqrt(np.maximum(area, 0))
        there = (seen > _GONE) & (length > _SMALLEST_REGION)
        small = length < 0.8 * self.how.smallest
        counts = there & (seen >= _SEEN) & ~small & self._object[rows]
        return boxes[counts], inside[there & ~counts]

    def _changed(self, scene: Scene, light: Augmentation, rng: np.random.Generator) -> Scene:
        """Other light, focus, and things in front of some objects."""
        import cv2

        pixels = change_pixels(scene.pixels, light, rng)
        if rng.random() < self.how.soften:
            pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.3))
        for box in scene.boxes[rng.random(len(scene.boxes)) < self.how.hide]:
            size = box_geometry.sides(box)
            corner = box[:2] + rng.uniform(-0.2, 0.8, 2) * size
            low = np.clip(np.round(corner), 0, self.size).astype(int)
            high = np.clip(np.round(corner + rng.uniform(0.2, 0.5, 2) * size), 0, self.size).astype(int)
            pixels[low[1] : high[1], low[0] : high[0]] = rng.integers(0, 256, 3)
        return Scene(pixels, scene.boxes, scene.ignored)


def targets(scene: Scene, stride: int, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the maps of one scene are to be: heat, boxes, weight, counted (see `SceneBatch`).

    Parameters
    ----------
    spread : standard deviation of an object's Gaussian, in sides of its box; at least 0.6 cells
    """
    cells = scene.pixels.shape[0] // stride
    heat = np.zeros((cells, cells), np.float32)
    boxes = np.zeros((cells, cells, 4), np.float32)
    weight = np.zeros((cells, cells), np.float32)
    counted = np.ones((cells, cells), bool)
    at = np.arange(cells)
    low = np.ceil((scene.ignored[:, :2] - (stride - 1) / 2) / stride).astype(int)
    high = np.floor((scene.ignored[:, 2:] - (stride - 1) / 2) / stride).astype(int) + 1
    for (x0, y0), (x1, y1) in zip(np.maximum(low, 0), np.maximum(high, 0), strict=True):
        counted[y0:y1, x0:x1] = False
    area = np.prod(box_geometry.sides(scene.boxes), axis=1)
    for box in scene.boxes[np.argsort(-area, kind="stable")]:  # the smaller object has the last word
        middle = (box_geometry.centre(box) - (stride - 1) / 2) / stride
        sigma = np.maximum(spread * box_geometry.sides(box) / stride, 0.6)
        peak = np.clip(np.round(middle), 0, cells - 1).astype(int)
        gx = np.exp(-0.5 * ((at - peak[0]) / sigma[0]) ** 2)
        gy = np.exp(-0.5 * ((at - peak[1]) / sigma[1]) ** 2)
        bump = np.outer(gy, gx).astype(np.float32)
        mine = (bump >= heat) & (bump > 0.2)
        boxes[mine] = box
        weight[mine] = (bump / bump[bump > 0.2].sum())[mine]
        np.maximum(heat, bump, out=heat)
    counted |= heat > 0.5
    return heat, boxes, weight, counted


def scene_batches(
    scenes: Scenes, light: Augmentation, batch_size: int, stride: int, spread: float, seed: int, first: int, last: int
) -> Iterator[SceneBatch]:
    """Batches `first` to `last` - 1 of the run with `seed`; every object comes once in each round."""
    n = len(scenes)

    def make(step: int) -> SceneBatch:
        rng = np.random.default_rng([seed, 1, step])
        places = np.arange(step * batch_size, (step + 1) * batch_size)
        orders = {r: np.random.default_rng([seed, 2, r]).permutation(n) for r in set((places // n).tolist())}
        rows = [int(scenes.objects[orders[p // n][p % n]]) for p in places.tolist()]
        drawn = [scenes.draw(row, light, rng) for row in rows]
        maps = [targets(scene, stride, spread) for scene in drawn]
        return SceneBatch(np.stack([s.pixels for s in drawn]), *(np.stack(m) for m in zip(*maps, strict=True)))

    yield from in_background(make, first, last)
