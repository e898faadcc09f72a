"""The points of one scheme from those of another, by rule (see `cairn.schemes.rules`).

68 to 5: each eye's centre is the mean of its six points, nose tip and mouth corners are points 30, 48 and 54. 68 to 51:
the jaw is left out. Both are exact. Elsewhere some points are interpolated along curves (cubic splines with chord
length, points placed by arc length), some are taken from a neighbouring convention, and some cannot be had at all: they
stay empty, and `SchemeMap.sentences` names them. Where pictures are labelled twice, `cairn.schemes.learnt` does better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.landmarks import Landmarks
from cairn.schemes import is_generic, plain, scheme
from cairn.schemes.learnt import Mapping
from cairn.schemes.rules import Rule, rules_between
from cairn.skeleton import Skeleton

__all__ = ["SchemeMap", "along_curve", "by_rule", "map_between", "map_scheme", "named_as"]

_T = TypeVar("_T", Landmarks, Dataset)
_FINE = 16  # pieces of a curve between two of its points, for its arc length


def map_scheme(data: _T, target: str | Skeleton | Mapping | Path, *, source: str | None = None) -> _T:
    """The same objects with the points of another scheme.

    Parameters
    ----------
    data : landmarks or a data set; boxes, pictures, splits and scores stay as they are
    target : name of a scheme, a skeleton, or a mapping that was learnt (`Mapping.fit`), itself or its file
    source : name of the scheme that the points are, where their names do not say it; their order is taken at its word

    Returns
    -------
    as `data`; a point that cannot be had is NaN. Confidence of a point made of several is the least of theirs, its
    covariance the mean of theirs, as if they erred together

    Raises
    ------
    InputError : an unknown scheme, or one that shares nothing with the points
    """
    landmarks = data.landmarks if isinstance(data, Dataset) else data
    if source is not None:
        landmarks = named_as(landmarks, source)
    route = map_between(landmarks.skeleton, target)
    mapped = route.apply(landmarks)
    if isinstance(data, Landmarks):
        return mapped
    observers = data.observers
    if observers is not None:
        observers = np.stack([route.points(one) for one in observers])
    return replace(data, landmarks=mapped, observers=observers)


def named_as(landmarks: Landmarks, source: str) -> Landmarks:
    """The same points under the names of a scheme, in its order.

    Raises
    ------
    InputError : no such scheme, or one with another number of points
    """
    skeleton = scheme(source)
    if len(skeleton) != len(landmarks.skeleton):
        raise InputError(f"{source} has {len(skeleton)} points; these have {len(landmarks.skeleton)}")
    if landmarks.skeleton.parts.keys() != skeleton.parts.keys():
        landmarks = replace(landmarks, plausible_parts=None)
    return replace(landmarks, skeleton=skeleton)


def map_between(source: Skeleton, target: str | Skeleton | Mapping | Path) -> SchemeMap | Mapping:
    """The way from the points of `source` to those of `target`.

    Raises
    ------
    InputError : an unknown scheme, or one that shares nothing with the points
    """
    if isinstance(target, Path) or (isinstance(target, str) and target.endswith(".json")):
        target = Mapping.load(target)
    if isinstance(target, Mapping):
        if len(target.source) != len(source):
            raise InputError(f"the mapping is from {len(target.source)} points; these have {len(source)}")
        return target
    return by_rule(source, scheme(target) if isinstance(target, str) else target)


def by_rule(source: Skeleton, target: Skeleton) -> SchemeMap:
    """The rules from the points of `source` to those of `target`.

    Raises
    ------
    InputError : nothing of the target is in the source
    """
    places = {plain(name): i for i, name in enumerate(source.names)}
    rules = rules_between(source.name, target.name)
    found: list[Rule | None] = []
    for name in target.names:
        rule = Rule((name,), exact=True) if plain(name) in places else rules.get(name)
        found.append(rule if rule is not None and all(plain(p) in places for p in rule.points) else None)
    if all(rule is None for rule in found):
        own = source.name or f"these {len(source)} points"
        reason = "no point has the same name, and no rule is known; learn a mapping from pictures that are labelled "
        reason += "with both (cairn.Mapping.fit)"
        if is_generic(source.names):
            reason = "they have no names; say which scheme they are (--from-scheme, or source= in Python)"
        raise InputError(f"nothing of {target.name or 'that skeleton'} is in {own}: {reason}")
    columns = tuple(() if rule is None else tuple(places[plain(p)] for p in rule.points) for rule in found)
    return SchemeMap(source, target, tuple(found), columns)


@dataclass(frozen=True, eq=False)
class SchemeMap:
    """Rules from one skeleton to another.

    Parameters
    ----------
    source, target : skeletons
    rules : for each point of the target; None where it cannot be had
    columns : the source's columns that each rule takes
    """

    source: Skeleton
    target: Skeleton
    rules: tuple[Rule | None, ...]
    columns: tuple[tuple[int, ...], ...]

    def points(self, points: np.ndarray) -> np.ndarray:
        """(N, K, D) of the source to (N, L, D) of the target, NaN where one that is needed is missing."""
        points = np.asarray(points, np.float64)
        mapped = np.full((len(points), len(self.target), points.shape[-1]), np.nan)
        curves: dict[tuple[int, ...], tuple[list[int], list[float]]] = {}
        for j, (rule, columns) in enumerate(zip(self.rules, self.columns, strict=True)):
            if rule is None:
                continue
            if rule.share is None:
                mapped[:, j] = points[:, columns].mean(axis=1)
            else:
                at = curves.setdefault(columns, ([], []))
                at[0].append(j)
                at[1].append(rule.share)
        for columns, (targets, shares) in curves.items():
            mapped[:, targets] = along_curve(points[:, columns], np.array(shares))
        return mapped

    def apply(self, landmarks: Landmarks) -> Landmarks:
        """The objects with the target's points; see `map_scheme`."""
        kept: dict[str, Any] = {f: getattr(landmarks, f) for f in ("plausible", "score", "track_id")}
        points = self.points(landmarks.points)
        there = np.isfinite(points).all(axis=-1)
        for name in ("presence", "confidence"):
            kept[name] = self._each(getattr(landmarks, name), lambda v: v.min(axis=1), 0.0)
        kept["covariance"] = self._each(landmarks.covariance, lambda v: v.mean(axis=1), np.nan)
        kept["altered"] = self._each(landmarks.altered, lambda v: np.asarray(v.any(axis=1)), False)
        seen = self._each(landmarks.visibility, _together, 0)
        kept["visibility"] = None if seen is None else np.where(there | (seen == 3), seen, 0)
        return Landmarks(self.target, points, landmarks.boxes, landmarks.image_index, **kept)

    def _each(
        self, values: np.ndarray | None, join: Callable[[np.ndarray], np.ndarray], empty: Any
    ) -> np.ndarray | None:
        if values is None:
            return None
        none = np.full((len(values), *values.shape[2:]), empty, values.dtype)
        return np.stack([join(values[:, c]) if c else none for c in self.columns], axis=1)

    def sentences(self, landmarks: Landmarks | None = None) -> list[str]:
        """What was exact, what was not, and what cannot be had; with landmarks, also how well their curves are known.

        Parameters
        ----------
        landmarks : of the source
        """
        where = f"{self.source.name or 'the points'} to {self.target.name or 'the skeleton'}"
        exact = [r for r in self.rules if r is not None and r.exact]
        near = [r for r in self.rules if r is not None and not r.exact and r.share is None]
        curves = [r for r in self.rules if r is not None and r.share is not None]
        said = [f"{where}: {len(exact)} of {len(self.target)} points are exact (the same in both, or defined by these)"]
        if curves:
            said.append(f"{len(curves)} are interpolated along curves{self._how_well(landmarks)}")
        if near:
            said.append(f"{len(near)} are taken from the point that comes closest; that error is not known here")
        missing = [n for n, r in zip(self.target.names, self.rules, strict=True) if r is None]
        if missing:
            shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
            said.append(f"{len(missing)} cannot be had from these points and stay empty: {shown}")
        return said

    def curve_error(self, points: np.ndarray) -> np.ndarray:
        """(N,) px: how far a curve's inner points lie from the curve through the others; the mean over all curves.

        An upper bound for what interpolation itself costs, as the gap is twice as wide here. What two labellers'
        conventions differ by is not in it.
        """
        curves = {c for c, r in zip(self.columns, self.rules, strict=True) if r is not None and r.share is not None}
        errors = []
        for columns in curves:
            for i in range(1, len(columns) - 1):
                others = points[:, columns[:i] + columns[i + 1 :]]
                fine = along_curve(others, np.linspace(0, 1, _FINE * len(columns)))
                away = np.linalg.norm(fine - points[:, [columns[i]]], axis=-1)
                errors.append(away.min(axis=1))
        if not errors:
            return np.zeros(len(points))
        return np.mean(errors, axis=0)

    def _how_well(self, landmarks: Landmarks | None) -> str:
        if landmarks is None or not len(landmarks) or not self.source.normalisers:
            return ""
        rows = landmarks.take(np.arange(min(len(landmarks), 200)))
        name, (a, b) = next(iter(self.source.normalisers.items()))
        middle = [rows.points[:, group].mean(axis=1) for group in (a, b)]
        share = self.curve_error(rows.points) / np.linalg.norm(middle[0] - middle[1], axis=-1)
        share = share[np.isfinite(share)]
        if not len(share):
            return ""
        return (
            f"; expected error at most {100 * share.mean():.1f} % of {name} (each curve's points left out in turn), "
            "besides what the two schemes' labellers differ by"
        )


def along_curve(points: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Places on the curve through points: a cubic spline over chord length, by share of its arc length.

    Parameters
    ----------
    points : (N, P, D), the knots of N curves
    shares : (S,) in 0 to 1

    Returns
    -------
    (N, S, D); NaN for a curve with a missing point; a curve with no length is its point
    """
    from scipy.interpolate import CubicSpline

    n, knots, d = points.shape
    placed = np.full((n, len(shares), d), np.nan)
    fine = np.linspace(0, knots - 1, _FINE * (knots - 1) + 1)
    whole = np.isfinite(points).all(axis=(1, 2))
    for row in np.flatnonzero(whole):
        steps = np.linalg.norm(np.diff(points[row], axis=0), axis=1)
        if not steps.sum() > 0:
            placed[row] = points[row, :1]
            continue
        steps = np.maximum(steps, 1e-9 * steps.sum())  # two points in one place
        chord = np.concatenate([[0.0], steps.cumsum()])
        curve = CubicSpline(chord, points[row], bc_type="natural" if knots < 4 else "not-a-knot")
        at = np.interp(fine, np.arange(knots), chord)
        pieces = np.linalg.norm(np.diff(curve(at), axis=0), axis=1)
        length = np.concatenate([[0.0], pieces.cumsum()])
        placed[row] = curve(np.interp(shares * length[-1], length, at))
    return placed


def _together(marks: np.ndarray) -> np.ndarray:
    """COCO's marks of a point made of several: absent or unlabelled if one is, hidden if one is, visible otherwise."""
    absent, none, hidden = ((marks == m).any(axis=1) for m in (3, 0, 1))
    return np.select([absent, none, hidden], [3, 0, 1], 2).astype(np.uint8)
