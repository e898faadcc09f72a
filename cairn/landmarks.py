"""Points found in, or drawn on, pictures: one type for labels and for predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from cairn.skeleton import Skeleton

__all__ = ["Landmarks"]

# field: (dtype, trailing shape in terms of N, K, D, P)
_OPTIONAL = {
    "visibility": (np.uint8, "NK"),
    "presence": (np.float64, "NK"),
    "confidence": (np.float64, "NK"),
    "covariance": (np.float64, "NKDD"),
    "plausible": (np.bool_, "N"),
    "plausible_parts": (np.bool_, "NP"),
    "plausible_points": (np.bool_, "NK"),
    "altered": (np.bool_, "NK"),
    "score": (np.float64, "N"),
    "track_id": (np.int64, "N"),
}


@dataclass(frozen=True, eq=False)
class Landmarks:
    """N sets of K points in D dimensions, and where each comes from.

    Parameters
    ----------
    skeleton : names of the K points
    points : (N, K, D) float64, px of the original image, x, y[, z], 0 at the centre of the first pixel; NaN = none
    boxes : (N, 4) or (N, 6) float64, lower corner then upper, px
    image_index : (N,) int64, which image of the list each row belongs to
    visibility : (N, K) uint8: 0 not labelled, 1 hidden, 2 visible, 3 known to be absent
    presence : (N, K) probability that the point is in the picture
    confidence : (N, K) in [0, 1], probability that the point is right (see `cairn.calibration`)
    covariance : (N, K, D, D) px^2
    plausible, plausible_parts, plausible_points : (N,), (N, P), (N, K) verdicts of the shape model
    altered : (N, K) repaired or filled in
    score : (N,) of the box's finder
    track_id : (N,) int64

    Raises
    ------
    ValueError : an array whose shape does not fit
    """

    skeleton: Skeleton
    points: np.ndarray
    boxes: np.ndarray
    image_index: np.ndarray
    visibility: np.ndarray | None = None
    presence: np.ndarray | None = None
    confidence: np.ndarray | None = None
    covariance: np.ndarray | None = None
    plausible: np.ndarray | None = None
    plausible_parts: np.ndarray | None = None
    plausible_points: np.ndarray | None = None
    altered: np.ndarray | None = None
    score: np.ndarray | None = None
    track_id: np.ndarray | None = None

    def __post_init__(self) -> None:
        points = np.asarray(self.points, np.float64)
        if points.ndim != 3 or points.shape[1] != len(self.skeleton) or points.shape[2] not in (2, 3):
            raise ValueError(
                f"points have shape {points.shape}; expected (N, {len(self.skeleton)}, 2 or 3) for this skeleton"
            )
        n, k, d = points.shape
        boxes = np.asarray(self.boxes, np.float64)
        if boxes.shape not in ((n, 4), (n, 6)):
            raise ValueError(f"boxes have shape {boxes.shape}; expected ({n}, 4) or ({n}, 6)")
        index = np.asarray(self.image_index, np.int64)
        if index.shape != (n,):
            raise ValueError(f"image_index has shape {index.shape}; expected ({n},)")
        sizes = {"N": n, "K": k, "D": d, "P": len(self.skeleton.parts)}
        checked: dict[str, Any] = {"points": points, "boxes": boxes, "image_index": index}
        for name, (dtype, axes) in _OPTIONAL.items():
            value = getattr(self, name)
            if value is None:
                continue
            value = np.asarray(value, dtype)
            shape = tuple(sizes[a] for a in axes)
            if value.shape != shape:
                raise ValueError(f"{name} has shape {value.shape}; expected {shape}")
            checked[name] = value
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def labelled(self) -> np.ndarray:
        """(N, K) bool: where there is a coordinate."""
        return np.isfinite(self.points).all(axis=-1)

    def take(self, rows: Any) -> Landmarks:
        """The given rows (indices or a mask), in the given order."""
        rows = np.asarray(rows)
        if rows.dtype != bool:
            rows = rows.astype(np.int64)
        kept = {f: getattr(self, f)[rows] for f in self._arrays()}
        return replace(self, **kept)

    def with_image_index(self, image_index: Any) -> Landmarks:
        """The same rows, said of other images."""
        return replace(self, image_index=image_index)

    @classmethod
    def concatenate(cls, several: Sequence[Landmarks]) -> Landmarks:
        """Rows one after the other; an optional array stays only where all have it.

        Raises
        ------
        ValueError : nothing given, or different skeletons
        """
        if not several:
            raise ValueError("nothing to concatenate")
        first = several[0]
        if any(not s.skeleton.equals(first.skeleton) for s in several[1:]):
            raise ValueError("landmarks of different skeletons cannot stand in one table; map them to one scheme first")
        names = [f for f in first._arrays() if all(getattr(s, f) is not None for s in several)]
        return cls(first.skeleton, **{f: np.concatenate([getattr(s, f) for s in several]) for f in names})

    @classmethod
    def empty(cls, skeleton: Skeleton, dimensions: int = 2, box_dimensions: int = 2) -> Landmarks:
        """No rows."""
        k = len(skeleton)
        return cls(skeleton, np.empty((0, k, dimensions)), np.empty((0, 2 * box_dimensions)), np.empty(0, np.int64))

    def equals(self, other: object) -> bool:
        """Whether skeleton and every array agree, NaN being equal to NaN."""
        if not isinstance(other, Landmarks) or not self.skeleton.equals(other.skeleton):
            return False
        if self._arrays() != other._arrays():
            return False
        return all(
            np.array_equal(getattr(self, f), getattr(other, f), equal_nan=getattr(self, f).dtype.kind == "f")
            for f in self._arrays()
        )

    def _arrays(self) -> list[str]:
        return [f.name for f in fields(self) if f.name != "skeleton" and getattr(self, f.name) is not None]
