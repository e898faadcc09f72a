"""What a careful colleague would say of labels before anybody learns from them."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.evaluation.checks.duplicates import duplicate_findings
from cairn.evaluation.checks.findings import KINDS, SEVERITIES, Finding, Findings
from cairn.evaluation.checks.grouped import observer_findings, split_findings
from cairn.evaluation.checks.labels import label_findings, placeholders
from cairn.evaluation.checks.origins import origin_findings
from cairn.evaluation.checks.pictures import look_at, unreadable
from cairn.evaluation.checks.places import normalised_rows, place_findings
from cairn.evaluation.checks.shapes import shape_findings
from cairn.images import Image, ImageList

__all__ = ["Finding", "Findings", "check"]


def check(data: Dataset | str | Path, *, split: str | None = None, quiet: bool = True, name: str = "") -> Findings:
    """Look for mistakes in labels, pictures and splits.

    Parameters
    ----------
    data : labelled pictures, or the path of such
    split : only the pictures of that split; all where absent
    quiet : no progress bar
    name : of the data, for the page; that of the path where absent

    Returns
    -------
    Findings : a sequence, the gravest kinds first and within a kind the worst first; `save` writes JSON or a page

    Raises
    ------
    InputError : data that cannot be read, or without any object
    """
    name = name or (Path(data).name or str(data) if isinstance(data, (str, Path)) else "data")
    if not isinstance(data, Dataset):
        from cairn.formats import read

        data = read(data)
    if split is not None:
        data = data.of_split(split)
    if not len(data):
        raise InputError(f"{name}: has no labelled object, so there is nothing to check")
    data = replace(data, images=_ShortNames(data.images))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of points that nobody has
        found = _everything(data, quiet)
    kinds = {kind: i for i, kind in enumerate(KINDS)}
    found.sort(key=lambda f: (kinds[f.kind], SEVERITIES.index(f.severity), -np.nan_to_num(f.score)))
    return Findings(name, data, tuple(found))


def _everything(data: Dataset, quiet: bool) -> list[Finding]:
    pictures = look_at(data.images, quiet=quiet)
    found: list[Finding] = [*unreadable(data.images, pictures)]
    found += place_findings(data, pictures.sizes)
    marks = placeholders(data)
    fractions = normalised_rows(data, pictures.sizes)
    found += (f for f in label_findings(data) if f.kind != "bad_box" or not fractions[f.row])
    found += shape_findings(data, pictures.sizes, fractions, marks)
    sound = np.ones(len(data), bool)
    sound[[f.row for f in found if f.severity == "error" and f.row is not None]] = False
    found += origin_findings(data, sound)
    found += duplicate_findings(data, pictures)
    found += split_findings(data)
    found += observer_findings(data)
    return found


class _ShortNames(ImageList):
    """The same images, named without the folder that all of them are in."""

    def __init__(self, images: ImageList):
        super().__init__(images.sources)
        given = [s.source if isinstance(s, Image) else s for s in self.sources]
        folders = {os.path.dirname(s.path) for s in given if s is not None}
        try:
            self.folder = os.path.commonpath(folders) if folders else ""
        except ValueError:  # on two drives, or some absolute and some not
            self.folder = ""

    def label(self, i: int) -> str:
        full = super().label(i)
        return os.path.relpath(full, self.folder) if self.folder and full.startswith(self.folder) else full
