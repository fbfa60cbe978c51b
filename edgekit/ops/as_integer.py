"""Real numbers as plain integers: ONNX's Cast from floating point, which drops the fraction.

out = table[byte of in],  table[x] = (x - zero_in) * scale_in, rounded towards zero, clamped to the type

A number less than half a step short of a whole one is that one: in steps it may not be any other. A
boolean is whether the number is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.integers import NUMBERS, TYPES, narrowed
from edgekit.graph import Graph, IntNode, Node, Value, limits
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class AsIntegerParams(Params):
    dtype: str
    target: int = c_field("int8_t", f"type of the output: {TYPES}")


class AsInteger(Op):
    name = "as_integer"
    kernel = "as_integer"
    Params = AsIntegerParams
    consts = (Const("table", "int32_t", "[256], by the byte of the input"),)
    elementwise = True
    saturation = 1.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, out = (graph.value(name) for name in (*node.inputs, *node.outputs))
        return [_whole(inputs[0], out.dtype, x.scale if x.quant else 0.0)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require(x.dtype == "int8" and x.quant is not None, "a real number", node, x.dtype)
        require(out.dtype in NUMBERS, "integers of 8, 16 or 32 bits, or booleans", node, out.dtype)
        values = np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64)
        table = narrowed(_whole((values - x.zero_point) * x.scale, out.dtype, x.scale), "int32")
        params = AsIntegerParams(out.dtype, NUMBERS[out.dtype])
        return IntNode(node.name, cls, params, node.inputs, node.outputs, {"table": table})

    @classmethod
    def run(cls, p: AsIntegerParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [narrowed(consts["table"].astype(np.int64)[inputs[0].view(np.uint8)], p.dtype)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(dtype: str, scale: float, zero: int) -> Case:
            tensors = activation("input", (3, 7), scale, zero), Value("output", (3, 7), dtype)
            return single(cls, dtype, [tensors[0]], [tensors[1]])

        return [case("int32", 1.3e7, 3), case("int16", 100.0, -9), case("uint8", 0.9, -100),
                case("bool", 0.05, 4), case("uint32", 3.0, -128)]  # fmt: skip


def _whole(real: Array, dtype: str, step: float) -> Array:
    """int64."""
    if dtype == "bool":
        return np.asarray(real != 0, np.int64)
    real = real.astype(np.float64)
    nearly = real + np.sign(real) * step / 2 * (1 - 1e-6)
    return np.asarray(np.clip(np.trunc(nearly), *limits(dtype)), np.int64)
