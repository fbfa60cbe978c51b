"""Another scale, and another slope below 0, where one side at least has more than 8 bits.

    out = clamp(requantize(d, m1) + zero_out)            d >= 0,  d = in - zero_in
    out = clamp(requantize(sign * d, m2) + zero_out)     d < 0

What QUANTIZE, RELU and its kin, LEAKY_RELU and ABS are where a table of 256 results does not serve:
int16 in, int16 out, or both; int32 with a scale of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families import elementwise
from edgekit.families.integers import NUMBERS
from edgekit.families.wide import Wide
from edgekit.families.window import activation_range
from edgekit.graph import DTYPES, Graph, IntNode, Node, limits
from edgekit.op import Array, Case, Params, Shape, c_field, require


@dataclass(frozen=True)
class RescaleParams(Params):
    dtype: str
    source: int = c_field("int8_t", "type of the input: 0 int8, 1 uint8, 2 int16, 3 int32")
    target: int = c_field("int8_t", "type of the output, likewise")
    sign2: int = c_field("int32_t", "-1 where the line falls below 0, else 1")
    input_zero: int = c_field("int32_t", "zero point of the input")
    multiplier1: int = c_field("int32_t", "slope from 0 on")
    shift1: int = c_field("int32_t", "and its shift, positive is left")
    multiplier2: int = c_field("int32_t", "magnitude of the slope below 0")
    shift2: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class Rescale(Wide):
    """Canonical attributes: `below`, the slope below 0 in real values, and `activation`."""

    name = "rescale_s16"
    kernel = "rescale"
    Params = RescaleParams
    inplace = (0,)
    elementwise = True

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.where(inputs[0] >= 0, inputs[0], inputs[0] * node.attrs["below"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        factor = x.scale / out.scale
        return cls.lines(node, graph, factor, factor * node.attrs["below"])

    @classmethod
    def lines(cls, node: Node, graph: Graph, above: float, below: float) -> IntNode:
        """The node with slopes in steps of output by steps of input. Raises EK302 where 32 bits are
        too few."""
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        known = all(value.dtype in NUMBERS and value.dtype != "bool" for value in (x, out))
        require(known, "int8, uint8, int16 or int32 tensors", node, (x.dtype, out.dtype))
        require(
            x.dtype != "int32" or x.zero_point == 0, "int32 of zero point 0", node, x.zero_point
        )
        multiplier1, shift1 = fixed.split(above, graph.one_rounding)
        multiplier2, shift2 = fixed.split(abs(below), graph.one_rounding) if below else (0, 0)
        most = 2**31 - 1 if x.dtype == "int32" else 2 ** (8 * DTYPES[x.dtype])
        for shift in (shift1, shift2):
            elementwise.prove_shift(most, shift, f"node {node.name}")
        # A rescaled int32 leaves room for the zero point.
        reach = max(abs(above), abs(below)) * most + abs(out.zero_point)
        require(reach < 2**31, "results within 32 bits", node, f"{reach:.4g}")
        low, high = activation_range(node, out) if "activation" in node.attrs else limits(out.dtype)
        params = RescaleParams(
            out.dtype, NUMBERS[x.dtype], NUMBERS[out.dtype], -1 if below < 0 else 1, x.zero_point, multiplier1,
            shift1, multiplier2, shift2, out.zero_point, low, high,
        )  # fmt: skip
        return IntNode(node.name, cls, params, (x.name,), node.outputs)

    @classmethod
    def run(cls, p: RescaleParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        d = inputs[0].astype(np.int64) - p.input_zero
        above = fixed.requantize(d, p.multiplier1, p.shift1)
        below = fixed.requantize(p.sign2 * d, p.multiplier2, p.shift2)
        scaled = np.where(d >= 0, above, below) + p.output_zero
        return [np.clip(scaled, p.out_min, p.out_max).astype(p.dtype)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: tuple[str, float, int], y: tuple[str, float, int], below: float,
                 shape: Shape = (1, 5, 7, 3)) -> Case:  # fmt: skip
            (source, step, zero), (target, coarse, other) = x, y
            ins = [activation("input", shape, step, zero, source)]
            outs = [activation("output", shape, coarse, other, target)]
            return single(cls, name, ins, outs, {"below": below})

        return [
            case("widened", ("int8", 0.05, 7), ("int16", 0.0003, 0), 1.0),
            case("narrowed", ("int16", 0.0003, 0), ("int8", 0.09, -5), 1.0),
            case("coarser", ("int16", 0.0003, 0), ("int16", 0.0004, 0), 1.0),
            case("from_words", ("int32", 2e-9, 0), ("int16", 1.5e-4, 0), 1.0),
            case("to_words", ("int16", 0.01, 0), ("int32", 2e-6, 0), 1.0, (17,)),
            case("leaky", ("int16", 0.0003, 0), ("int16", 0.0003, 0), 0.3),
            case("falling", ("int16", 0.0003, 0), ("int16", 0.0004, 0), -0.7, (1,)),
        ]
