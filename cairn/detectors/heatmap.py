"""A trained heatmap network at work: boxes to points by an ONNX graph, without torch.

The graph takes squares (B, S, S, 3) uint8 and gives (B, K, 6): the mean, the variances and covariance (in px of the
square) and the highest probability of each point's map (see `cairn.neural.moments`). Points and covariances are carried
back to the picture here. Where it is asked for and the skeleton has a mirror image, the mirrored square is looked at
too, and the two answers are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Run, State
from cairn.detectors.crop import crop
from cairn.detectors.onnx_graph import OnnxGraph
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

__all__ = ["Heatmap"]

_BATCH = 32


@dataclass
class Heatmap(Detector):
    """Points of a heatmap network in given boxes.

    Parameters
    ----------
    input_size : px along a side of the square that the network sees
    scale : side of that square, in longer sides of the box
    uses_box : False looks at the whole picture, whatever the box says
    mirrored : also look at the mirrored square, where the skeleton has a flip
    """

    input_size: int = 128
    scale: float = 1.3
    uses_box: bool = True  # type: ignore[misc]
    mirrored: bool = False

    skeleton_: Skeleton = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    handedness_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    graph_: OnnxGraph = field(default=None, init=False, repr=False)  # type: ignore[assignment]

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Not here: `cairn.neural.heatmap.HeatmapNet` trains, and leaves one of these behind."""
        raise NotImplementedError("a Heatmap is trained by cairn.neural.heatmap.HeatmapNet (needs torch)")

    def predict(
        self, images: Sequence[Image], boxes: Sequence[np.ndarray], *, init: np.ndarray | None = None
    ) -> Landmarks:
        """See `Detector.predict`; `init` is not used."""
        all_boxes, index = box_geometry.stacked(boxes)
        seen = all_boxes.copy()
        moments = np.full((len(index), len(self.skeleton_), 6), np.nan)
        matrices = np.full((len(index), 2, 3), np.nan)
        squares: list[np.ndarray] = []
        rows: list[int] = []

        def flush() -> None:
            if rows:
                moments[rows] = self._moments(np.stack(squares))
                rows.clear()
                squares.clear()

        last, rgb = -1, np.empty((0, 0, 3), np.uint8)
        for row, i in enumerate(index.tolist()):
            if i != last:
                last, rgb = i, images[i].rgb()
            if not self.uses_box:
                seen[row] = box_geometry.whole(*rgb.shape[1::-1])[0]
            if not box_geometry.is_valid(seen[row]):
                continue
            matrices[row] = transforms.box_to_square(seen[row : row + 1], self.input_size, self.scale)[0]
            squares.append(crop(rgb, matrices[row], self.input_size))
            rows.append(row)
            if len(rows) == _BATCH:
                flush()
        flush()
        return self._landmarks(moments, matrices, all_boxes, index)

    def _moments(self, squares: np.ndarray) -> np.ndarray:
        """(B, K, 6) of the squares, averaged with those of their mirror images."""
        out = self.graph_(squares)[0].astype(np.float64)
        if self.mirrored and self.skeleton_.left_right is not None:
            out = self._with_mirror_image(out, squares)
        out[..., :2] += self.handedness_
        return out

    def _with_mirror_image(self, out: np.ndarray, squares: np.ndarray) -> np.ndarray:
        assert self.skeleton_.left_right is not None
        back = self.graph_(np.ascontiguousarray(squares[:, :, ::-1]))[0].astype(np.float64)
        back = back[:, list(self.skeleton_.left_right)]
        back[..., 0] = self.input_size - 1 - back[..., 0]
        back[..., 4] *= -1
        both = (out + back) / 2
        # The spread between the two answers is spread of the point as well.
        half = (out[..., :2] - back[..., :2]) / 2
        both[..., 2:4] += half**2
        both[..., 4] += half[..., 0] * half[..., 1]
        return both

    def _landmarks(self, moments: np.ndarray, matrices: np.ndarray, boxes: np.ndarray, index: np.ndarray) -> Landmarks:
        failed = ~np.isfinite(matrices).all(axis=(1, 2))
        back = np.full_like(matrices, np.nan)
        back[~failed] = transforms.invert(matrices[~failed])
        covariance = moments[..., [2, 4, 4, 3]].reshape(*moments.shape[:2], 2, 2)
        return Landmarks(
            self.skeleton_,
            points=transforms.apply(back, moments[..., :2]),
            boxes=boxes,
            image_index=index,
            confidence=np.clip(np.nan_to_num(moments[..., 5]), 0, 1),
            covariance=transforms.transform_covariance(back, covariance),
        )

    def state(self) -> State:
        """See `Detector.state`."""
        settings = {**self.settings(), "skeleton": self.skeleton_.to_json()}
        return State(settings, {"handedness": self.handedness_}, {"network": self.graph_.data})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """See `Detector.from_state`."""
        settings = dict(state.settings)
        skeleton = Skeleton.from_json(settings.pop("skeleton"))
        runner = cls(**settings)
        runner.skeleton_ = skeleton
        runner.handedness_ = np.asarray(state.arrays["handedness"], np.float64)
        runner.graph_ = OnnxGraph(state.graphs["network"])
        return runner
