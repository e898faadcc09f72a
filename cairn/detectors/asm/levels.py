"""What a level of the pyramid is, and the frames that its matcher learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.asm.frames import Base, grey
from cairn.detectors.asm.search import Shapes
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.shape.model import ShapeModel

__all__ = ["Frames", "Level", "Objects", "draw_frames", "pose_of", "read_objects", "start_shapes"]


@dataclass(frozen=True)
class Objects:
    """Training objects: bases, points and boxes in px of the base (NaN = no label), row of the data."""

    bases: list[Base]
    points: np.ndarray
    boxes: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.bases)


@dataclass(frozen=True)
class Level:
    """The reference shape and the shape model in px of the frames of one level.

    Parameters
    ----------
    side : px of a frame
    shapes : the shape model; its mean is the reference that frames are laid on
    """

    side: int
    shapes: Shapes

    @classmethod
    def of(cls, model: ShapeModel, size: float, margin: int, spread: np.ndarray) -> Level:
        """With the mean shape's longer side at `size` px and `margin` px around it.

        Parameters
        ----------
        spread : (4, 4) covariance of shift (in longer sides of the mean), relative size and turn (radians) of the
            true shapes about the starting shape
        """
        low, high = model.mean_.min(axis=0), model.mean_.max(axis=0)
        scale = size / (high - low).max()
        side = int(np.ceil(size)) + 2 * margin
        reference = (model.mean_ - (low + high) / 2) * scale + (side - 1) / 2
        unit = np.array([size, size, 1.0, 1.0])
        shapes = Shapes.of(
            reference,
            model.modes_,
            model.variances_ * scale**2,
            model.noise_ * scale**2,
            spread * unit[:, None] * unit,
        )
        return cls(side, shapes)


@dataclass(frozen=True)
class Frames:
    """Training frames of one level: pixels (N, S, S) uint8, points (N, K, 2) px of the frame, object (N,)."""

    pixels: np.ndarray
    points: np.ndarray
    which: np.ndarray


def read_objects(dataset: Dataset, whole: bool, size: int) -> Objects:
    """Every row with a box and at least two points, cut out.

    Raises
    ------
    InputError : there is none
    """
    labels = dataset.landmarks
    bases, points, boxes, rows = [], [], [], []
    last, picture = -1, np.empty((0, 0), np.uint8)
    for row in np.argsort(labels.image_index, kind="stable").tolist():
        i = int(labels.image_index[row])
        if labels.labelled[row].sum() < 2 or not (whole or box_geometry.is_valid(labels.boxes[row : row + 1])[0]):
            continue
        if i != last:
            last, picture = i, grey(dataset.images[i].rgb())
        box = box_geometry.whole(*picture.shape[::-1])[0] if whole else labels.boxes[row]
        base = Base.cut(picture, box, size)
        bases.append(base)
        points.append(transforms.apply(base.matrix, labels.points[row]))
        boxes.append(transforms.apply(base.matrix, box.reshape(2, 2)).reshape(4))
        rows.append(row)
    if len(bases) < 2:
        raise InputError(
            f"the data has {len(bases)} rows with both a box and two labelled points or more; an active shape model "
            "needs 2 to see how shapes vary, and works from about 20"
        )
    return Objects(bases, np.array(points), np.array(boxes), np.array(rows))


def start_shapes(objects: Objects, flip: tuple[int, ...] | None, count: int, rng: np.random.Generator) -> np.ndarray:
    """(S, K, 2) in units of the box: the mean of all shapes, then means of groups of them (k-means).

    Only objects with all points take part in the groups; there are fewer than `count` where those are few.
    """
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
    unit = (objects.points - objects.boxes[:, None, :2]) / sides[:, None]
    if flip is not None:
        unit = np.concatenate([unit, unit[:, list(flip)] * [-1, 1] + [1, 0]])
    mean = np.nanmean(unit, axis=0)[None]
    whole = unit[np.isfinite(unit).all(axis=(1, 2))]
    groups = min(count, len(whole) // 20) - 1
    if groups < 2:
        return mean
    from sklearn.cluster import KMeans

    found = KMeans(groups, n_init=4, random_state=int(rng.integers(2**31))).fit(whole.reshape(len(whole), -1))
    return np.concatenate([mean, found.cluster_centers_.reshape(groups, *mean.shape[1:])])


def pose_of(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(N, 4) shift (in longer sides of the reference), relative size and turn that lay the reference on shapes."""
    middle = (reference.max(axis=0) + reference.min(axis=0)) / 2
    side = (reference.max(axis=0) - reference.min(axis=0)).max()
    maps = transforms.similarity_between(reference, points)
    shift = (transforms.apply(maps, middle[None])[..., 0, :] - middle) / side
    size, turn = np.hypot(maps[..., 0, 0], maps[..., 1, 0]), np.arctan2(maps[..., 1, 0], maps[..., 0, 0])
    return np.concatenate([shift, np.log(size)[..., None], turn[..., None]], axis=-1)


def draw_frames(
    objects: Objects, level: Level, copies: int, spread: np.ndarray, share: float, rng: np.random.Generator
) -> Frames:
    """Frames as the search will see them: laid on the truth, then turned and sized as a current shape may be off.

    Parameters
    ----------
    copies : of each object
    spread : (2,) standard deviations of log size and turn
    share : of the object's own turn (away from upright) that may be left in the frame
    """
    reference = level.shapes.mean
    n = len(objects) * copies
    pixels = np.empty((n, level.side, level.side), np.uint8)
    points = np.empty((n, *reference.shape))
    which = np.tile(np.arange(len(objects)), copies)
    middle = np.full(2, (level.side - 1) / 2)
    lay = transforms.similarity_between(objects.points, reference)
    for j, i in enumerate(which):
        own = np.arctan2(lay[i, 1, 0], lay[i, 0, 0])
        turn = rng.normal(0, spread[1]) - share * rng.random() * own
        move = transforms.rotation_about(middle, turn, np.exp(rng.normal(0, spread[0])))
        move[:, 2] += rng.uniform(-1, 1, 2)
        matrix = transforms.compose(move, lay[i])
        pixels[j] = objects.bases[i].frame(matrix, level.side)
        points[j] = transforms.apply(matrix, objects.points[i])
    return Frames(pixels, points, which)
