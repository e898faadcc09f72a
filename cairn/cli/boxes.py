"""The option ``--boxes`` of ``cairn detect``: where the objects are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cairn.errors import InputError

if TYPE_CHECKING:
    from cairn.images import Image

__all__ = ["Boxes", "parse_boxes"]


@dataclass(frozen=True)
class Boxes:
    """Boxes for pictures: found by the model, the whole picture, one for all, or those of a file by picture name."""

    found: bool = False
    whole: bool = False
    one: np.ndarray | None = None
    by_name: dict[str, np.ndarray] = field(default_factory=dict)
    file: str = ""

    def of(self, image: Image) -> np.ndarray:
        """(N, 4) px."""
        from cairn.geometry.boxes import whole

        if self.whole:
            return whole(*image.size)
        if self.one is not None:
            return self.one
        return self.by_name[_name(str(image.source))]

    def check(self, image: Image) -> None:
        """Refuse boxes that this picture cannot have.

        Raises
        ------
        InputError : the box lies outside of the picture, or the file says nothing of the picture
        """
        from cairn.placement import check_inside

        if self.found or self.whole:
            return
        if self.one is None and _name(str(image.source)) not in self.by_name:
            raise InputError(f"{image.source}: {self.file} has no boxes for a picture of this name")
        width, height = image.size
        for box in self.of(image):
            if np.isnan(box).any():
                continue
            numbers = ", ".join(f"{v:g}" for v in box)
            if box[2] <= box[0] or box[3] <= box[1]:
                raise InputError(f"{image.source}: the box {numbers} is upside down or without area")
            check_inside(box, width, height, str(image.source))


def parse_boxes(text: str, pictures: Sequence[Path]) -> Boxes:
    """What the user meant.

    Parameters
    ----------
    text : of the option
    pictures : those to detect in, or their folders; pictures that a label file does not find beside it are there

    Raises
    ------
    InputError : none of the four
    """
    if text == "found":
        return Boxes(found=True)
    if text == "whole":
        return Boxes(whole=True)
    if text.strip() and Path(text).exists():
        return _from_file(text, pictures)
    try:
        box = [float(v) for v in text.split(",")]
    except ValueError:
        box = []
    if len(box) != 4 or not np.isfinite(box).all():
        raise InputError(f"--boxes {text}: expected found, whole, four numbers x0,y0,x1,y1, or a file of labels")
    if box[2] <= box[0] or box[3] <= box[1]:
        raise InputError(f"--boxes {text}: the box is upside down or without area; expected x0 < x1 and y0 < y1")
    return Boxes(one=np.array([box]))


def _from_file(path: str, pictures: Sequence[Path]) -> Boxes:
    from cairn.formats import read

    folders = [p if p.is_dir() else p.parent for p in pictures]
    data = read(path, pictures=folders[0] if folders and folders[0].is_dir() else None)
    names = [_name(data.images.label(i)) for i in range(len(data.images))]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise InputError(f"{path}: two pictures are called {twice}, so boxes cannot be told apart by name")
    return Boxes(by_name=dict(zip(names, data.boxes, strict=True)), file=path)


def _name(label: str) -> str:
    return label.replace("\\", "/").rsplit("/", 1)[-1]
