"""The fitted trees of Kazemi & Sullivan (CVPR 2014), as arrays.

Lengths are in units of the box: (0, 0) is its upper left corner (x0, y0) and (1, 1) its lower right one (x1, y1). A
stage looks at P pixels of the picture, each at an offset from one of the shape's points; the offset is turned and
scaled by the similarity that takes the mean shape to the current one. Each node of a tree compares two of them, and
goes left where ``grey[first] - grey[second] > threshold``. Node i has the children 2i+1 (left) and 2i+2 (right), and
leaf j is node ``2^F - 1 + j``, as in dlib. Every tree of a stage adds its leaf to the shape; the pixels are read once a
stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

__all__ = ["Cascade"]


@dataclass(frozen=True, eq=False)
class Cascade:
    """S stages of T trees of depth F, which move K points.

    Parameters
    ----------
    mean : (K, 2) float32, where every search starts, in units of the box
    anchors : (S, P) uint16, the point that each pixel is seen from
    offsets : (S, P, 2) float32, from that point, in units of the box
    first, second : (S, T, 2^F - 1) uint16, the two pixels that a node compares
    thresholds : (S, T, 2^F - 1) float32, in grey values of 0 to 255
    leaves : (S, T, 2^F, R) float32, or int8 with `scales`
    scales : (S, R) float32, what one unit of an int8 leaf is worth; None where leaves are floats
    basis : (R, 2K) float32, the moves x0, y0, x1, y1, ... that leaves are sums of; None: R = 2K and leaves are moves

    Raises
    ------
    ValueError : arrays that do not fit each other, or that would read outside each other
    """

    mean: np.ndarray
    anchors: np.ndarray
    offsets: np.ndarray
    first: np.ndarray
    second: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray
    scales: np.ndarray | None = None
    basis: np.ndarray | None = None

    def __post_init__(self) -> None:
        whole = np.int8 if self.scales is not None else np.float32
        kinds = {"anchors": np.uint16, "first": np.uint16, "second": np.uint16, "leaves": whole}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                array = np.ascontiguousarray(value, kinds.get(field.name, np.float32))
                object.__setattr__(self, field.name, array)
        self._check()

    def _check(self) -> None:
        if self.mean.ndim != 2 or self.mean.shape[1] != 2 or not len(self.mean):
            raise ValueError(f"mean has shape {self.mean.shape}; expected (K, 2)")
        if self.anchors.ndim != 2 or self.first.ndim != 3 or self.leaves.ndim != 4:
            raise ValueError("anchors must have two axes, first three and leaves four")
        (stages, pixels), (_, trees, nodes) = self.anchors.shape, self.first.shape
        rank = 2 * self.n_points if self.basis is None else len(self.basis)
        if nodes < 1 or nodes & (nodes + 1):
            raise ValueError(f"{nodes} nodes a tree; expected 2^depth - 1")
        expected = {
            "anchors": (stages, pixels),
            "offsets": (stages, pixels, 2),
            "first": (stages, trees, nodes),
            "second": (stages, trees, nodes),
            "thresholds": (stages, trees, nodes),
            "leaves": (stages, trees, nodes + 1, rank),
            "scales": (stages, rank),
            "basis": (rank, 2 * self.n_points),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise ValueError(f"{name} has shape {value.shape}; expected {shape}")
        for name, limit in (("anchors", self.n_points), ("first", pixels), ("second", pixels)):
            value = getattr(self, name)
            if value.size and int(value.max()) >= limit:
                raise ValueError(f"{name} holds {int(value.max())}; expected less than {limit}")
        for name in ("mean", "offsets", "leaves", "scales", "basis"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value).all():
                raise ValueError(f"{name} holds a value that is not a number")

    @property
    def n_points(self) -> int:
        return len(self.mean)

    @property
    def n_stages(self) -> int:
        return len(self.first)

    @property
    def n_trees(self) -> int:
        """Of one stage."""
        return int(self.first.shape[1])

    @property
    def depth(self) -> int:
        return int(self.first.shape[2] + 1).bit_length() - 1

    @property
    def n_pixels(self) -> int:
        """Of one stage."""
        return int(self.anchors.shape[1])

    def moves(self) -> np.ndarray:
        """(S, T, 2^F, 2K) float32: what each leaf adds to x0, y0, x1, y1, ..., whatever way it is stored."""
        leaves = self.leaves.astype(np.float32)
        if self.scales is not None:
            leaves *= self.scales[:, None, None]
        return leaves if self.basis is None else leaves @ self.basis

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name; `from_arrays` is its inverse."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """The cascade that `to_arrays` wrote.

        Raises
        ------
        ValueError : an array is missing, or they do not fit each other
        """
        known = {f.name for f in fields(cls)}
        missing = known - {"scales", "basis"} - set(arrays)
        if missing:
            raise ValueError(f"the array {min(missing)!r} is missing")
        return cls(**{name: array for name, array in arrays.items() if name in known})
