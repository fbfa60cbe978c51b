"""The quantize and dequantize pairs of a quantized ONNX model: their numbers, kept.

A tensor that passes through a pair is an integer tensor of that scale and zero point. uint8 with
zero point z is int8 with zero point z - 128, exactly. What a source quantizes twice is requantized.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Node, Quant, Value
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


class QuantizeLinear(Transient):
    name = "quantize_linear"
    onnx = ("QuantizeLinear", "DequantizeLinear")

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        x = draft.value(node.inputs[0])
        quant, dtype = numbers(node, draft, x)
        require(not node.attrs.get("block_size", 0), "one scale per tensor or channel", node,
                "blocks")  # fmt: skip
        output = node.outputs[0]
        if node.op == "QuantizeLinear":
            require(dtype in ("int8", "uint8"), "a conversion to int8 or uint8", node, dtype)
            held = _quantized(node, draft, x, signed(quant, dtype))
        else:
            held = dequantized(node, draft, x, quant, dtype)
        draft.same(output, held)


def numbers(node: Node, draft: Draft, x: Value) -> tuple[Quant, str]:
    """Scales and zero points as the node has them, and the integer type. Raises EK301."""
    scale = draft.const(node.inputs[1])
    zero_name = node.inputs[2] if len(node.inputs) > 2 else ""
    zero = draft.const(zero_name)
    require(scale is not None and (not zero_name or zero is not None),
            "a constant scale and zero point", node, node.inputs[1:])  # fmt: skip
    assert scale is not None
    scales = [float(s) for s in np.asarray(scale, np.float32).reshape(-1)]
    for value in scales:
        if not (np.isfinite(value) and value > 0):
            raise EdgekitError(
                "EK301", "a scale is not a positive number", where=f"node {node.name}, {node.inputs[1]}",
                found=f"{value!r}, wanted above 0", help="export the model again",
            )  # fmt: skip
    integers = node.outputs[0] if node.op == "QuantizeLinear" else node.inputs[0]
    dtype = draft.source.value(integers).dtype
    zeros = [0] * len(scales) if zero is None else [int(z) for z in zero.reshape(-1)]
    require(
        len(zeros) == len(scales), "as many zero points as scales", node, (len(zeros), len(scales))
    )
    if len(scales) == 1:
        return Quant(tuple(scales), tuple(zeros)), dtype
    axis = int(node.attrs.get("axis", 1))
    axis += len(x.shape) if axis < 0 else 0
    require(0 <= axis < len(x.shape) and x.shape[axis] == len(scales),
            "one scale per index of the axis", node, (len(scales), axis, x.shape))  # fmt: skip
    return Quant(tuple(scales), tuple(zeros), axis), dtype


def signed(quant: Quant, dtype: str) -> Quant:
    """The same reals from int8."""
    if dtype != "uint8":
        return quant
    return replace(quant, zero_point=tuple(z - 128 for z in quant.zero_point))


def _quantized(node: Node, draft: Draft, x: Value, quant: Quant) -> str:
    """The tensor that holds `x` as int8 of these numbers."""
    if x.data is not None:
        real = draft.real(x.name)
        assert real is not None
        return draft.constant(x.name, _rounded(real, quant), quant)
    require(
        not quant.per_channel, "one scale for an activation", node, f"{len(quant.scale)} scales"
    )
    if x.quant is None:
        draft.annotate(x.name, quant)
        return x.name
    if x.quant == quant:
        return x.name
    return draft.add("requantize", node, [x.name], quant=quant)


def _rounded(real: np.ndarray, quant: Quant) -> np.ndarray:
    shape = [1] * real.ndim
    if quant.axis is not None:
        shape[quant.axis] = -1
    scale, zero = (np.array(v, np.float32).reshape(shape) for v in (quant.scale, quant.zero_point))
    steps = np.rint(np.asarray(real, np.float32) / scale) + zero
    return np.asarray(np.clip(steps, -128, 127), np.int8)


def dequantized(node: Node, draft: Draft, x: Value, quant: Quant, dtype: str) -> str:
    """The tensor that holds the real values of the integers `x`."""
    if x.data is not None and x.quant is None:
        require(dtype == x.dtype and dtype in ("int8", "uint8", "int32"), "int8, uint8 or int32 constants",
                node, (x.dtype, dtype))  # fmt: skip
        data = x.data
        if dtype == "uint8":
            data = (data.astype(np.int16) - 128).astype(np.int8)
        return draft.constant(x.name, data, signed(quant, dtype))
    require(
        not quant.per_channel, "one scale for an activation", node, f"{len(quant.scale)} scales"
    )
    if x.quant is None:  # an integer input of the model
        require(
            x.dtype == dtype and dtype in ("int8", "uint8"), "int8 or uint8 integers", node, x.dtype
        )
        draft.annotate(x.name, quant, dtype)
        if dtype == "int8":
            return x.name
        return draft.add("requantize", node, [x.name], quant=signed(quant, dtype))
    wanted = signed(quant, dtype)
    if x.quant == wanted:
        return x.name
    return draft.add("reinterpret", node, [x.name], quant=wanted)
