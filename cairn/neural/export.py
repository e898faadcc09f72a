"""From a torch network to an ONNX graph, unfused, with the parameters' own names.

Weights with two dimensions or more are stored as float16 and widened when the graph is loaded, which halves the file;
`round_weights` does the same rounding to the torch network first, so what was measured is what is exported.
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

_ANY_BATCH = {"input": {0: "batch"}, "output": {0: "batch"}}


@torch.no_grad()
def round_weights(network: nn.Module) -> nn.Module:
    """Round what `export` stores as float16; in place, and returned."""
    for p in network.parameters():
        if p.ndim > 1:
            p.copy_(p.half().float())
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
    widened = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1:
            name = tensor.name
            small = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(small, name))
            widened.append(name)
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name in widened:
                node.input[i] = f"{name}/wide"
    casts = [helper.make_node("Cast", [n], [f"{n}/wide"], to=TensorProto.FLOAT) for n in widened]
    nodes = [*casts, *model.graph.node]
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
        state[name] = torch.from_numpy(np.array(numpy_helper.to_array(tensor), np.float32)).to(value.dtype)
    network.load_state_dict(state)
    return missing


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
