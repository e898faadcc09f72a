"""Training of finders: whole pictures to boxes, from labelled points alone.

Objects as points (Zhou, Wang & Krähenbühl 2019, "CenterNet"): each cell of a map at an eighth of the picture's size
says how likely an object is centred there, where exactly its centre is, and how large it is. The probability is trained
with their penalty-reduced focal loss (equation 1); the box with the mean distance of its four sides from the truth's,
in shares of the object's size, because that is what the landmark detector feels.

Rows with a box but without a labelled point are left out of the loss (see `scenes.Scenes`); images without objects show
the network what not to find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from cairn.augment import Augmentation
from cairn.dataset import Dataset
from cairn.detectors.contract import Finder, Run, State
from cairn.detectors.finder import CenterFinder
from cairn.detectors.onnx_graph import OnnxGraph
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.images import Image
from cairn.metrics import matching
from cairn.neural.export import export, round_weights, start_from
from cairn.neural.networks.residual_unet import ResidualUNet
from cairn.neural.scenes import SceneBatch, Scenes, Variety, scene_batches
from cairn.neural.training import Fitted, Schedule, train_network

__all__ = ["CenterNet", "best_threshold"]

_FINEST = 2  # of `ResidualUNet`: maps of 1/8
_STRIDE = 8
_MIDDLE_SIZE = 48.0  # px, of an object for which the network says 0
_LIGHT = {"blur": 0.0, "cover": 0.0}  # these are in shares of the whole square; scenes do their own, for each object
_LEAST = 0.05  # the lowest score that is looked at when a threshold is chosen


class _Readable(nn.Module):
    """The whole graph: uint8 pictures to scores and boxes (see `cairn.detectors.finder`)."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def logits(self, pixels: Tensor) -> Tensor:
        x = pixels.permute(0, 3, 1, 2).float() / 64.0 - 2.0
        return self.network(x)

    @staticmethod
    def boxes(logits: Tensor) -> Tensor:
        """(B, 4, h, w) px: from the cell's centre to the object's, width and height."""
        size = logits[:, 3:5].clamp(-5.0, 4.0).exp() * _MIDDLE_SIZE
        return torch.cat([logits[:, 1:3] * _STRIDE, size], 1)

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.logits(pixels).float()
        return torch.cat([logits[:, :1].sigmoid(), self.boxes(logits)], 1).permute(0, 2, 3, 1)


@dataclass
class CenterNet(Finder):
    """A centre network and how it is trained.

    Parameters
    ----------
    input_size : px along a side of the squares that it is trained on; a multiple of 32
    widths, blocks : of `ResidualUNet`
    batch_size : squares a step
    sides : weight of the loss of the boxes
    spread : standard deviation of an object's Gaussian, in sides of its box
    rounds : passes over the data where the run gives neither minutes nor steps
    threshold : least score of a box; with a validation set, the one that serves it best is taken instead
    variety : settings of `Variety` that differ from its defaults
    augmentation : settings of `Augmentation` that differ from its defaults
    schedule : settings of `Schedule` that differ from its defaults
    """

    input_size: int = 320
    widths: Sequence[int] = (16, 24, 40, 64, 80)
    blocks: Sequence[int] = (0, 1, 2, 2)
    batch_size: int = 16
    sides: float = 4.0
    spread: float = 0.09
    rounds: int = 60
    threshold: float = 0.4
    variety: dict[str, Any] = field(default_factory=dict)
    augmentation: dict[str, float] = field(default_factory=dict)
    schedule: dict[str, float] = field(default_factory=dict)

    runner_: CenterFinder = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    fitted_: Fitted = field(default=None, init=False, repr=False)  # type: ignore[assignment]

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Learn from the boxes of `dataset`; with `validation`, the threshold is chosen on it.

        Raises
        ------
        InputError : no row with a box and a labelled point
        """
        scenes = Scenes(dataset, self.input_size, Variety(**self.variety))
        if not len(scenes):
            raise InputError("there is no labelled object with a box in the training data; a finder needs some")
        torch.manual_seed(run.seed)
        network = _Readable(ResidualUNet(5, self.widths, self.blocks, _FINEST))
        with torch.no_grad():
            network.network.head.weight.mul_(0.1)
            network.network.head.bias.copy_(torch.tensor([-4.6, 0, 0, 0, 0]))  # one cell in a hundred, to begin with
        if run.start is not None:
            start_from(network, run.start)
        light = Augmentation(**{**_LIGHT, **self.augmentation})
        self.fitted_ = train_network(
            network,
            self._loss,
            lambda first, last: scene_batches(
                scenes, light, self.batch_size, _STRIDE, self.spread, run.seed, first, last
            ),
            Schedule(**self.schedule),
            run,
            default_steps=max(self.rounds * len(scenes) // self.batch_size, 1),
            settings=self.settings(),
            validate=None if validation is None else self._validate(validation),
            label="finder network",
        )
        trained = round_weights(self.fitted_.network)
        size = {1: "height", 2: "width"}
        example = torch.zeros((1, self.input_size, self.input_size, 3), dtype=torch.uint8)
        graph = OnnxGraph(export(trained, example, {"input": {0: "batch", **size}, "output": {0: "batch", **size}}))
        self.runner_ = CenterFinder(threshold=self.threshold, coarsest=self.input_size)
        self.runner_.graph_ = graph
        if validation is not None:
            self.runner_.threshold = best_threshold(self.runner_, validation, self.threshold)
        return self

    def _loss(self, network: nn.Module, batch: SceneBatch, device: torch.device) -> Tensor:
        assert isinstance(network, _Readable)
        logits = network.logits(torch.from_numpy(batch.pixels).to(device, non_blocking=True))
        heat, truth, weight, counted = (
            torch.from_numpy(part).to(device) for part in (batch.heat, batch.boxes, batch.weight, batch.counted)
        )
        with torch.autocast(device.type, enabled=False):
            logits = logits.float()
            objects = (heat == 1).sum().clamp(min=1)
            centres = _focal(logits[:, 0], heat, counted) / objects
            said = network.boxes(logits).permute(0, 2, 3, 1)
            cells = torch.arange(heat.shape[-1], device=device) * _STRIDE + (_STRIDE - 1) / 2
            middle = said[..., :2] + torch.stack(torch.meshgrid(cells, cells, indexing="xy"), -1)
            edges = torch.cat([middle - said[..., 2:] / 2, middle + said[..., 2:] / 2], -1)
            size = (truth[..., 2:] - truth[..., :2]).clamp(min=1e-3).prod(-1).sqrt()
            away = (edges - truth).abs().mean(-1) / size
            sides = (away * weight).sum() / weight.sum().clamp(min=1)
        return centres + self.sides * sides

    def _validate(self, validation: Dataset) -> Callable[[nn.Module], float]:
        """100 - average precision (percent, intersection over union of 0.5) of the averaged network."""
        images = list(validation.images)

        def figure(network: nn.Module) -> float:
            device = next(network.parameters()).device

            def graph(batch: np.ndarray) -> list[np.ndarray]:
                with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cpu"):
                    return [network(torch.from_numpy(batch).to(device)).cpu().numpy()]

            runner = CenterFinder(threshold=_LEAST, coarsest=self.input_size)
            runner.graph_ = graph
            precision = matching.average_precision(_matched(runner.predict(images), validation))[0]
            return 100 * (1 - float(np.nan_to_num(precision)))

        return figure

    def predict(self, images: Sequence[Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See `Finder.predict`."""
        return self.runner_.predict(images)

    def state(self) -> State:
        """Of the runner, which is what is saved."""
        return self.runner_.state()

    @classmethod
    def from_state(cls, state: State) -> Self:
        """A network whose runner is the saved one."""
        runner = CenterFinder.from_state(state)
        net = cls(threshold=runner.threshold)
        net.runner_ = runner
        return net


def best_threshold(runner: CenterFinder, validation: Dataset, otherwise: float) -> float:
    """The score above which most objects are found and least else: the highest F1 at an overlap of 0.5.

    Where the validation set has pictures without an object, only the boxes found there are counted as false: in the
    others, not every object may be labelled. Many thresholds serve a small validation set equally well; of all those
    within 0.5 % of the best, the middle one of their logarithms is taken.
    """
    low = CenterFinder(_LEAST, runner.overlap, runner.most_pixels, runner.coarsest)
    low.graph_ = runner.graph_
    matched = _matched(low.predict(list(validation.images)), validation)
    right, counted = matched.right[0], matched.counted[0]
    if (matched.positives == 0).any():
        counted = counted & (right | (matched.positives == 0)[matched.image])
    right, scores = right[counted], matched.scores[counted]
    if not right.any():
        return otherwise
    thresholds = np.arange(_LEAST, 0.96, 0.01)
    above = scores[None] >= thresholds[:, None]
    hits = (above & right).sum(axis=1)
    f1 = 2 * hits / (above.sum(axis=1) + matched.positives.sum())
    good = thresholds[f1 >= f1.max() - 0.005]
    return round(float(np.sqrt(good.min() * good.max())), 3)


def _focal(logits: Tensor, heat: Tensor, counted: Tensor) -> Tensor:
    """Penalty-reduced focal loss, summed (CenterNet, equation 1, alpha 2 and beta 4)."""
    p = logits.sigmoid()
    there = (1 - p) ** 2 * nn.functional.logsigmoid(logits)
    not_there = (1 - heat) ** 4 * p**2 * nn.functional.logsigmoid(-logits)
    return -(torch.where(heat == 1, there, not_there) * counted).sum()


def _matched(found: Sequence[tuple[np.ndarray, np.ndarray]], dataset: Dataset) -> matching.Matched:
    """Found boxes held against the dataset's, at an intersection over union of 0.5.

    What is found with its centre in a region without a label is neither right nor false.
    """
    labels = dataset.landmarks
    there = labels.labelled.any(axis=1)
    rows = [np.flatnonzero(there & (labels.image_index == i)) for i in range(len(dataset.images))]
    regions = [np.flatnonzero(~there & (labels.image_index == i)) for i in range(len(dataset.images))]
    return matching.match_all(
        [box_geometry.iou(boxes, labels.boxes[r]) for (boxes, _), r in zip(found, rows, strict=True)],
        [scores for _, scores in found],
        [0.5],
        outside=[_centred_in(boxes, labels.boxes[r]) for (boxes, _), r in zip(found, regions, strict=True)],
    )


def _centred_in(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """(N,) whether the centre of each box lies in one of the regions."""
    middle = box_geometry.centre(boxes)[:, None]
    return ((middle >= regions[None, :, :2]) & (middle <= regions[None, :, 2:])).all(axis=-1).any(axis=1)
