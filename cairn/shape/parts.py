"""Global and local shape as one idea: the whole, each part by itself, and where each part sits in the rest.

A part by itself is a shape like any other: a `ShapeModel` of its points. *Where it sits* is measured in a frame that
the part has no say in: the points outside the part are laid on the whole's mean, and the similarity from the part's
mean place to where it is then found is written as D coordinates of the centroid (in centroid sizes of the whole), the
logarithm of its size, and its turn (radians; in 3-D a rotation vector). All are 0 on average, near enough, and a
Gaussian of them says how unusual a place is.

Parts of one point have a place but no size and turn, parts of two points in 3-D no turn (that about their line is
open); parts of too few points to have a shape have no model of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cairn.errors import InputError
from cairn.geometry import transforms
from cairn.geometry.procrustes import centroid_size, lay_on, ordinary
from cairn.landmarks import Landmarks
from cairn.shape.model import ShapeModel

__all__ = ["Placement", "ShapeFamily"]

_PRIOR_ROWS = 5.0  # the covariance is drawn towards its diagonal as if that were known from so many rows


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a part of n points sits among the others, and how much that varies.

    Parameters
    ----------
    indices : (n,) of the part's points
    frame : (K, D) mean of the whole; the points outside the part are laid on it
    centre : (p,) mean of centroid (D), from two points on log size (1), from D points on turn (1 or 3)
    covariance : (p, p)
    """

    indices: np.ndarray
    frame: np.ndarray
    centre: np.ndarray
    covariance: np.ndarray

    @classmethod
    def fit(cls, points: np.ndarray, indices: Any, frame: np.ndarray) -> Placement:
        """Learn from shapes.

        Parameters
        ----------
        points : (N, K, D) px, NaN = missing
        indices : of the part's points
        frame : (K, D) mean of the whole

        Raises
        ------
        InputError : fewer than two shapes show where the part sits
        """
        indices = np.asarray(indices, np.int64)
        sites = _sites(points, indices, frame)
        sites = sites[np.isfinite(sites).all(axis=1)]
        n = len(sites)
        if n < 2:
            raise InputError(f"{n} shapes show where the part of points {indices.tolist()} sits; at least 2 are needed")
        sample = np.cov(sites.T).reshape(sites.shape[1], -1)
        own = np.diag(np.diag(sample) + 1e-12)
        covariance = (n * sample + _PRIOR_ROWS * own) / (n + _PRIOR_ROWS) + 1e-12 * np.eye(len(own))
        return cls(indices, np.asarray(frame, np.float64), sites.mean(axis=0), covariance)

    def measure(self, points: np.ndarray) -> np.ndarray:
        """(N, p): where the part sits in each shape (N, K, D), as in `centre`; NaN where that cannot be said."""
        return _sites(points, self.indices, self.frame)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) squared Mahalanobis distance of where the part sits; about chi-squared with p degrees of freedom."""
        away = self.measure(points) - self.centre
        return np.einsum("np,np->n", away, np.linalg.solve(self.covariance, away.T).T)


@dataclass(frozen=True, eq=False)
class ShapeFamily:
    """The shape models of a skeleton.

    Parameters
    ----------
    whole : of all points
    parts : of each part by itself; parts that are too small to have a shape are absent
    relative : where each part sits among the other points
    """

    whole: ShapeModel
    parts: Mapping[str, ShapeModel]
    relative: Mapping[str, Placement]

    @classmethod
    def fit(cls, landmarks: Landmarks, **options: Any) -> ShapeFamily:
        """Learn all from the same labels.

        Parameters
        ----------
        landmarks : N shapes
        options : of `ShapeModel`, for whole and parts alike

        Raises
        ------
        InputError : as `ShapeModel.fit`
        """
        skeleton = landmarks.skeleton
        whole = ShapeModel(**options).fit(landmarks)
        points = landmarks.points
        if skeleton.flip is not None and whole.mirrored in ("auto", True):
            points = np.concatenate([points, points[:, list(skeleton.flip)] * _mirror(points.shape[2])])
        parts: dict[str, ShapeModel] = {}
        relative: dict[str, Placement] = {}
        for name, indices in skeleton.parts.items():
            places = list(indices)
            # Arrays, with mirror images already among them: a part's mirror image may be another part.
            if len(places) > points.shape[2] and (model := _model(points[:, places], whole)) is not None:
                parts[name] = model
            others = np.isfinite(np.delete(points, places, axis=1)).all(axis=-1).sum(axis=1) >= points.shape[2]
            if others.sum() >= 2:
                relative[name] = Placement.fit(points, places, whole.mean_)
        return cls(whole, parts, relative)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain numeric arrays; `from_arrays` is the inverse, given the names of the parts in the same order."""
        arrays = {f"whole/{k}": v for k, v in self.whole.to_arrays().items()}
        for name, model in self.parts.items():
            arrays |= {f"part/{name}/{k}": v for k, v in model.to_arrays().items()}
        for name, placement in self.relative.items():
            arrays |= {
                f"relative/{name}/indices": placement.indices,
                f"relative/{name}/centre": placement.centre,
                f"relative/{name}/covariance": placement.covariance,
            }
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> ShapeFamily:
        """The family that `to_arrays` wrote.

        Raises
        ------
        InputError : arrays that are missing or do not fit each other
        """
        whole = ShapeModel.from_arrays(_under(arrays, "whole/"))
        parts, relative = {}, {}
        for name in dict.fromkeys(k[5:].rsplit("/", 1)[0] for k in arrays if k.startswith("part/")):
            parts[name] = ShapeModel.from_arrays(_under(arrays, f"part/{name}/"))
        for name in dict.fromkeys(k[9:].rsplit("/", 1)[0] for k in arrays if k.startswith("relative/")):
            found = _under(arrays, f"relative/{name}/")
            try:
                indices = np.asarray(found["indices"], np.int64)
                centre, covariance = (np.asarray(found[k], np.float64) for k in ("centre", "covariance"))
            except KeyError as error:
                raise InputError(f"the placement of part {name!r} is not whole ({error})") from None
            p = len(centre)
            inside = indices.ndim == 1 and len(indices) > 0 and 0 <= indices.min() <= indices.max() < len(whole.mean_)
            if not inside or covariance.shape != (p, p) or p != _numbers(len(indices), whole.mean_.shape[1]):
                raise InputError(f"the placement of part {name!r} does not fit the shape model")
            relative[name] = Placement(indices, whole.mean_, centre, covariance)
        return cls(whole, parts, relative)


def _model(points: np.ndarray, whole: ShapeModel) -> ShapeModel | None:
    enough = np.isfinite(points).all(axis=-1).sum(axis=1) >= points.shape[2]
    if enough.sum() < 2:
        return None
    modes = whole.n_modes if isinstance(whole.n_modes, float) else None  # a whole number was meant for the whole
    try:
        return ShapeModel(modes, scale=whole.scale, shrinkage=whole.shrinkage).fit(points)
    except InputError:  # a point that no shape has, or points on top of each other
        return None


def _mirror(d: int) -> np.ndarray:
    return np.where(np.arange(d) == 0, -1.0, 1.0)


def _numbers(points: int, d: int) -> int:
    return d + (points >= 2) + (points >= d) * (1 if d == 2 else 3)


def _sites(points: np.ndarray, indices: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """(N, p) centroid, log size and turn of the part, in the frame that the other points give."""
    points = np.asarray(points, np.float64)
    d = points.shape[2]
    rest = points.copy()
    rest[:, indices] = np.nan
    few = np.isfinite(rest).all(axis=-1).sum(axis=1) < d
    maps = lay_on(rest, frame)
    maps[few] = np.nan
    part = transforms.apply(maps, points[:, indices])
    home = frame[indices]
    unit = float(centroid_size(frame))
    there = np.isfinite(part).all(axis=-1)
    count = np.maximum(there.sum(axis=1), 1)[:, None]
    shift = np.where(there[..., None], part - home, 0.0).sum(axis=1) / count / unit
    shift[~there.any(axis=1)] = np.nan
    if len(indices) < 2:
        return shift
    _, own = ordinary(np.broadcast_to(home, part.shape), part)
    linear = own[..., :-1]
    size = np.abs(np.linalg.det(np.where(np.isfinite(linear), linear, np.nan))) ** (1 / d)
    size = np.where(size > 0, size, np.nan)
    if d > len(indices):
        return np.concatenate([shift, np.log(size)[:, None]], axis=1)
    if d == 2:
        turn = np.arctan2(linear[:, 1, 0], linear[:, 0, 0])[:, None]
    else:
        from scipy.spatial.transform import Rotation

        known = np.isfinite(size)
        turn = np.full((len(points), 3), np.nan)
        if known.any():
            turn[known] = Rotation.from_matrix(linear[known] / size[known, None, None]).as_rotvec()
    return np.concatenate([shift, np.log(size)[:, None], turn], axis=1)


def _under(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
