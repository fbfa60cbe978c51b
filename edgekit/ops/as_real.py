"""Plain integers as real numbers: ONNX's Cast from integers and booleans to floating point.

    out = clamp(requantize(in, 1 / scale_out) + zero_out)

`in` is clamped first to what the output's range holds, so that nothing overflows. Integers of 8 bits
and booleans are a table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families.integers import NUMBERS, TYPES
from edgekit.graph import Graph, IntNode, Node, Value, plain
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require
from edgekit.ops.lut import LutParams
from edgekit.ops.tabled import Tabled

_BYTES = ("int8", "uint8", "bool")


@dataclass(frozen=True)
class AsRealParams(Params):
    source: int = c_field("int8_t", f"type of the input: {TYPES}")
    low: int = c_field("int32_t", "lowest input that counts")
    high: int = c_field("int32_t", "highest input that counts")
    multiplier: int = c_field("int32_t", "of the input")
    shift: int = c_field("int32_t", "of the input, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


class AsReal(Op):
    name = "as_real"
    kernel = "as_real"
    Params = AsRealParams
    elementwise = True
    saturation = 1.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0].astype(np.float64)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require(plain(x) and x.dtype in NUMBERS and x.dtype != "uint32",
                "integers of 8 or 16 bits, int32 or booleans", node, x.dtype)  # fmt: skip
        if x.dtype in _BYTES:
            values = (
                np.arange(256).astype(np.uint8).view(x.dtype if x.dtype != "bool" else np.uint8)
            )
            real = (values != 0) if x.dtype == "bool" else values
            table = fixed.saturate(np.rint(real / out.scale).astype(np.int64) + out.zero_point)
            consts = {"table": table.astype(np.int8)}
            return IntNode(node.name, Tabled, LutParams("int8"), (x.name,), node.outputs, consts)
        multiplier, shift = fixed.quantize_multiplier(1 / out.scale)
        require(shift < 22, "an output scale above 2^-22", node, out.scale)
        low = max(math.floor((-129 - out.zero_point) * out.scale), -(2**31))
        high = min(math.ceil((128 - out.zero_point) * out.scale), 2**31 - 1)
        params = AsRealParams(NUMBERS[x.dtype], low, high, multiplier, shift, out.zero_point)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: AsRealParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = np.clip(inputs[0].astype(np.int64), p.low, p.high)
        return [fixed.saturate(fixed.requantize(x, p.multiplier, p.shift) + p.output_zero)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(dtype: str, scale: float, zero: int) -> Case:
            tensors = Value("input", (3, 7), dtype), activation("output", (3, 7), scale, zero)
            return single(cls, dtype, [tensors[0]], [tensors[1]])

        return [case("int32", 2.0**25, 3), case("int16", 250.0, -9), case("uint16", 300.0, -128),
                case("int8", 1.0, 0), case("uint8", 0.9, -128), case("bool", 1 / 100, -20)]  # fmt: skip
