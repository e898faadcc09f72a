"""A mapping between two schemes learnt from objects that are labelled with both.

Each object's source points are laid on their mean shape (generalised Procrustes); the same similarity takes its target
points along. There the target is a linear function of the source, fitted by ridge regression (Hoerl & Kennard 1970):

    y = m + B (x - mean),        B minimises |Y - X B|^2 + ridge |B|^2

so the mapping turns, grows and moves with the object. The ridge is chosen, and the expected error is measured, by
cross-validation over whole groups (pictures), the choice inside each fold: nothing is measured on what it learnt from.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.geometry import transforms
from cairn.geometry.procrustes import generalised, ordinary
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

__all__ = ["Mapping", "held_out"]

_FORMAT = 1
_LEAST = 10  # objects
_LARGEST = 64_000_000  # bytes of a file
_RIDGES = tuple(10.0**e for e in np.arange(-6, 0.51, 0.5))  # of the largest singular value's square
_MEAN_ONLY = math.inf


@dataclass(frozen=True, eq=False)
class Mapping:
    """From the points of one skeleton to those of another, learnt.

    Parameters
    ----------
    source, target : skeletons with K and L points
    mean : (K, 2) the mean shape that sources are laid on, of unit centroid size
    start : (2L,) the target where the source is the mean
    slope : (2K, 2L)
    ridge : share of the largest squared singular value
    error : (L,) expected distance from a label, as a share of `unit`; NaN where it could not be measured
    floor : (L,) the same for the mean shape of the target, only laid on
    unit : the target's first normaliser, or ``centroid size`` of the source
    objects, folds : of the cross-validation
    """

    source: Skeleton
    target: Skeleton
    mean: np.ndarray
    start: np.ndarray
    slope: np.ndarray
    ridge: float
    error: np.ndarray
    floor: np.ndarray
    unit: str
    objects: int
    folds: int

    @classmethod
    def fit(cls, a: Landmarks | Dataset, b: Landmarks | Dataset, *, folds: int = 10, seed: int = 0) -> Mapping:
        """Learn the mapping from `a` to `b`.

        Parameters
        ----------
        a, b : the same objects, row by row, with the points of two skeletons; rows of `a` with a missing point do not
            count, points of `b` may be missing
        folds : of the cross-validation
        seed : of the folds

        Raises
        ------
        InputError : rows that are not the same objects, fewer than 10 that can be used, points in 3-D
        """
        errors, floors, unit, (x, y, groups) = held_out(a, b, folds=folds, seed=seed)
        folds = min(folds, len(np.unique(groups)))
        source, target = ((s.landmarks if isinstance(s, Dataset) else s).skeleton for s in (a, b))
        ridge = _best_ridge(x, y, groups, seed + 1)
        mean, start, slope = _fit(x, y, (ridge,))[0]
        return cls(*(source, target, mean, start, slope, ridge, _mean(errors), _mean(floors), unit, len(x), folds))

    def points(self, points: np.ndarray) -> np.ndarray:
        """(N, K, 2) px to (N, L, 2) px; a row with a missing point is NaN."""
        return _predict(np.asarray(points, np.float64), self.mean, self.start, self.slope)

    def apply(self, landmarks: Landmarks) -> Landmarks:
        """The objects with the target's points; confidence and covariance of single points are not carried over."""
        kept = {f: getattr(landmarks, f) for f in ("plausible", "score", "track_id")}
        return Landmarks(self.target, self.points(landmarks.points), landmarks.boxes, landmarks.image_index, **kept)

    def sentences(self, landmarks: Landmarks | None = None) -> list[str]:
        """The expected error, and what stays empty."""
        names = [n or f"{len(s)} points" for s, n in ((self.source, self.source.name), (self.target, self.target.name))]
        said = [
            f"{names[0]} to {names[1]}, learnt: expected error {100 * np.nanmean(self.error):.1f} % of {self.unit} "
            f"({self.folds}-fold cross-validation, {self.objects} objects; the mean shape alone "
            f"{100 * np.nanmean(self.floor):.1f} %)"
        ]
        if landmarks is not None:
            empty = int((~landmarks.labelled.all(axis=1)).sum())
            if empty:
                said.append(f"{empty} objects lack a point of {names[0]} and stay empty")
        return said

    def save(self, path: str | Path) -> None:
        """Write a JSON file, whole or not at all."""
        numbers = {f: np.round(getattr(self, f), 9).tolist() for f in ("mean", "start", "slope")}
        shares = {f: [None if np.isnan(v) else float(v) for v in getattr(self, f)] for f in ("error", "floor")}
        text = json.dumps(
            {
                "cairn_mapping": _FORMAT,
                **{f: getattr(self, f).to_json() for f in ("source", "target")},
                **{f: getattr(self, f) for f in ("ridge", "unit", "objects", "folds")},
                **shares,
                **numbers,
            },
            allow_nan=False,
        )
        write_whole(path, text + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Mapping:
        """Read what `save` wrote.

        Raises
        ------
        InputError : missing, or no such file
        """
        path = Path(path)
        try:
            if path.stat().st_size > _LARGEST:
                raise InputError(f"{path}: is larger than {_LARGEST / 1e6:.0f} MB; a mapping is not")
            said = json.loads(path.read_bytes())
        except OSError as error:
            raise InputError(f"{path}: cannot be opened ({error.strerror or error})") from None
        except (ValueError, RecursionError):
            raise InputError(f"{path}: is not JSON") from None
        if not isinstance(said, dict) or said.get("cairn_mapping") != _FORMAT:
            raise InputError(f"{path}: is no mapping between schemes of this version of cairn")
        try:
            source, target = Skeleton.from_json(said["source"]), Skeleton.from_json(said["target"])
            k, n = len(source), len(target)
            arrays = {f: np.array(said[f], np.float64) for f in ("mean", "start", "slope", "error", "floor")}
            shapes = {"mean": (k, 2), "start": (2 * n,), "slope": (2 * k, 2 * n), "error": (n,), "floor": (n,)}
            if any(arrays[f].shape != shape for f, shape in shapes.items()):
                raise ValueError
            if not all(np.isfinite(arrays[f]).all() for f in ("mean", "start", "slope")):
                raise ValueError
            unit, objects, folds = str(said["unit"]), int(said["objects"]), int(said["folds"])
            return cls(source, target, **arrays, ridge=float(said["ridge"]), unit=unit, objects=objects, folds=folds)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InputError(f"{path}: is no mapping between schemes; its arrays do not fit its skeletons") from None


_Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def held_out(
    a: Landmarks | Dataset, b: Landmarks | Dataset, *, folds: int = 10, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, str, _Rows]:
    """Errors of a mapping from `a` to `b` on objects that it did not learn from; arguments as in `Mapping.fit`.

    Returns
    -------
    errors, floors : (N, L) shares of the unit, for each object that has both labels: learnt, and by the mean shape
    unit : the target's first normaliser, or ``centroid size`` of the source
    rows : what was used: (N, K, 2), (N, L, 2) and the groups, (N,)

    Raises
    ------
    InputError : as `Mapping.fit`
    """
    groups = a.groups() if isinstance(a, Dataset) else np.unique(a.image_index, return_inverse=True)[1]
    if isinstance(a, Dataset):
        a = a.landmarks
    if isinstance(b, Dataset):
        b = b.landmarks
    if len(a) != len(b) or (a.image_index != b.image_index).any():
        raise InputError(
            f"{len(a)} objects in one set and {len(b)} in the other, or in other pictures; a mapping is learnt "
            "from the same objects in the same order"
        )
    if a.points.shape[-1] != 2 or b.points.shape[-1] != 2:
        raise InputError("mappings between schemes are learnt in pictures; these points have depth")
    used = a.labelled.all(axis=1) & b.labelled.any(axis=1)
    x, y, groups = a.points[used], b.points[used], groups[used]
    count = len(np.unique(groups))
    if len(x) < _LEAST or count < _LEAST:
        raise InputError(f"{len(x)} objects in {count} pictures have both labels; a mapping needs {_LEAST} or more")
    folds = min(folds, count)
    unit, lengths = _unit(b.skeleton, x, y)
    fold = _folds(groups, folds, seed)
    errors, floors = np.full(y.shape[:2], np.nan), np.full(y.shape[:2], np.nan)
    for f in range(folds):
        held = fold == f
        ridge = _best_ridge(x[~held], y[~held], groups[~held], seed + 1)
        for into, r in ((errors, ridge), (floors, _MEAN_ONLY)):
            found = _predict(x[held], *_fit(x[~held], y[~held], (r,))[0])
            into[held] = np.linalg.norm(found - y[held], axis=-1) / lengths[held, None]
    return errors, floors, unit, (x, y, groups)


_Fitted = tuple[np.ndarray, np.ndarray, np.ndarray]


def _fit(x: np.ndarray, y: np.ndarray, ridges: tuple[float, ...]) -> list[_Fitted]:
    """For each ridge the mean (K, 2), start (2L,) and slope (2K, 2L)."""
    mean = generalised(x).mean
    aligned, maps = ordinary(x, mean)
    away = (aligned - mean).reshape(len(x), -1)
    goal = transforms.apply(maps, y).reshape(len(y), -1)
    known = np.isfinite(goal)
    found = [(mean, np.full(goal.shape[1], np.nan), np.zeros((away.shape[1], goal.shape[1]))) for _ in ridges]
    masks, which = np.unique(known, axis=1, return_inverse=True)
    for m, mask in enumerate(masks.T):  # columns with the same rows labelled are fitted together
        columns = np.flatnonzero(which.ravel() == m)
        if mask.sum() < 2:
            continue
        middle, level = away[mask].mean(axis=0), goal[mask][:, columns].mean(axis=0)
        u, s, v = np.linalg.svd(away[mask] - middle, full_matrices=False)
        inner = u.T @ (goal[mask][:, columns] - level)
        for (_, start, slope), ridge in zip(found, ridges, strict=True):
            if math.isinf(ridge):
                start[columns] = level
                continue
            gain = s / (s**2 + max(ridge * s[0] ** 2, 1e-300))
            slope[:, columns] = v.T @ (gain[:, None] * inner)
            start[columns] = level - middle @ slope[:, columns]
    return found


def _predict(x: np.ndarray, mean: np.ndarray, start: np.ndarray, slope: np.ndarray) -> np.ndarray:
    found = np.full((len(x), len(start) // 2, 2), np.nan)
    whole = np.flatnonzero(np.isfinite(x).all(axis=(1, 2)))
    aligned, maps = ordinary(x[whole], mean)
    goal = start + (aligned - mean).reshape(len(whole), -1) @ slope
    found[whole] = transforms.apply(transforms.invert(maps), goal.reshape(len(whole), -1, 2))
    return found


def _best_ridge(x: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int) -> float:
    fold = _folds(groups, 5, seed)
    errors = np.zeros((len(_RIDGES), 0))
    for f in range(5):
        held = fold == f
        if not held.any() or held.all():
            continue
        fitted = _fit(x[~held], y[~held], _RIDGES)
        away = [np.linalg.norm(_predict(x[held], *one) - y[held], axis=-1) for one in fitted]
        errors = np.concatenate([errors, np.array(away).reshape(len(_RIDGES), -1)], axis=1)
    return _RIDGES[int(np.nanmean(errors, axis=1).argmin())]


def _folds(groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(N,) which fold each row is held out in; a group is never parted."""
    ids, inverse = np.unique(groups, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(ids)) % folds)[inverse]


def _unit(target: Skeleton, x: np.ndarray, y: np.ndarray) -> tuple[str, np.ndarray]:
    """What errors are shares of, and its length in each row, px."""
    from cairn.geometry.procrustes import centroid_size

    size = centroid_size(x)
    if not target.normalisers:
        return "centroid size", size
    name, (a, b) = next(iter(target.normalisers.items()))
    length = np.linalg.norm(y[:, a].mean(axis=1) - y[:, b].mean(axis=1), axis=-1)
    return name, np.where(length > 0, length, np.nan)


def _mean(errors: np.ndarray) -> np.ndarray:
    known = np.isfinite(errors)
    total, count = np.where(known, errors, 0).sum(axis=0), known.sum(axis=0)
    return np.divide(total, count, out=np.full(errors.shape[1], np.nan), where=count > 0)
