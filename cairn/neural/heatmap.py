"""Training of heatmap networks.

Squares around jittered boxes go through a residual U-net (`networks.residual_unet`); each point's map is read by its
mean and covariance (`moments`). The loss is the likelihood of the labels under these, plus a cross entropy that keeps
the maps in one piece. What was tried, and what it gave, stands in docs/decisions/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from cairn.augment import Augmentation
from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Run, State
from cairn.detectors.heatmap import Heatmap
from cairn.detectors.onnx_graph import OnnxGraph
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.landmarks import Landmarks
from cairn.metrics.nme import geometric_mean, nme, reference_length
from cairn.neural.batches import Batch, Samples, batches
from cairn.neural.export import export, round_weights, start_from
from cairn.neural.losses import distance_loss, laplace_nll, map_cross_entropy
from cairn.neural.moments import Moments
from cairn.neural.networks.residual_unet import ResidualUNet
from cairn.neural.training import Fitted, Schedule, train_network

__all__ = ["HeatmapNet"]

_STRIDE = 4


class _Readable(nn.Module):
    """The whole graph: uint8 squares to moments.

    `handedness` (K, 2), px, is what the labels do that their mirror images do not (an origin off by part of a pixel,
    one side set further out than the other). A network that sees every square mirrored as well can only learn the mean
    of both, so this constant is learnt beside it, and added by the runner.
    """

    def __init__(self, network: nn.Module, points: int, size: int):
        super().__init__()
        self.network, self.moments = network, Moments(size, _STRIDE)
        self.handedness = nn.Parameter(torch.zeros(points, 2))

    def logits(self, squares: Tensor) -> Tensor:
        x = squares.permute(0, 3, 1, 2).float() / 64.0 - 2.0
        return self.network(x)

    def forward(self, squares: Tensor) -> Tensor:
        return self.moments(self.logits(squares))


@dataclass
class HeatmapNet(Detector):
    """A heatmap network and how it is trained.

    Parameters
    ----------
    input_size : px along a side of the square that the network sees; a multiple of 32
    scale : side of that square, in longer sides of the box
    widths, blocks : of `ResidualUNet`
    uses_box : False looks at the whole picture
    mirrored : the runner also looks at the mirrored square
    batch_size : squares a step
    distance, likelihood, cross_entropy : weights of the losses
    sigma : of the cross entropy's Gaussian, in cells
    rounds : passes over the data where the run gives neither minutes nor steps
    augmentation : settings of `Augmentation` that differ from its defaults
    schedule : settings of `Schedule` that differ from its defaults
    """

    input_size: int = 128
    scale: float = 1.3
    widths: tuple[int, ...] = (32, 48, 96, 144, 160)
    blocks: tuple[int, ...] = (1, 3, 3, 2)
    uses_box: bool = True  # type: ignore[misc]
    mirrored: bool = True
    batch_size: int = 32
    distance: float = 0.0
    likelihood: float = 1.0
    cross_entropy: float = 0.2
    sigma: float = 1.0
    rounds: int = 100
    augmentation: dict[str, float] = field(default_factory=dict)
    schedule: dict[str, float] = field(default_factory=dict)

    runner_: Heatmap = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    fitted_: Fitted = field(default=None, init=False, repr=False)  # type: ignore[assignment]

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """See `Detector.fit`; `validation` is only looked at for the learning curve."""
        samples = Samples(dataset, self.input_size, self.scale, self.uses_box)
        if not len(samples):
            raise InputError("there is no labelled object with a box in the training data")
        torch.manual_seed(run.seed)
        points = len(dataset.skeleton)
        network = _Readable(ResidualUNet(points, self.widths, self.blocks), points, self.input_size)
        if run.start is not None:
            start_from(network, run.start)
        how = Augmentation(**self.augmentation)
        self.fitted_ = train_network(
            network,
            lambda net, batch, device: self._loss(net, batch, samples.flip, device),
            lambda first, last: batches(samples, how, self.batch_size, run.seed, first, last),
            Schedule(**self.schedule),
            run,
            default_steps=max(self.rounds * len(samples) // self.batch_size, 1),
            settings=self.settings(),
            validate=None if validation is None else self._validate(validation),
            label="heatmap network",
        )
        trained = round_weights(self.fitted_.network)
        assert isinstance(trained, _Readable)
        runner = Heatmap(self.input_size, self.scale, self.uses_box, self.mirrored)
        runner.skeleton_ = dataset.skeleton
        runner.handedness_ = trained.handedness.detach().double().numpy()
        example = torch.zeros((2, self.input_size, self.input_size, 3), dtype=torch.uint8)
        runner.graph_ = OnnxGraph(export(trained, example))
        self.runner_ = runner
        return self

    def _loss(self, network: nn.Module, batch: Batch, flip: tuple[int, ...] | None, device: torch.device) -> Tensor:
        assert isinstance(network, _Readable)
        size = self.input_size
        logits = network.logits(torch.from_numpy(batch.pixels).to(device, non_blocking=True))
        truth = torch.from_numpy(batch.points).to(device)
        weight = torch.from_numpy(batch.weight).to(device)
        total = logits.new_zeros((), dtype=torch.float32)
        with torch.autocast(device.type, enabled=False):
            logits = logits.float()
            moments = network.moments(logits)
            mean, spread = moments[..., :2], moments[..., 2:5] / size**2
            if flip is not None:
                mirrored = torch.from_numpy(batch.mirrored).to(device)[:, None, None]
                offset = torch.where(mirrored, network.handedness[list(flip)], network.handedness)
                mean = mean + offset @ torch.from_numpy(batch.frame).to(device).mT
            mean = mean / size
            if self.distance:
                total = total + self.distance * 100 * distance_loss(mean, truth / size, weight)
            if self.likelihood:
                floor = (0.5 / size) ** 2
                total = total + self.likelihood * laplace_nll(mean, spread, truth / size, weight, floor)
            if self.cross_entropy:
                cells = (truth - (_STRIDE - 1) / 2) / _STRIDE
                total = total + self.cross_entropy * map_cross_entropy(logits, cells, weight, self.sigma)
        return total

    def _validate(self, validation: Dataset) -> Any:
        """NME (percent of the first normaliser, or of the box's size) of the averaged network, on unchanged squares."""
        squares, truth = Samples(validation, self.input_size, self.scale, self.uses_box).unchanged()
        groups = next(iter(validation.skeleton.normalisers.values()), None)
        tight = box_geometry.around(truth)
        length = geometric_mean(tight) if groups is None else reference_length(truth, groups)

        def figure(network: nn.Module) -> float:
            assert isinstance(network, _Readable)
            device = next(network.parameters()).device
            with torch.no_grad():
                parts = [network(torch.from_numpy(s).to(device))[..., :2].cpu() for s in np.array_split(squares, 8)]
            found = torch.cat(parts) + network.handedness.detach().cpu()
            return 100 * float(np.nanmean(nme(found.numpy(), truth, length)))

        return figure

    def predict(self, images: Any, boxes: Any, *, init: np.ndarray | None = None) -> Landmarks:
        """See `Detector.predict`."""
        return self.runner_.predict(images, boxes, init=init)

    def state(self) -> State:
        """Of the runner, which is what is saved."""
        return self.runner_.state()

    @classmethod
    def from_state(cls, state: State) -> Self:
        """A network whose runner is the saved one."""
        runner = Heatmap.from_state(state)
        net = cls(runner.input_size, runner.scale, uses_box=runner.uses_box, mirrored=runner.mirrored)
        net.runner_ = runner
        return net
