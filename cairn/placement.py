"""Where the objects are in their pictures, and what finder that calls for.

What decides is the tight boxes around the labelled points:

1. several objects in a picture, or pictures without one: a finder is trained;
2. one object a picture, its longer side less than 40 % of the picture's, or its centre wandering (median deviation
   more than 5 % of the picture): a finder is trained;
3. one large object a picture, whose centre hardly wanders: the picture is the box (`WholeImage`), and the detector
   looks at whole pictures, in training as in use. Wings under a microscope and X-rays are of this kind;
4. the same, but the object sits in the very same place everywhere (median deviation below 0.4 %): nobody takes
   pictures like that; they were cut out around their labels. A detector of whole pictures would learn the cutting, so
   it learns from boxes. The finder is that of a bundled model for the same points, where there is one; otherwise one is
   trained on the cut-out pictures, which is worse than one that saw whole pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry

__all__ = ["Placement", "check_inside", "placement"]

_LARGE, _WANDERS, _FIXED = 0.4, 0.05, 0.004  # of the picture's side; see the head of this file
_LOOKED_AT = 400  # pictures


@dataclass(frozen=True)
class Placement:
    """Where the objects are in their pictures.

    Parameters
    ----------
    pictures : looked at
    most : objects in one picture
    fewest : objects in one picture
    share : median of the objects' longer side, relative to the picture's side; of tight boxes around the points
    spread : median deviation of their centres, relative to the picture's sides, the larger of the two
    """

    pictures: int
    most: int
    fewest: int
    share: float
    spread: float

    @property
    def finder(self) -> str:
        """``train``, ``whole``, or ``cut out``: see the head of this module."""
        if self.most > 1 or self.fewest < 1 or self.share < _LARGE or self.spread > _WANDERS:
            return "train"
        return "cut out" if self.spread < _FIXED and self.pictures >= 10 else "whole"

    def __str__(self) -> str:
        objects = f"{self.fewest} to {self.most} objects" if self.fewest != self.most else f"{self.most} object"
        return (
            f"{objects}{'s' if self.fewest == self.most != 1 else ''} a picture, {100 * self.share:.0f} % of its side, "
            f"centres within {100 * self.spread:.1f} %"
        )


def placement(dataset: Dataset, seed: int = 0) -> Placement:
    """Look at where the objects of `dataset` are, in at most 400 of its pictures drawn with `seed`.

    Raises
    ------
    InputError : a box outside its picture
    """
    m = len(dataset.images)
    chosen = np.sort(np.random.default_rng(seed).permutation(m)[:_LOOKED_AT])
    tight = box_geometry.around(dataset.landmarks.points)
    index = dataset.landmarks.image_index
    counts, shares, centres = [], [], []
    for i in chosen:
        rows = np.flatnonzero(index == i)
        counts.append(len(rows))
        if not len(rows):
            continue
        width, height = dataset.images[int(i)].size
        for row in rows:
            check_inside(dataset.landmarks.boxes[row], width, height, dataset.images.label(int(i)))
        box = tight[rows]
        box = box[np.isfinite(box).all(axis=1)]
        shares += list((box_geometry.sides(box) / [width, height]).max(axis=1))
        centres += list((box_geometry.centre(box) + 0.5) / [width, height])
    if not shares:
        raise InputError("the data has no labelled point; there is nothing to learn from")
    centre = np.array(centres)
    spread = float(np.median(np.abs(centre - np.median(centre, axis=0)), axis=0).max())
    return Placement(len(chosen), max(counts), min(counts), float(np.median(shares)), spread)


def check_inside(box: np.ndarray, width: int, height: int, label: str) -> None:
    """Refuse a box that has nothing of its picture in it; NaN is no box and passes.

    Parameters
    ----------
    box : (4,) px
    width, height : of the picture, px
    label : of the picture, for the message

    Raises
    ------
    InputError : it lies outside
    """
    if not np.isfinite(box).all():
        return
    if box[0] >= width or box[1] >= height or box[2] <= -1 or box[3] <= -1:
        raise InputError(
            f"{label}: the box {', '.join(f'{v:g}' for v in box)} lies outside of the picture, which has "
            f"{width} x {height} px; do labels and pictures belong together?"
        )
