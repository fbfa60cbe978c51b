"""Square of the difference of two elements.

    out = requantize((r(a) - r(b))^2, m) + zero_out,  r(x) = requantize((x - zero) * 2^7, scale / t)

t is twice the larger input scale and m is t^2 / (2^14 * scale_out).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families import elementwise
from edgekit.graph import Graph, Node
from edgekit.op import Array, Case, Params, Shape, c_field, int8_pair
from edgekit.ops.pairwise import Pairwise

_LEFT = 7


@dataclass(frozen=True)
class SquaredDifferenceParams(Params):
    zero1: int = c_field("int32_t", "zero point of the first input")
    multiplier1: int = c_field("int32_t", "rescaling of the first input")
    shift1: int = c_field("int32_t", "and its shift, positive is left")
    zero2: int = c_field("int32_t", "zero point of the second input")
    multiplier2: int = c_field("int32_t", "rescaling of the second input")
    shift2: int = c_field("int32_t", "and its shift, positive is left")
    multiplier: int = c_field("int32_t", "rescaling of the square")
    shift: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


class SquaredDifference(Pairwise):
    name = "squared_difference"
    wide = "squared_difference_s16"
    kernel = "squared_difference"
    Params = SquaredDifferenceParams
    tflite = ("SQUARED_DIFFERENCE",)
    saturation = 0.6

    @classmethod
    def function(cls, node: Node, a: Array, b: Array) -> Array:
        return (a - b) ** 2

    @classmethod
    def params(cls, node: Node, graph: Graph) -> SquaredDifferenceParams:
        int8_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        twice = 2 * max(a.scale, b.scale)
        multiplier, shift = fixed.quantize_multiplier(twice**2 / (2 ** (2 * _LEFT) * out.scale))
        elementwise.prove_shift((255 << _LEFT) ** 2, shift, f"node {node.name}")
        multiplier1, shift1 = fixed.quantize_multiplier(a.scale / twice)
        multiplier2, shift2 = fixed.quantize_multiplier(b.scale / twice)
        return SquaredDifferenceParams(
            a.zero_point, multiplier1, shift1, b.zero_point, multiplier2, shift2,
            multiplier, shift, out.zero_point,
        )  # fmt: skip

    @classmethod
    def run(
        cls, p: SquaredDifferenceParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        a, b = (x.astype(np.int64) for x in inputs)
        first = fixed.requantize((a - p.zero1) << _LEFT, p.multiplier1, p.shift1)
        second = fixed.requantize((b - p.zero2) << _LEFT, p.multiplier2, p.shift2)
        square = (first - second) ** 2
        return [fixed.saturate(fixed.requantize(square, p.multiplier, p.shift) + p.output_zero)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, b: float, out: float, zeros: tuple[int, int]) -> Case:
            operands = [activation("a", shape, 0.05, zeros[0]), activation("b", shape, b, zeros[1])]
            return single(cls, name, operands, [activation("output", shape, out, -128)])

        return [
            case("equal_scales", (1, 4, 5, 3), 0.05, 0.3, (3, -4)),
            case("far_scales", (17,), 0.004, 0.2, (-128, 127)),
        ]
