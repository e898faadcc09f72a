"""The finder of one-object domains: the object is the picture (an X-ray, a wing under the microscope)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Finder, Run, State
from cairn.geometry import boxes
from cairn.images import Image

__all__ = ["WholeImage"]


@dataclass
class WholeImage(Finder):
    """One box a picture, from the outer edge of its first pixel to that of its last, with score 1."""

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """There is nothing to learn."""
        return self

    def predict(self, images: Sequence[Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each image its own frame, (1, 4), and (1,) one."""
        return [(boxes.whole(*image.size), np.ones(1)) for image in images]

    def state(self) -> State:
        """Nothing."""
        return State({}, {}, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """A finder like any other of its kind."""
        return cls(**state.settings)
