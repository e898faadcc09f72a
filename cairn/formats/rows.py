"""From the rows of a label file to arrays, and what a format has no room for."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.geometry import boxes as box
from cairn.schemes import complete
from cairn.skeleton import Skeleton

__all__ = [
    "MAX_POINTS",
    "check_count",
    "check_share",
    "coordinates",
    "fill_boxes",
    "losses",
    "mean_of_distinct",
    "named",
    "text",
    "typed",
    "whole_points",
]

# "007" is a name and not a number
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(r"(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|-?inf|nan)", re.ASCII | re.IGNORECASE)

MAX_POINTS = 10_000  # of one object; a dense face mesh has 468, a body surface a few thousand


def check_count(k: int, where: str) -> int:
    """`k` if an object can have that many points.

    Raises
    ------
    InputError : fewer than 1 or more than `MAX_POINTS`
    """
    if not 1 <= k <= MAX_POINTS:
        raise InputError(f"{where}: {k} points; expected 1 to {MAX_POINTS:,}")
    return k


def named(names: Sequence[str], where: str, edges: Sequence[tuple[int, int]] = ()) -> Skeleton:
    """The skeleton of those names, with what a known scheme adds.

    Parameters
    ----------
    names : K point names
    where : the file, for the message
    edges : pairs of point indices

    Raises
    ------
    InputError : names that repeat or edges to points that are not there
    """
    try:
        return complete(Skeleton(names=tuple(names), edges=tuple(edges)))
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def whole_points(points: np.ndarray) -> np.ndarray:
    """(..., K, D) with a point NaN altogether where one of its coordinates is."""
    return np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, np.nan)


def check_share(values: np.ndarray, where: str) -> np.ndarray:
    """`values` if they are probabilities, NaN allowed.

    Raises
    ------
    InputError : one lies outside 0 to 1
    """
    wrong = (values < 0) | (values > 1)
    if wrong.any():
        raise InputError(f"{where} is {values[wrong][0]:g}; expected 0 to 1")
    return values


def fill_boxes(points: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
    """(N, 4): the boxes given, and the tight box around the points (N, K, D) where one is missing or has no area."""
    tight = box.around(points[..., :2])
    if given is None:
        return tight
    return np.where(box.is_valid(given)[:, None], given, tight)


def typed(cells: Sequence[str]) -> np.ndarray:
    """A column as whole numbers, as numbers (NaN where a cell is empty), or as text, whichever loses nothing."""
    if cells and all(len(c) < 18 and _WHOLE.fullmatch(c) for c in cells):
        return np.array([int(c) for c in cells], np.int64)
    if any(cells) and all(not c or _NUMBER.fullmatch(c) for c in cells):
        return np.array([float(c) if c else np.nan for c in cells])
    return np.array(cells, dtype=np.str_)


def text(value: object) -> str:
    """A cell that `typed` reads back: the shortest decimal that is the same number, or the text; empty for NaN."""
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else repr(float(value))
    return str(value)


def coordinates(values: np.ndarray) -> list[str]:
    """Each number as text, without the noise that adding and subtracting an origin leaves in the last digits."""
    return ["" if np.isnan(v) else repr(round(float(v), 9)) for v in np.ravel(values)]


def losses(dataset: Dataset, carries: Collection[str], format_name: str) -> list[str]:
    """One sentence for each thing in `dataset` that a format has no room for.

    Parameters
    ----------
    carries : what it has room for: field names of `Landmarks` and `Dataset`, and ``names``, ``schema`` (edges, flip,
        parts, normalisers), ``empty`` (images without a row), ``z``, ``hidden``, ``absent``
    """
    marks, lost = dataset.landmarks, []

    def note(what: str, there: bool, words: str) -> None:
        if what not in carries and there:
            lost.append(f"{format_name} has no room for {words}; not written")

    skeleton = dataset.skeleton
    anonymous = Skeleton.anonymous(len(skeleton))
    recovered = complete(Skeleton(names=skeleton.names if "names" in carries else anonymous.names))
    note("names", recovered.names != skeleton.names, "names of points")
    bare = ("edges", "flip", "parts", "normalisers", "sigmas")
    same = all(getattr(recovered, f) == getattr(skeleton, f) for f in bare)
    note("schema", not same, "edges, mirror pairs, parts and normalisers of the skeleton")
    if marks.visibility is not None:
        note("hidden", bool((marks.visibility == 1).any()), "the mark 'hidden'")
        note("absent", bool((marks.visibility == 3).any()), "the mark 'absent from the picture'")
    tight = fill_boxes(marks.points)
    differ = marks.boxes.shape != tight.shape or not np.allclose(marks.boxes, tight, atol=1e-6, equal_nan=True)
    note("boxes", differ, "boxes that are not tight around the points")
    note("z", marks.points.shape[2] == 3, "depth (z)")
    for name, words in _WORDS.items():
        note(name, getattr(marks, name) is not None, words)
    note("observers", dataset.observers is not None, "the points of the single observers (a folder of csv has)")
    note("subject", dataset.subject is not None, "subjects")
    note("split", dataset.split is not None and bool((dataset.split != "").any()), "splits")
    note("frame", dataset.frame is not None, "places in time")
    note("spacing", dataset.spacing is not None, "mm per pixel")
    note("licence", bool(dataset.licence), "the licence")
    empty = len(dataset.images) - len(np.unique(marks.image_index))
    note("empty", empty > 0, f"{empty} pictures without an object")
    others = [c for c in dataset.columns if c not in carries]
    note("columns", bool(others), f"the column{'s'[: len(others) > 1]} {', '.join(others)}")
    return lost


_WORDS = {
    "presence": "the probability of a point being there",
    "confidence": "confidence",
    "covariance": "covariance",
    "plausible": "verdicts on shapes",
    "plausible_parts": "verdicts on parts",
    "plausible_points": "verdicts on points",
    "altered": "marks of repaired points",
    "score": "scores of boxes",
    "track_id": "track numbers",
}


def mean_of_distinct(points: np.ndarray) -> np.ndarray:
    """(N, K, D) mean over the observers (O, N, K, D), leaving out those that are a copy of an earlier one."""
    kept: list[np.ndarray] = []
    for one in points:
        if not any(np.array_equal(one, k, equal_nan=True) for k in kept):
            kept.append(one)
    stack = np.array(kept)
    there = np.isfinite(stack)
    count = there.sum(axis=0)
    return np.divide(np.where(there, stack, 0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)
