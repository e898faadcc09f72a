"""Does an ONNX graph ask for other files?

A tensor of an ONNX graph may say that its numbers lie in another file (``external_data``), which a runtime then opens
by the name that the graph gives. A graph out of a model file must bring everything along, so this walks the protobuf
message (https://protobuf.dev/programming-guides/encoding/; field numbers from onnx.proto3, IR version 11) far enough to
see every tensor, without the ``onnx`` package, which only training installs.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["needs_other_files"]

# message: {field number: the message it holds}; every road from a model to a tensor
_MESSAGES = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_DEEPEST = 64


def needs_other_files(model: bytes) -> bool:
    """Whether some tensor of the serialised ModelProto lies outside of it.

    Raises
    ------
    ValueError : the bytes are not a protobuf message
    """
    return _walk(memoryview(model), "model", 0)


def _walk(data: memoryview, message: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("an ONNX graph nested this deeply is not accepted")
    inside = _MESSAGES[message]
    for number, value in _fields(data):
        if message == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
            return True
        if number in inside and isinstance(value, memoryview) and _walk(value, inside[number], depth + 1):
            return True
    return False


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError("not a protobuf message")
        if at + length > len(data):
            raise ValueError("a protobuf message that is cut short")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a protobuf message that is cut short")
