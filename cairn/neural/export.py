"""From a torch network to an ONNX graph, unfused, with the parameters' own names.

Weights with two dimensions or more are stored as int8 with one scale for each output channel, and widened when the
graph is loaded: a quarter of the size. `round_weights` does the same rounding to the torch network first, so what was
measured is what is exported. On the validation slice of faces68 the error changes by less than 0.003 of a percent.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from cairn.detectors.contract import State
from cairn.errors import InputError

__all__ = ["export", "load_weights", "round_weights", "start_from"]

_SCALE = "/scale"  # after the weights' name
_ANY_BATCH = {"input": {0: "batch"}, "output": {0: "batch"}}


@torch.no_grad()
def round_weights(network: nn.Module) -> nn.Module:
    """Round what `export` stores as int8; in place, and returned."""
    for p in network.parameters():
        if p.ndim > 1:
            whole, scale = _int8(p.numpy())
            p.copy_(torch.from_numpy(whole * scale))
    return network


def export(
    network: nn.Module, example: torch.Tensor, dynamic_axes: Mapping[str, Mapping[int, str]] = _ANY_BATCH
) -> bytes:
    """The graph of `network` (in evaluation mode) for inputs like `example`.

    Parameters
    ----------
    dynamic_axes : which axes of "input" and of "output" may have any length; the batch alone where nothing is said
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (example,),
            file,
            dynamo=False,  # keeps BatchNorm and the names of the parameters apart
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            opset_version=17,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={name: dict(axes) for name, axes in dynamic_axes.items()},
        )
    model = onnx.load_from_string(file.getvalue())
    widened, scales = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1:
            name = tensor.name
            whole, scale = _int8(numpy_helper.to_array(tensor))
            tensor.CopyFrom(numpy_helper.from_array(whole, name))
            scales.append(numpy_helper.from_array(scale, f"{name}{_SCALE}"))
            widened.append(name)
    model.graph.initializer.extend(scales)
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name in widened:
                node.input[i] = f"{name}/wide"
    # Not DequantizeLinear: ONNX Runtime keeps those for its integer kernels, and folds these when it loads.
    casts = [helper.make_node("Cast", [n], [f"{n}/float"], to=TensorProto.FLOAT) for n in widened]
    products = [helper.make_node("Mul", [f"{n}/float", f"{n}{_SCALE}"], [f"{n}/wide"]) for n in widened]
    nodes = [*casts, *products, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def load_weights(network: nn.Module, graph: bytes) -> list[str]:
    """Give `network` the parameters of the same name and shape in `graph`; the names that found none are returned."""
    import onnx
    from onnx import numpy_helper

    stored = {t.name: t for t in onnx.load_from_string(graph).graph.initializer}
    missing = []
    state = network.state_dict()
    for name, value in state.items():
        tensor = stored.get(name)
        if tensor is None or tuple(tensor.dims) != tuple(value.shape):
            missing.append(name)
            continue
        array = np.array(numpy_helper.to_array(tensor), np.float32)
        if f"{name}{_SCALE}" in stored:
            array *= numpy_helper.to_array(stored[f"{name}{_SCALE}"])
        state[name] = torch.from_numpy(array).to(value.dtype)
    network.load_state_dict(state)
    return missing


def _int8(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127, and their unit for each output channel, (C, 1, ...)."""
    unit = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True) / np.float32(127)
    unit = np.where(unit > 0, unit, np.float32(1)).astype(np.float32)
    return np.rint(weights / unit).astype(np.int8), unit


def start_from(network: nn.Module, start: State) -> None:
    """Take over the weights of the same name and shape; the last layer stays new where the points are others.

    Raises
    ------
    InputError : the start holds no such network, or one of other widths
    """
    graph = start.graphs.get("network")
    known = set(network.state_dict())
    if graph is None or len(load_weights(network, graph)) > len(known) / 2:
        raise InputError(
            "the model to start from has no network of the same widths as this recipe; start from one that was "
            "trained by the same recipe"
        )
