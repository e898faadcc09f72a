"""Several models on the same objects.

Two models' scores on the same pictures rise and fall together: their intervals overlap while it is quite clear which
model is better. What is drawn again here are the *differences* of single objects (the paired bootstrap; Efron &
Tibshirani 1993, ch. 8, by groups as in `cairn.metrics.bootstrap`). Only scores that are means have one: NME, failures,
AUC, missed, radial errors, SDR, PCK, recall.

Nothing is corrected for many comparisons: of twenty metrics that do not differ, one is expected to look as if it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.evaluation.evaluate import evaluate
from cairn.metrics.bootstrap import interval
from cairn.report.cases import Cases
from cairn.report.comparison import Comparison, Difference
from cairn.report.figures import Report

if TYPE_CHECKING:
    from cairn.model import Model

__all__ = ["compare", "paired"]


def compare(
    models: Sequence[Model | str | Path],
    data: Dataset | str | Path,
    *,
    boxes: Literal["given", "found"] = "given",
    split: str | None = None,
    pictures: str | Path | None = None,
    seed: int = 0,
    quiet: bool = True,
    allow_leakage: bool = False,
) -> Comparison:
    """Evaluate several models on the same data, and how much they differ from the first of them.

    Parameters
    ----------
    models : at least one; models, or names or paths of some
    data, boxes, split, seed, quiet, allow_leakage : as in `evaluate`
    pictures : a folder in which the pictures are looked for first, where `data` is a path; as in `cairn.read`

    Raises
    ------
    InputError : no model, or what `evaluate` refuses
    """
    if not models:
        raise InputError("there is no model to evaluate; give at least one")
    name = None
    if isinstance(data, (str, Path)):
        from cairn.formats import read

        name, data = str(data), read(data, pictures=pictures)
    reports = [
        evaluate(m, data, boxes=boxes, split=split, seed=seed, quiet=quiet, allow_leakage=allow_leakage) for m in models
    ]
    return paired([r if name is None else replace(r, data=name) for r in reports], seed)


def paired(reports: Sequence[Report], seed: int = 0) -> Comparison:
    """Compare reports that were made on the same data.

    Parameters
    ----------
    reports : of `evaluate`, the one to compare with first
    seed : of the bootstrap

    Raises
    ------
    InputError : they are of different objects
    """
    first = reports[0].measured()
    differences = []
    for i, report in enumerate(reports[1:], 1):
        other = report.measured()
        order = _same_rows(first, other, reports[0].model, report.model)
        for key, mine in other.values.items():
            theirs = first.values.get(key)
            if theirs is None or theirs.ndim != mine.ndim:
                continue
            difference = (mine if mine.ndim == 1 else mine[:, order]) - theirs
            difference[np.abs(difference) <= 1e-12 * np.abs(theirs)] = 0  # only rounding
            rows = np.nonzero(np.isfinite(difference))
            flat, groups = difference[rows], first.groups[rows[0]]
            value = float(flat.mean()) if len(flat) else np.nan
            low, high = interval(flat, groups, seed=seed)
            unit = report.score(*key).unit
            differences.append(Difference(*key, unit, i, 0, len(np.unique(rows[0])), value, low, high))
    return Comparison(tuple(reports), tuple(differences))


def _same_rows(first: Cases, other: Cases, name: str, other_name: str) -> list[int]:
    """The first's points in the columns of the other's; refuses reports of different objects."""
    a, b = first.data, other.data
    same = len(a) == len(b) and set(a.skeleton.names) == set(b.skeleton.names)
    if same:
        order = [b.skeleton.index(n) for n in a.skeleton.names]
        same = np.array_equal(a.landmarks.points, b.landmarks.points[:, order], equal_nan=True)
        same &= all(first.name(row) == other.name(row) for row in range(len(a)))
    if not same:
        raise InputError(
            f"{name} was measured on {len(a)} objects and {other_name} on {len(b)} others; evaluate both on the same"
        )
    return order
