"""The chain from pictures to landmarks: finder, detector, verdict on the shape, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from cairn.detectors.contract import Detector, Finder
from cairn.errors import InputError
from cairn.images import as_images
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

if TYPE_CHECKING:
    from cairn.calibration.confidence import Calibration
    from cairn.shape.plausibility import Plausibility

__all__ = ["Model"]

_AT_ONCE = 16  # pictures that are held in memory together


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted chain, saved as one file.

    Parameters
    ----------
    detector : fitted; points in given boxes
    skeleton : of the points
    finder : fitted; boxes in whole pictures. None: boxes must be given
    calibration : turns the detector's spread into probability; None leaves the detector's own figures
    card : what it was made from, how, how good it is and under which licences; JSON-able
    plausibility : says of every answer whether it makes sense; None gives no verdict
    """

    detector: Detector
    skeleton: Skeleton
    finder: Finder | None = None
    calibration: Calibration | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    plausibility: Plausibility | None = None

    def __call__(self, pictures: Any, *, repair: bool = False) -> Landmarks:
        """Find the objects in whole pictures, and their landmarks.

        Parameters
        ----------
        pictures : a path (picture, folder or video), an array (H, W[, 3]), an `Image`, or a list of these
        repair : put implausible points where the others say; see `cairn.shape.repair`

        Returns
        -------
        Landmarks : rows follow picture, then box, best box first; `score` is the finder's

        Raises
        ------
        InputError : a picture that cannot be read, a model without a finder, or, for a repair, without plausibility
        """
        images = as_images(pictures)
        parts = []
        for start in range(0, len(images), _AT_ONCE):
            some = [images[i] for i in range(start, min(start + _AT_ONCE, len(images)))]
            found = self.find(some)
            part = self.predict(some, [boxes for boxes, _ in found], repair=repair)
            part = replace(part, score=np.concatenate([scores for _, scores in found]))
            parts.append(part.with_image_index(part.image_index + start))
        return Landmarks.concatenate(parts) if parts else Landmarks.empty(self.skeleton)

    def predict(
        self, images: Any, boxes: Sequence[ArrayLike], init: np.ndarray | None = None, *, repair: bool = False
    ) -> Landmarks:
        """The landmarks in given boxes.

        Parameters
        ----------
        images : M pictures, as in a call of the model
        boxes : M arrays (N_i, 4), px; NaN or an upside-down box gives NaN points
        init : (N, K, D) px, starting shapes for detectors that refine
        repair : put implausible points where the others say; nothing is moved without being asked for

        Returns
        -------
        Landmarks : sum(N_i) rows, in the order of images, then boxes

        Raises
        ------
        InputError : a picture that cannot be read, boxes of another number or shape, or a repair without plausibility
        """
        images = as_images(images)
        if len(boxes) != len(images):
            raise InputError(f"{len(images)} pictures, but boxes for {len(boxes)}; give one array of boxes a picture")
        if repair and self.plausibility is None:
            raise InputError("this model has no plausibility and cannot repair; train it again with this cairn")
        found = self.detector.predict(images, [_checked(b, i) for i, b in enumerate(boxes)], init=init)
        if self.plausibility is not None:
            found = self.plausibility.repair(found) if repair else self.plausibility.judge(found)
        return found if self.calibration is None else self.calibration.apply(found)

    def find(self, images: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each picture, given as in a call of the model, (boxes (N, 4) px, scores (N,)), best first.

        Raises
        ------
        InputError : the model has no finder
        """
        if self.finder is None:
            raise InputError(
                "this model has no finder and cannot look for objects itself; give it the boxes "
                "(model.predict(images, boxes), or --boxes on the command line)"
            )
        return self.finder.predict(as_images(images))

    def save(self, path: str | Path) -> None:
        """Write the model as one ``.cairn`` file, whole or not at all."""
        from cairn.model_file import write_model

        write_model(self, path)


def _checked(boxes: ArrayLike, i: int) -> np.ndarray:
    """(N, 4) float64, or (N, 6) for a volume."""
    try:
        array = np.asarray(boxes, np.float64)
    except (TypeError, ValueError):
        array = np.empty(())
    if array.ndim == 2 and array.shape[1] in (4, 6):
        return array
    if array.ndim == 1 and array.size == 0:
        return array.reshape(0, 4)
    raise InputError(f"boxes of picture {i} have shape {np.shape(array)}; expected (N, 4): x0, y0, x1, y1 for each")
