"""The mean shape, put into the box: the floor that every detector must beat.

Points are written in units of their box, ``u = (x - box corner) / box side`` for each axis, and averaged over the
training rows. A detector that does not beat this has learned nothing from the pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Run, State
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

__all__ = ["MeanShape"]

_RIGHT = 0.05  # of the square root of the box's area: what counts as right for the raw confidence


@dataclass
class MeanShape(Detector):
    """Where the points are on average, with their spread as covariance.

    Parameters
    ----------
    uses_box : False puts the mean shape into the whole picture, whatever the box says
    """

    uses_box: bool = True  # type: ignore[misc]  # a field here, a class constant in the contract

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Average the points of `dataset` in the units of their boxes.

        Raises
        ------
        InputError : no row has both a box and a point
        """
        labels = dataset.landmarks
        if self.uses_box:
            boxes = labels.boxes
        else:
            frames = {
                int(i): box_geometry.whole(*dataset.images[int(i)].size)[0] for i in np.unique(labels.image_index)
            }
            boxes = np.array([frames[int(i)] for i in labels.image_index]).reshape(-1, 4)
        use = box_geometry.is_valid(boxes) & labels.labelled.any(axis=1)
        if not use.any():
            raise InputError("the data has no row with both a box and a labelled point; there is nothing to learn from")
        boxes, points = boxes[use], labels.points[use]
        sides = box_geometry.sides(boxes)
        unit = (points - boxes[:, None, : sides.shape[1]]) / sides[:, None]
        present = np.isfinite(unit).all(axis=-1)
        count = present.sum(axis=0)
        unit = np.where(present[..., None], unit, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):  # a point that is never labelled stays NaN
            mean = unit.sum(axis=0) / count[:, None]
            away = np.where(present[..., None], unit - mean, 0.0)
            covariance = np.einsum("nki,nkj->kij", away, away) / count[:, None, None]
            error = np.linalg.norm(away * sides[:, None], axis=-1)
            reference = np.sqrt(np.prod(sides, axis=1))[:, None]
            right = ((error < _RIGHT * reference) & present).sum(axis=0) / count
        self.skeleton_ = labels.skeleton
        self.mean_ = mean
        self.covariance_ = covariance
        self.right_ = np.nan_to_num(right)
        return self

    def predict(
        self, images: Sequence[Image], boxes: Sequence[np.ndarray], *, init: np.ndarray | None = None
    ) -> Landmarks:
        """The mean shape in every box; `init` is not used."""
        given, index = box_geometry.stacked(boxes)
        frame = given
        if not self.uses_box:
            frame = _frames(images)[index]
        valid = box_geometry.is_valid(frame)
        frame = np.where(valid[:, None], frame, np.nan)
        sides = box_geometry.sides(frame)
        points = frame[:, None, :2] + self.mean_ * sides[:, None]
        covariance = self.covariance_ * (sides[:, None, :, None] * sides[:, None, None, :])
        confidence = np.where(np.isfinite(points).all(axis=-1), self.right_, 0.0)
        return Landmarks(self.skeleton_, points, given, index, confidence=confidence, covariance=covariance)

    def state(self) -> State:
        """Mean (K, 2), covariance (K, 2, 2) and share of right points (K,), in units of the box."""
        arrays = {"mean": self.mean_, "covariance": self.covariance_, "right": self.right_}
        return State({**asdict(self), "skeleton": self.skeleton_.to_json()}, arrays, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The detector that `state` was taken from."""
        settings = dict(state.settings)
        skeleton = Skeleton.from_json(settings.pop("skeleton"))
        detector = cls(**settings)
        k = len(skeleton)
        for name, shape in (("mean", (k, 2)), ("covariance", (k, 2, 2)), ("right", (k,))):
            if state.arrays[name].shape != shape:
                raise ValueError(f"array {name!r} has shape {state.arrays[name].shape}; expected {shape}")
        detector.skeleton_ = skeleton
        detector.mean_ = state.arrays["mean"]
        detector.covariance_ = state.arrays["covariance"]
        detector.right_ = state.arrays["right"]
        return detector


def _frames(images: Iterable[Image]) -> np.ndarray:
    """(M, 4) boxes of whole pictures."""
    return np.array([box_geometry.whole(*image.size)[0] for image in images]).reshape(-1, 4)
