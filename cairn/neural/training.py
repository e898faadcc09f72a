"""One training loop for every network: budget, schedule, averaging of weights, checkpoints, learning curve.

AdamW (Loshchilov & Hutter 2019) with a linear warm-up and a cosine to zero; an exponential moving average of the
weights is what is kept (Polyak & Juditsky 1992). With `Run.minutes` a few steps are timed first and the number of steps
is fixed from them; with `Run.steps` a run is replayed exactly. A run with a folder writes a checkpoint every few
minutes, and one that is started again in the same folder continues to the same result.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import math
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cairn.detectors.contract import Run
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.progress import progress

__all__ = ["Fitted", "Schedule", "choose_device", "train_network"]

_TIMED = 6  # steps that are timed to turn minutes into steps, after as many to warm up
_CHECKPOINT_SECONDS = 120.0


@dataclass(frozen=True)
class Schedule:
    """How a network is optimised.

    Parameters
    ----------
    rate : highest learning rate
    decay : weight decay, of weights with two dimensions or more
    warm_up : share of the steps in which the rate rises
    average : half-life of the moving average of the weights, as a share of the steps
    clip : largest norm of the gradient
    """

    rate: float = 2e-3
    decay: float = 0.02
    warm_up: float = 0.03
    average: float = 0.01
    clip: float = 5.0


@dataclass(frozen=True)
class Fitted:
    """What a training leaves: the averaged network, and what the run was."""

    network: nn.Module
    steps: int
    seconds: float
    device: str
    precision: str


def choose_device(wanted: str) -> torch.device:
    """ "auto" is CUDA where there is one."""
    if wanted not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {wanted!r} is not known; choose auto, cpu or cuda")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda was asked for, but there is no CUDA here; choose auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def train_network(
    network: nn.Module,
    loss: Callable[[nn.Module, Any, torch.device], Tensor],
    make_batches: Callable[[int, int], Iterator[Any]],
    schedule: Schedule,
    run: Run,
    *,
    default_steps: int,
    settings: Mapping[str, Any],
    validate: Callable[[nn.Module], float] | None = None,
    label: str = "training",
) -> Fitted:
    """Minimise `loss` over batches.

    Parameters
    ----------
    network : weights already initialised (from the run's seed)
    loss : of (network, batch, device), a scalar; called under autocast
    make_batches : of (first, last) steps, an iterator over the batches of those steps
    default_steps : where the run says neither minutes nor steps
    settings : the hyper-parameters; a checkpoint of others is not continued
    validate : of the averaged network, a figure for the learning curve (lower is better)

    Raises
    ------
    InputError : the folder holds a checkpoint of another run
    """
    device = choose_device(run.device)
    bf16 = _has_bf16(device)
    network.to(device, memory_format=torch.channels_last)
    optimiser = _optimiser(network, schedule)
    average = copy.deepcopy(network).eval()
    step, seconds, total = 0, 0.0, run.steps
    checkpoint = None if run.folder is None else Path(run.folder) / "checkpoint.pt"
    signature: dict[str, Any] = {"seed": run.seed, "minutes": run.minutes, "steps": run.steps, "network": repr(network)}
    signature["settings"] = json.dumps(dict(settings), sort_keys=True)
    if run.start is not None:
        signature["start"] = sum(zlib.crc32(graph) for graph in run.start.graphs.values())
    if checkpoint is not None and checkpoint.exists():
        saved = _read(checkpoint, device)
        if saved["signature"] != signature:
            raise InputError(
                f"{checkpoint} belongs to a training with other settings; choose another folder or delete it"
            )
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        step, seconds, total = saved["step"], saved["seconds"], saved["total"]

    def one_step(batch: Any, rate: float) -> float:
        for group in optimiser.param_groups:
            group["lr"] = rate
        network.train()
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            value = loss(network, batch, device)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), schedule.clip)
        optimiser.step()
        return value.detach()

    if total is None and run.minutes is None:
        total = default_steps
    if total is None:
        total = _steps_in(run.minutes, network, optimiser, one_step, make_batches, validate, device)

    every = max(total // 20, 1)
    curve: list[tuple[int, float, float, float]] = []
    recent: list[Tensor] = []
    started = last_saved = time.perf_counter()
    before = seconds
    with progress(label, total, done=step, quiet=run.quiet) as advance:
        for batch in make_batches(step, total):
            recent.append(one_step(batch, _rate(schedule, step, total)))
            step += 1
            _follow(average, network, step, max(schedule.average * total, 1.0))
            now = time.perf_counter()
            seconds = before + now - started
            if step % every == 0 or step == total:
                mean = float(torch.stack(recent).mean())
                recent.clear()
                if not np.isfinite(mean):
                    raise InputError(f"the training lost its way at step {step} (loss {mean}); lower the learning rate")
                figure = float("nan") if validate is None else validate(average)
                curve.append((step, seconds, mean, figure))
                _write_curve(run.folder, curve[-1], first=len(curve) == 1 and before == 0)
                advance(step, f"loss {mean:.4f}" + ("" if validate is None else f"  validation {figure:.4f}"))
            else:
                advance(step)
            if checkpoint is not None and step < total and now - last_saved > _CHECKPOINT_SECONDS:
                last_saved = now
                _save(checkpoint, signature, network, average, optimiser, step, seconds, total)
    if checkpoint is not None:
        _save(checkpoint, signature, network, average, optimiser, step, seconds, total)
    return Fitted(average.cpu(), total, seconds, device.type, "bf16" if bf16 else "fp32")


def _optimiser(network: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": schedule.decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=schedule.rate)


def _rate(schedule: Schedule, step: int, total: int) -> float:
    warm = max(int(schedule.warm_up * total), 1)
    if step < warm:
        return schedule.rate * (step + 1) / warm
    return schedule.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(total - warm, 1)))


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, step: int, half_life: float) -> None:
    """Move the average towards the network; at the start it follows closely."""
    keep = min(0.5 ** (1 / half_life), step / (step + 10))
    for a, b in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - keep)
        else:
            a.copy_(b)


def _steps_in(
    minutes: float,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    one_step: Callable[[Any, float], Any],
    make_batches: Callable[[int, int], Iterator[Any]],
    validate: Callable[[nn.Module], float] | None,
    device: torch.device,
) -> int:
    """How many steps fit into `minutes`, measured on steps that are undone afterwards."""
    began = time.perf_counter()
    weights = copy.deepcopy(network.state_dict())
    empty = copy.deepcopy(optimiser.state_dict())
    times = []
    for batch in make_batches(0, 2 * _TIMED):
        float(one_step(batch, 0.0))
        times.append(time.perf_counter())
    each = (times[-1] - times[_TIMED - 1]) / _TIMED
    network.load_state_dict(weights)
    optimiser.load_state_dict(empty)
    looks = 0.0
    if validate is not None:
        at = time.perf_counter()
        validate(network)
        looks = 20 * (time.perf_counter() - at)
    left = minutes * 60 - (time.perf_counter() - began) - looks
    return max(int(left / each), 1)


def _save(
    path: Path,
    signature: dict[str, Any],
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
    seconds: float,
    total: int,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    torch.save(
        {
            "signature": signature,
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "step": step,
            "seconds": seconds,
            "total": total,
        },
        file,
    )
    try:
        write_whole(path, file.getvalue())
    except InputError as error:  # hours of training are worth more than the way back into them
        warnings.warn(f"no checkpoint: {error}", stacklevel=2)


def _read(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path}: not a whole checkpoint ({type(error).__name__}); delete it to start anew") from None


def _write_curve(folder: Path | None, row: tuple[int, float, float, float], first: bool) -> None:
    if folder is None:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    with open(Path(folder) / "curve.csv", "w" if first else "a", newline="") as f:
        writer = csv.writer(f)
        if first:
            writer.writerow(["step", "seconds", "loss", "validation"])
        writer.writerow([row[0], f"{row[1]:.1f}", f"{row[2]:.6f}", f"{row[3]:.6f}"])
