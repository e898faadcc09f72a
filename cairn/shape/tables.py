"""A shape analysis as tables that R, and everything else, reads.

- ``scores.csv``: a row for each specimen: ``specimen, size`` (centroid size, px), ``filled`` (points that were missing
  and filled in), ``mode1, mode2, ...``
- ``aligned.csv``: a row for each specimen: ``specimen, x1, y1[, z1], x2, ...``, the coordinates laid on the mean, in
  its centroid sizes. ``prcomp`` of them gives the same modes, scores and standard deviations, but for signs.
- ``mean.csv``: a row for each point: ``point, x, y[, z]``
- ``modes.csv``: a row for each mode: ``mode, sd`` (of the specimens), ``expected_sd`` (of shapes not seen, see
  `cairn.shape.spectrum`), ``share`` (of the specimens' variance), then its loadings ``x1, y1, ...``

Numbers have 10 digits; what cannot be said is an empty field, which R reads as NA. Points are numbered from 1, as in R.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cairn.landmarks import Landmarks
from cairn.shape.model import ShapeModel

__all__ = ["summary", "tables"]


def tables(model: ShapeModel, landmarks: Landmarks, specimens: Sequence[str]) -> dict[str, str]:
    """The text of each file, by its name.

    Parameters
    ----------
    model : fitted on these landmarks, or on others
    landmarks : N specimens
    specimens : N names
    """
    points = landmarks.points
    aligned = model.align(points)
    scores = model.transform(landmarks)
    d = points.shape[2]
    missing = (~landmarks.labelled).sum(axis=1)
    sizes = model.centroid_sizes(points)
    known = np.isfinite(scores).all(axis=1)
    wide = [f"{axis}{i + 1}" for i in range(points.shape[1]) for axis in "xyz"[:d]]
    mode_names = list(model.get_feature_names_out())
    loadings = model.modes_.reshape(len(model.modes_), -1)
    spread, expected = np.sqrt(model.sample_variances_), np.sqrt(model.variances_)
    return {
        "scores.csv": _text(
            ["specimen", "size", "filled", *mode_names],
            (
                [name, size, int(gaps) if there else "", *row]
                for name, size, gaps, there, row in zip(specimens, sizes, missing, known, scores, strict=True)
            ),
        ),
        "aligned.csv": _text(
            ["specimen", *wide], ([name, *row.ravel()] for name, row in zip(specimens, aligned, strict=True))
        ),
        "mean.csv": _text(
            ["point", *"xyz"[:d]],
            ([name, *row] for name, row in zip(landmarks.skeleton.names, model.mean_, strict=True)),
        ),
        "modes.csv": _text(
            ["mode", "sd", "expected_sd", "share", *wide],
            (
                [name, spread[j], expected[j], model.explained_variance_ratio_[j], *loadings[j]]
                for j, name in enumerate(mode_names)
            ),
        ),
    }


def summary(model: ShapeModel) -> dict[str, Any]:
    """What the model is, for JSON."""
    return {
        "shapes": model.n_shapes_,
        "points": int(model.mean_.shape[0]),
        "dimensions": int(model.mean_.shape[1]),
        "scale": bool(model.scale),
        "modes": len(model.modes_),
        "sd": [float(v) for v in np.sqrt(model.sample_variances_)],
        "expected_sd": [float(v) for v in np.sqrt(model.variances_)],
        "share": [float(v) for v in model.explained_variance_ratio_],
        "noise_sd": float(np.sqrt(model.noise_)),
        "shrinkage": model.shrinkage_,
        "caution": model.caution,
    }


def _text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(v) for v in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.10g}" if np.isfinite(value) else ""
    return value
