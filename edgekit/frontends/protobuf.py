"""Telling an ONNX model by the fields of its outermost message, without the `onnx` package."""

from __future__ import annotations

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_GRAPH = 7
# The wire types of ModelProto's first fields: ir_version, producer (3), model_version, text, graph,
# operator sets. TensorFlow's SavedModel has no field 7 and its GraphDef begins with a bytes field 1.
_WIRE = {1: _VARINT, 2: _BYTES, 3: _BYTES, 4: _BYTES, 5: _VARINT, 6: _BYTES, 7: _BYTES, 8: _BYTES}


def is_onnx(data: bytes) -> bool:
    """Whether a field of the right kind holds a graph; a file cut short behind it is one too."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or wire not in (_VARINT, _FIXED64, _BYTES, _FIXED32):
            return False
        if _WIRE.get(number, wire) != wire:
            return False
        if number == _GRAPH:
            return True
        at = _skip(data, at, wire)
    return False


def _skip(data: bytes, at: int, wire: int) -> int:
    if wire == _VARINT:
        return _varint(data, at)[1]
    if wire == _BYTES:
        length, at = _varint(data, at)
        return at + length
    return at + (8 if wire == _FIXED64 else 4)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 number of at most 10 bytes and the position behind it; 0 where the data ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return 0, at
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, at
