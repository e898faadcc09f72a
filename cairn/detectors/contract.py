"""What every detector and finder promises. `cairn.detectors.checks` holds them to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from cairn.dataset import Dataset
from cairn.images import Image
from cairn.landmarks import Landmarks

__all__ = ["Detector", "Finder", "Run", "State"]


@dataclass(frozen=True)
class State:
    """A fitted detector or finder as data: JSON, arrays and ONNX graphs, never pickle."""

    settings: dict[str, Any]
    arrays: dict[str, np.ndarray]
    graphs: dict[str, bytes]


@dataclass(frozen=True)
class Run:
    """What is not a hyper-parameter: how this one fit is run.

    Parameters
    ----------
    seed : of every random choice
    minutes : budget of wall clock time; the number of steps is fixed after a few timed warm-up steps, and recorded
    steps : number of steps, which replays a run exactly; `minutes` is ignored then
    folder : for checkpoints and the learning curve; a killed run that is started again there continues
    start : state of a fitted detector whose weights are where this training starts
    device : "auto", "cpu" or "cuda"
    quiet : no progress bar
    """

    seed: int = 0
    minutes: float | None = None
    steps: int | None = None
    folder: Path | None = None
    start: State | None = None
    device: str = "auto"
    quiet: bool = True


class Detector(ABC):
    """Points in given boxes.

    Subclasses are dataclasses whose fields are hyper-parameters (JSON-able); nothing happens in the constructor and
    fitted state ends in ``_``.
    """

    uses_box: ClassVar[bool] = True  # False: looks at the whole picture

    @abstractmethod
    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Learn from `dataset`; choices inside the fit (early stopping, averaging) may look at `validation`."""

    @abstractmethod
    def predict(
        self, images: Sequence[Image], boxes: Sequence[np.ndarray], *, init: np.ndarray | None = None
    ) -> Landmarks:
        """Points for every box.

        Parameters
        ----------
        images : M images of any sizes
        boxes : M arrays (N_i, 4), possibly empty; ignored in content, not in number, where ``uses_box`` is False
        init : (N, K, D) starting shapes, for detectors that refine

        Returns
        -------
        Landmarks : sum(N_i) rows in the order of images, then boxes; a failure is NaN with confidence 0, never a
            missing row
        """

    @abstractmethod
    def state(self) -> State:
        """Everything that `from_state` needs."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: State) -> Self:
        """The detector that `state` was taken from."""

    def settings(self) -> dict[str, Any]:
        """The hyper-parameters: what the constructor takes."""
        return _settings(self)


class Finder(ABC):
    """Boxes in whole pictures."""

    @abstractmethod
    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Learn from the boxes of `dataset`."""

    @abstractmethod
    def predict(self, images: Sequence[Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each image (boxes (N, 4), scores (N,) in [0, 1]), best first."""

    @abstractmethod
    def state(self) -> State:
        """Everything that `from_state` needs."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: State) -> Self:
        """The finder that `state` was taken from."""

    def settings(self) -> dict[str, Any]:
        """The hyper-parameters: what the constructor takes."""
        return _settings(self)


def _settings(made: Any) -> dict[str, Any]:
    """What the constructor takes; fitted state is declared with ``init=False``."""
    return {f.name: deepcopy(getattr(made, f.name)) for f in fields(made) if f.init}
