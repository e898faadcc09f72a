"""A trained finder at work: whole pictures to boxes by an ONNX graph, without torch.

The graph takes pictures (B, H, W, 3) uint8 whose sides are multiples of `_MULTIPLE` and gives (B, H / stride,
W / stride, 5), for each cell: the probability that an object is centred there, the way from the cell's centre to the
object's (x, y), and the object's width and height, all in px of what the graph saw (objects as points: Zhou, Wang &
Krähenbühl 2019, "CenterNet").

A picture is looked at whole, at several sizes, each half of the one before: the finest finds the small objects, the
coarsest those that fill the picture. The number of pixels of the finest is bounded, and with it time and memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Finder, Run, State
from cairn.detectors.onnx_graph import OnnxGraph
from cairn.geometry import boxes as box_geometry
from cairn.images import Image

__all__ = ["CenterFinder", "merge"]

_MULTIPLE = 32  # of the graph's coarsest maps
_AT_MOST = 500  # boxes of one size of a picture that are merged


@dataclass
class CenterFinder(Finder):
    """Boxes of a centre network in whole pictures.

    Parameters
    ----------
    threshold : least score of a box
    overlap : two boxes whose intersection is a larger share of their union are one object
    most_pixels : of the finest size at which a picture is looked at; a larger picture is made smaller
    coarsest : px; a picture whose longer side is not above it is looked at once
    """

    threshold: float = 0.4
    overlap: float = 0.4
    most_pixels: int = 1_600_000
    coarsest: int = 320

    graph_: Callable[[np.ndarray], list[np.ndarray]] = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    kind: ClassVar[str] = "centre"

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Not here: `cairn.neural.finder.CenterNet` trains, and leaves one of these behind."""
        raise NotImplementedError("a CenterFinder is trained by cairn.neural.finder.CenterNet (needs torch)")

    def predict(self, images: Sequence[Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See `Finder.predict`."""
        return [self._find(image.rgb()) for image in images]

    def _find(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, width = pixels.shape[:2]
        found = []
        for level in self._levels(pixels):
            boxes, scores = _peaks(self.graph_(_padded(level)[None])[0][0], level.shape[:2], self.threshold)
            zoom = np.array([width / level.shape[1], height / level.shape[0]] * 2)
            found.append(((boxes + 0.5) * zoom - 0.5, scores))
        boxes, scores = (np.concatenate(part) for part in zip(*found, strict=True))
        return merge(boxes, scores, self.overlap)

    def _levels(self, pixels: np.ndarray) -> list[np.ndarray]:
        """The picture at each size at which it is looked at, the finest first."""
        height, width = pixels.shape[:2]
        shrink = min(1.0, (self.most_pixels / (width * height)) ** 0.5)
        levels = [_resized(pixels, height * shrink, width * shrink)]
        while max(levels[-1].shape[:2]) > self.coarsest:
            levels.append(_resized(levels[-1], levels[-1].shape[0] / 2, levels[-1].shape[1] / 2))
        return levels

    def settings(self) -> dict[str, Any]:
        """The hyper-parameters."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def state(self) -> State:
        """See `Finder.state`."""
        assert isinstance(self.graph_, OnnxGraph)
        return State(self.settings(), {}, {"network": self.graph_.data})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """See `Finder.from_state`."""
        finder = cls(**state.settings)
        finder.graph_ = OnnxGraph(state.graphs["network"])
        return finder


def merge(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> tuple[np.ndarray, np.ndarray]:
    """One box for each object, the best first: the best is kept, those that overlap it are dropped, and so on.

    Parameters
    ----------
    boxes : (N, 4)
    scores : (N,)
    overlap : least intersection over union of two boxes of one object

    Returns
    -------
    (M, 4), (M,)
    """
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    same = box_geometry.iou(boxes, boxes) > overlap
    kept = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if kept[i]:
            kept[i + 1 :] &= ~same[i, i + 1 :]
    return boxes[kept], scores[kept]


def _peaks(cells: np.ndarray, size: tuple[int, int], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Boxes at the highest cells of their neighbourhoods, best first.

    A box is the mean of what the 3 x 3 cells about the peak say, weighted by their scores: each is an answer of its own
    to the same question.

    Parameters
    ----------
    cells : (h, w, 5) of the graph
    size : height and width of the picture without its padding

    Returns
    -------
    (N, 4) px of what the graph saw, (N,)
    """
    import cv2

    cells = cells.astype(np.float64)
    h, w = cells.shape[:2]
    stride = _MULTIPLE * -(-size[0] // _MULTIPLE) // h
    score = np.pad(cells[..., 0], 1)
    highest = cv2.dilate(score, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    inside = np.zeros((h, w), bool)
    inside[: -(-size[0] // stride), : -(-size[1] // stride)] = True
    y, x = np.nonzero((cells[..., 0] >= threshold) & (cells[..., 0] >= highest) & inside)
    best = np.argsort(-cells[y, x, 0], kind="stable")[:_AT_MOST]
    y, x = y[best], x[best]

    padded = np.pad(cells, ((1, 1), (1, 1), (0, 0)))
    weight = np.zeros((len(y), 1))
    total = np.zeros((len(y), 4))
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            cell = padded[y + 1 + dy, x + 1 + dx]
            middle = np.stack([x + dx, y + dy], -1) * stride + (stride - 1) / 2 + cell[:, 1:3]
            box = np.concatenate([middle - cell[:, 3:] / 2, middle + cell[:, 3:] / 2], -1)
            total += cell[:, :1] * box
            weight += cell[:, :1]
    boxes = total / np.maximum(weight, 1e-9)
    scores = np.clip(cells[y, x, 0], 0, 1)
    valid = box_geometry.is_valid(boxes)
    return boxes[valid], scores[valid]


def _resized(pixels: np.ndarray, height: float, width: float) -> np.ndarray:
    """The picture with those sides, rounded to whole pixels."""
    import cv2

    shape = (max(round(height), 1), max(round(width), 1))
    return pixels if shape == pixels.shape[:2] else cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA)


def _padded(pixels: np.ndarray) -> np.ndarray:
    """Black rows and columns after the last ones, up to sides that the graph can halve."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, -height % _MULTIPLE), (0, -width % _MULTIPLE), (0, 0)))
