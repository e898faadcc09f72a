"""dlib's shape predictor at work without dlib: the same trees, the same pixels, the same sums, so the same points.

dlib looks at the picture itself, not at a patch of some resolution, adds the points' moves in the frame of the box and
sees black outside of the picture. A pixel that is read one further to the left can lead to another leaf, and a sum in
another order to another pixel. So what dlib reckons in single precision is reckoned in single precision here, in the
same order, and what it reckons in double precision in double. Then the answers are the same; only, dlib rounds them to
whole pixels, and that is not done here.

A box x0, y0, x1, y1 is dlib's rectangle(left=x0, top=y0, right=x1, bottom=y1), which knows whole numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numba
import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Run, State
from cairn.detectors.ert.cascade import Cascade
from cairn.geometry import boxes as box_geometry
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

__all__ = ["DlibPredictor"]

_LEAST_SPREAD = 0.01  # sd in units of the box that is always allowed for: trees that agree may be wrong together
_FILLS = 0.06  # how far, in units of the box, the mean shape of tight boxes may stay from their edges
_DOUBT = 0.03  # spread in units of the box at which confidence has fallen to 1 / e


@dataclass
class DlibPredictor(Detector):
    """Points of an imported shape predictor in given boxes.

    Points are those of the box itself. How far they move when the box is moved a little, to the left and right and up
    and down, is their spread: `covariance`, and `confidence` falls with it.

    Parameters
    ----------
    nudge : share of the box's sides by which it is moved for the spread; 0 looks once, in a fifth of the time,
        and knows no spread: every confidence is 1/2
    tight : the boxes that are given lie tight around the points, as those of cairn's labels and finders do. Trees only
        know boxes as in their training: so the one is taken in which the mean shape has the given one around it
    """

    nudge: float = 0.05
    tight: bool = False

    skeleton_: Skeleton = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    cascade_: Cascade = field(default=None, init=False, repr=False)  # type: ignore[assignment]

    @classmethod
    def of(cls, cascade: Cascade, skeleton: Skeleton, *, nudge: float = 0.05, tight: bool = False) -> Self:
        """The detector that runs `cascade`, whose leaves are written out in full.

        Raises
        ------
        ValueError : `skeleton` has another number of points
        """
        if len(skeleton) != cascade.n_points:
            raise ValueError(f"a skeleton of {len(skeleton)} points for trees that move {cascade.n_points}")
        if tight and not (np.ptp(cascade.mean, axis=0) > 0).all():
            raise ValueError("no box lies tight around a mean shape without width or height")
        if cascade.scales is not None or cascade.basis is not None:
            raise ValueError("leaves must be moves in floating point")
        made = cls(nudge, tight)
        made.skeleton_, made.cascade_ = skeleton, cascade
        return made

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Not here: dlib trains these. `cairn.detectors.ert.detector.Ert` trains trees of our own."""
        raise NotImplementedError("a DlibPredictor is trained by dlib; the recipe ert trains trees in cairn")

    def predict(
        self, images: Sequence[Image], boxes: Sequence[np.ndarray], *, init: np.ndarray | None = None
    ) -> Landmarks:
        """See `Detector.predict`; `init` is not used."""
        given, index = box_geometry.stacked(boxes)
        points = np.full((len(given), len(self.skeleton_), 2), np.nan)
        covariance = np.full((*points.shape, 2), np.nan)
        confidence = np.zeros(points.shape[:2])
        last, picture = -1, np.empty((0, 0, 3), np.uint8)
        for row in np.flatnonzero(box_geometry.is_valid(given)).tolist():
            if index[row] != last:
                last = int(index[row])
                picture = np.ascontiguousarray(images[last].rgb())
            box = self._own_box(given[row])
            side = box_geometry.sides(box)
            shapes = self._shapes(picture, box)
            points[row] = shapes[0].astype(np.float64) * side + box[:2]
            with np.errstate(over="ignore", invalid="ignore"):  # what a hostile file sums up to is a failure, below
                covariance[row], confidence[row] = _spread(shapes, side)
        lost = ~np.isfinite(points).all(axis=-1) | ~np.isfinite(covariance).all(axis=(-1, -2))
        points[lost], covariance[lost], confidence[lost] = np.nan, np.nan, 0
        if not self.nudge:
            confidence /= 2
            return Landmarks(self.skeleton_, points, given, index, confidence=confidence)
        return Landmarks(self.skeleton_, points, given, index, confidence=confidence, covariance=covariance)

    def _own_box(self, box: np.ndarray) -> np.ndarray:
        """(4,) px: the box that the trees know."""
        low, high = self.cascade_.mean.min(axis=0).astype(np.float64), self.cascade_.mean.max(axis=0)
        # The mean of shapes that each fill their box fills it almost: then the training boxes were tight themselves.
        if not self.tight or (np.abs([low, 1 - high]) < _FILLS).all():
            return box
        side = box_geometry.sides(box) / (high - low)
        corner = box[:2] - low * side
        return np.concatenate([corner, corner + side])

    def _shapes(self, picture: np.ndarray, box: np.ndarray) -> np.ndarray:
        """(L, K, 2) in units of `box`, as seen from it and from boxes beside it."""
        moves = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]) if self.nudge else np.zeros((1, 2))
        moves = moves * self.nudge
        c = self.cascade_
        side = box_geometry.sides(box)
        lows = box[:2] + moves * side
        shapes = _run(picture, lows, side, c.mean, c.anchors, c.offsets, c.first, c.second, c.thresholds, c.leaves)
        return shapes + moves[:, None].astype(np.float32)

    def state(self) -> State:
        """See `Detector.state`."""
        return State({**self.settings(), "skeleton": self.skeleton_.to_json()}, self.cascade_.to_arrays(), {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """See `Detector.from_state`."""
        settings = dict(state.settings)
        skeleton = Skeleton.from_json(settings.pop("skeleton"))
        return cls.of(Cascade.from_arrays(state.arrays), skeleton, **settings)


def _spread(shapes: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances (K, 2, 2) px^2 and confidences (K,) of the answers (L, K, 2) in units of a box of `side` (2,) px."""
    away = shapes.astype(np.float64) - shapes[0]
    covariance = np.einsum("lki,lkj->kij", away, away) / max(len(shapes) - 1, 1) + np.eye(2) * _LEAST_SPREAD**2
    sd = np.sqrt(np.trace(covariance, axis1=1, axis2=2) - 2 * _LEAST_SPREAD**2)
    return covariance * side[:, None] * side, np.exp(-sd / _DOUBT)


@numba.njit(cache=True, nogil=True)
def _run(picture, lows, side, mean, anchors, offsets, first, second, thresholds, leaves):  # type: ignore[no-untyped-def]
    """The points in L boxes of one size, (L, K, 2) float32, in units of each box.

    Most of what a large model costs is waiting for its leaves to come from memory. So the trees of a stage are all gone
    through before the first leaf is added, and the leaves that the boxes take from one tree are added together.

    Parameters
    ----------
    picture : (H, W, 3) uint8
    lows, side : (L, 2), (2,) float64 px, the boxes' upper left corners and their sides
    mean, ..., leaves : of the `Cascade`
    """
    looks, points = len(lows), len(mean)
    stages, trees, nodes = first.shape
    shapes = np.empty((looks, points, 2), np.float32)
    shapes[:] = mean
    flat = shapes.reshape(looks, 2 * points)
    values = np.empty(anchors.shape[1], np.float32)
    reached = np.empty((trees, looks), np.int64)
    for s in range(stages):
        for i in range(looks):
            _look(picture, lows[i], side, mean, shapes[i], anchors[s], offsets[s], values)
            for t in range(trees):
                node = 0
                while node < nodes:
                    difference = values[first[s, t, node]] - values[second[s, t, node]]
                    node = 2 * node + 2 - int(difference > thresholds[s, t, node])
                reached[t, i] = node - nodes
        for t in range(trees):
            for i in range(looks):
                leaf = leaves[s, t, reached[t, i]]
                for j in range(2 * points):
                    flat[i, j] += leaf[j]
    return shapes


@numba.njit(cache=True, nogil=True)
def _look(picture, low, side, mean, shape, anchors, offsets, values):  # type: ignore[no-untyped-def]
    """Grey values (P,) of a stage's pixels; outside of the picture is black."""
    height, width, _ = picture.shape
    a, b = _turn(mean, shape)
    for p in range(len(anchors)):
        k = anchors[p]
        dx, dy = offsets[p, 0], offsets[p, 1]
        x = np.floor(np.float64(a * dx - b * dy + shape[k, 0]) * side[0] + low[0] + 0.5)
        y = np.floor(np.float64(b * dx + a * dy + shape[k, 1]) * side[1] + low[1] + 0.5)
        values[p] = 0
        if 0 <= x < width and 0 <= y < height:
            pixel = picture[int(y), int(x)]
            values[p] = (np.int64(pixel[0]) + np.int64(pixel[1]) + np.int64(pixel[2])) // 3


@numba.njit(cache=True, nogil=True)
def _turn(mean, shape):  # type: ignore[no-untyped-def]
    """(a, b) float32: turning and scaling by ``a + i b`` takes `mean` to `shape` best (Umeyama 1991, equation 40).

    In the plane his rotation and scale are one complex number, <mean, shape> / <mean, mean> about the centroids.
    """
    k = len(mean)
    mean_x = mean_y = shape_x = shape_y = 0.0
    for i in range(k):
        mean_x += mean[i, 0]
        mean_y += mean[i, 1]
        shape_x += shape[i, 0]
        shape_y += shape[i, 1]
    norm = real = imaginary = 0.0
    for i in range(k):
        px, py = mean[i, 0] - mean_x / k, mean[i, 1] - mean_y / k
        qx, qy = shape[i, 0] - shape_x / k, shape[i, 1] - shape_y / k
        norm += px * px + py * py
        real += px * qx + py * qy
        imaginary += px * qy - py * qx
    if k == 1 or norm == 0.0:  # a point has no direction
        return np.float32(1), np.float32(0)
    return np.float32(real / norm), np.float32(imaginary / norm)
