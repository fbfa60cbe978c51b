"""Quotient of two elements (DIV).

    out = requantize((a - zero_a) * r(b), m) + zero_out

r(b) is the reciprocal of b - zero_b with its own exponent, from a table over the bytes of b; the
numerator is scaled up as far as int32 allows. Where b is its zero point the quotient is that of the
smallest divisor of the numerator's sign: as far from zero as steps go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import fixed, fixed_functions
from edgekit.cases import activation, single
from edgekit.families.window import activation_range, real_activation
from edgekit.graph import Graph, Node
from edgekit.op import Array, Case, Const, Params, Shape, c_field, int8_pair, require
from edgekit.ops.pairwise import Pairwise


@dataclass(frozen=True)
class QuotientParams(Params):
    zero1: int = c_field("int32_t", "zero point of the numerator")
    multiplier: int = c_field("int32_t", "rescaling of the quotient")
    shift: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class Quotient(Pairwise):
    name = "quotient"
    kernel = "quotient"
    Params = QuotientParams
    consts = (
        Const("inverse", "int32_t", "[256], reciprocal in Q0.31, by the byte of the divisor"),
        Const("bits", "int8_t", "[256], and its right shift"),
    )
    tflite = ("DIV",)
    saturation = 1.0

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, Any]:
        return {"activation": node.attrs["fused_activation_function"]}

    @classmethod
    def function(cls, node: Node, a: Array, b: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return real_activation(node, np.where(b == 0, np.sign(a) * 1e9, a / b))

    @classmethod
    def params(cls, node: Node, graph: Graph) -> QuotientParams:
        int8_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        multiplier, shift = fixed.quantize_multiplier(a.scale / (b.scale * out.scale))
        low, high = activation_range(node, out)
        return QuotientParams(a.zero_point, multiplier, shift, out.zero_point, low, high)

    @classmethod
    def constants(cls, node: Node, graph: Graph) -> dict[str, Array]:
        b = graph.value(node.inputs[1])
        if b.data is not None:
            zero = bool(np.any(b.data == b.zero_point))
            require(not zero, "a constant divisor without zeros", node, b.name)
        divisor = np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64) - b.zero_point
        magnitude = np.abs(divisor)
        # The bit length brings it to [2^31, 2^32).
        length = np.frexp(np.maximum(magnitude, 1).astype(np.float64))[1].astype(np.int64)
        inverse = fixed_functions.reciprocal((magnitude << (32 - length)) - (1 << 31))
        inverse = np.where(divisor == 0, fixed.INT32_MAX, inverse) * np.where(divisor < 0, -1, 1)
        bits = np.where(divisor == 0, 0, length - 1)
        return {"inverse": inverse.astype(np.int32), "bits": bits.astype(np.int8)}

    @classmethod
    def run(cls, p: QuotientParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a, b = inputs[0].astype(np.int64) - p.zero1, inputs[1].view(np.uint8)
        magnitude = np.where(a < 0, -a - 1, a)
        headroom = 31 - np.frexp(magnitude.astype(np.float64))[1].astype(np.int64)
        quotient = fixed.multiply_high(a << headroom, consts["inverse"].astype(np.int64)[b])
        total = p.shift - consts["bits"].astype(np.int64)[b] - headroom
        high = fixed.multiply_high(quotient, p.multiplier)
        scaled = np.where(total <= 0, fixed.rounding_shift(high, np.clip(-total, 0, 31)), 0)
        # Only far too fine an output scale leaves a left shift; every step is beyond the end then.
        beyond = np.sign(quotient) * (1 << 20)
        scaled = np.where(total > 0, beyond, np.where(total < -31, 0, scaled))
        return [fixed.saturate(scaled + p.output_zero, p.out_min, p.out_max)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, zeros: tuple[int, int, int], act: str = "NONE") -> Case:
            operands = [
                activation("a", shape, 0.05, zeros[0]),
                activation("b", shape, 0.03, zeros[1]),
            ]
            output = activation("output", shape, 0.06, zeros[2])
            return single(cls, name, operands, [output], {"activation": act})

        return [
            case("positive_divisors", (1, 4, 5, 3), (3, -128, 5)),
            case("any_divisor", (1, 3, 3, 5), (-128, 7, -90)),
            case("relu", (13,), (0, -128, -128), act="RELU"),
        ]
