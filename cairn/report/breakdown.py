"""Where the errors are: by part of the skeleton, by what the data say of each object.

A column of the data with few values gives a group for each; one of numbers gives five groups of about equal size; one
with many values that come again (subjects) gives the worst ten. Columns that only number the rows are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cairn.metrics.bootstrap import interval
from cairn.metrics.nme import geometric_mean
from cairn.report.cases import Cases

__all__ = ["Breakdown", "columns", "mean_error", "parts"]

_FEW = 12  # different values that are shown one by one
_BINS = 5
_WORST = 10  # of many
_MOST_COLUMNS = 12
_NUMBERING = re.compile(r"(^|_)(id|index|number|row)$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Breakdown:
    """Objects in groups.

    Parameters
    ----------
    name : of the column
    remark : how the groups were made
    labels : of the groups
    rows : for each group the rows in it
    """

    name: str
    remark: str
    labels: tuple[str, ...]
    rows: tuple[np.ndarray, ...]


def parts(cases: Cases) -> dict[str, np.ndarray]:
    """For each part of the skeleton (N,) mean error of its points, as a fraction; NaN where none counts or is found."""
    found = np.where(np.isfinite(cases.relative), cases.relative, np.nan)
    result = {}
    for name, points in cases.skeleton.parts.items():
        own = found[:, list(points)]
        count = (~np.isnan(own)).sum(axis=1)
        result[name] = np.divide(np.nansum(own, axis=1), count, out=np.full(len(own), np.nan), where=count > 0)
    return result


def mean_error(values: np.ndarray, groups: np.ndarray, seed: int = 0) -> tuple[float, float, float, int]:
    """Mean of the finite values (N,), its 95 % bootstrap interval over `groups` (N,), and how many there are."""
    known = np.isfinite(values)
    if not known.any():
        return np.nan, np.nan, np.nan, 0
    low, high = interval(values[known], groups[known], seed=seed, repeats=1000)
    return float(values[known].mean()), low, high, int(known.sum())


def columns(cases: Cases) -> list[Breakdown]:
    """A breakdown for every column of the data that has one to offer."""
    found = [made for name, values in _said(cases) if (made := _groups(name, values, cases)) is not None]
    return found[:_MOST_COLUMNS]


def _said(cases: Cases) -> Iterator[tuple[str, np.ndarray]]:
    """Names and (N,) values of everything that is said of a row."""
    data = cases.data
    index = data.landmarks.image_index
    if data.split is not None:
        yield "split", data.split[index]
    if data.subject is not None:
        yield "subject", data.subject
    for name, values in data.columns.items():
        if values.ndim == 1 and not _NUMBERING.search(name) and not _is_size(name, values, cases):
            yield name, values
    yield "size of the object, px", geometric_mean(data.landmarks.boxes)


def _is_size(name: str, values: np.ndarray, cases: Cases) -> bool:
    """Whether it is COCO's ``area`` of the box, which would say the same as the size of the object."""
    if name != "area" or values.dtype.kind not in "iuf":
        return False
    return np.allclose(values, geometric_mean(cases.data.landmarks.boxes) ** 2, rtol=0.01, equal_nan=True)


def _groups(name: str, values: np.ndarray, cases: Cases) -> Breakdown | None:
    numbers = _as_numbers(values)
    counts = cases.known & (np.isfinite(numbers) if numbers is not None else np.array([str(v) != "" for v in values]))
    if numbers is not None and len(np.unique(numbers[counts])) > _FEW:
        return _bins(name, numbers, counts)
    words = np.array([f"{v:g}" for v in numbers]) if numbers is not None else np.array([str(v) for v in values])
    known, which = np.unique(words[counts], return_inverse=True)
    rows = np.flatnonzero(counts)
    groups = [rows[which == i] for i in range(len(known))]
    order = np.arange(len(known)) if numbers is None else np.argsort(known.astype(float))
    remark = ""
    if len(known) > _FEW:
        if len(known) > 0.5 * len(rows):  # hardly a value comes twice: names, not groups
            return None
        worst = [float(np.mean(np.minimum(cases.errors[g], 10))) for g in groups]
        order = np.argsort(-np.array(worst), kind="stable")[:_WORST]
        remark = f"the {_WORST} with the largest error, of {len(known)}"
    if len(known) < 2:
        return None
    return Breakdown(name, remark, tuple(str(known[i]) for i in order), tuple(groups[i] for i in order))


def _bins(name: str, numbers: np.ndarray, counts: np.ndarray) -> Breakdown | None:
    edges = np.unique(np.quantile(numbers[counts], np.linspace(0, 1, _BINS + 1)))
    if len(edges) < 3:
        return None
    which = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    rows = tuple(np.flatnonzero(counts & (which == i)) for i in range(len(edges) - 1))
    said = _short(edges)
    labels = tuple(f"{a} to {b}" for a, b in pairwise(said))
    return Breakdown(name, "groups of about equal size", labels, rows)


def _short(edges: np.ndarray) -> list[str]:
    """The edges with as few digits as keep them apart."""
    for digits in range(2, 8):
        said = [f"{float(f'{e:.{digits}g}'):,.10g}".replace("-", "\u2212") for e in edges]
        if len(set(said)) == len(said):
            return said
    return [repr(float(e)) for e in edges]


def _as_numbers(values: np.ndarray) -> np.ndarray | None:
    """(N,) float64 where every value is a number or nothing; words that are numbers are."""
    if values.dtype.kind in "fiu":
        return values.astype(float)
    if values.dtype.kind not in "UOS":
        return None
    words = [str(v).strip() for v in values]
    try:
        numbers = np.array([float(w) if w else np.nan for w in words])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).any() else None
