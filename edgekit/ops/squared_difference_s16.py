"""Square of the difference of two int16, operands repeated where they are smaller than the output.

    out = requantize((r(a) - r(b))^2, m),  r(x) = requantize(x, scale / t)

t is twice the larger input scale and m is t^2 / scale_out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit import fixed
from edgekit.families import elementwise, wide
from edgekit.families.wide import Wide, WideWalkParams
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, c_field, int16_pair
from edgekit.ops.squared_difference import SquaredDifference


@dataclass(frozen=True)
class SquaredDifferenceWideParams(WideWalkParams):
    multiplier1: int = c_field("int32_t", "rescaling of the first input")
    shift1: int = c_field("int32_t", "and its shift, at most 0")
    multiplier2: int = c_field("int32_t", "rescaling of the second input")
    shift2: int = c_field("int32_t", "and its shift, at most 0")
    multiplier: int = c_field("int32_t", "rescaling of the square")
    shift: int = c_field("int32_t", "and its shift, positive is left")


class SquaredDifferenceWide(Wide):
    name = "squared_difference_s16"
    kernel = "squared_difference"
    narrow = SquaredDifference
    signature = "whole"
    inputs = ("input1", "input2")
    tolerance = 4.0
    saturation = 0.6
    Params = SquaredDifferenceWideParams

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        twice = 2 * max(a.scale, b.scale)
        multiplier, shift = fixed.quantize_multiplier(twice**2 / out.scale)
        # Each operand is at most 2^14 behind its rescaling.
        elementwise.prove_shift(2**30, shift, f"node {node.name}")
        multiplier1, shift1 = fixed.quantize_multiplier(a.scale / twice)
        multiplier2, shift2 = fixed.quantize_multiplier(b.scale / twice)
        params = SquaredDifferenceWideParams(
            **wide.walk_fields(node, graph), multiplier1=multiplier1, shift1=shift1,
            multiplier2=multiplier2, shift2=shift2, multiplier=multiplier, shift=shift,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(
        cls, p: SquaredDifferenceWideParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        a, b = wide.walked(p, *inputs)
        difference = fixed.requantize(a, p.multiplier1, p.shift1)
        difference = difference - fixed.requantize(b, p.multiplier2, p.shift2)
        return [fixed.saturate16(fixed.requantize(difference**2, p.multiplier, p.shift))]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, finer=250)
