"""What was measured, object by object: all that pages, sheets and comparisons are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cairn.dataset import Dataset
    from cairn.landmarks import Landmarks
    from cairn.skeleton import Skeleton

__all__ = ["Cases"]


@dataclass(frozen=True, eq=False)
class Cases:
    """N objects with K points each, in the order of their images.

    Parameters
    ----------
    data : the N labelled rows, with the model's skeleton and order of points
    predicted : N rows that answer them one by one; NaN where an object was missed
    groups : (N,) rows that a bootstrap draws together
    normaliser : name of the default reference length
    lengths : (N,) px, that length of each object; NaN unknown
    errors : (N,) mean error of each object as a fraction of `lengths` (its NME); NaN unknown, inf missed
    point_errors : (N, K) in `unit`; NaN not labelled, inf missed
    relative : (N, K) the same as a fraction of `lengths`
    unit : ``px`` or ``mm``
    right : (N, K) whether the point is as near as its confidence speaks of: 1 or 0; NaN not labelled, or missed
    right_means : in words, e.g. ``error below 5 % of inter_ocular``
    values : by metric and normaliser, what a score is the mean of, in its unit: (N,), or (N, K) pooled over points; NaN
        does not count
    """

    data: Dataset
    predicted: Landmarks
    groups: np.ndarray
    normaliser: str
    lengths: np.ndarray
    errors: np.ndarray
    point_errors: np.ndarray
    relative: np.ndarray
    unit: str = "px"
    right: np.ndarray | None = None
    right_means: str = ""
    values: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.errors)

    @property
    def skeleton(self) -> Skeleton:
        return self.data.skeleton

    @property
    def known(self) -> np.ndarray:
        """(N,) bool: there is a truth to compare with."""
        return ~np.isnan(self.errors)

    def name(self, row: int) -> str:
        """The file of the picture that the row is in, without its folder."""
        label = self.data.images.label(int(self.data.landmarks.image_index[row]))
        return label.replace("\\", "/").rsplit("/", 1)[-1]
