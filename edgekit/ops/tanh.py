"""Hyperbolic tangent.

    out = tanh(in), on the fixed output scale 1/128 with zero point 0

Fixed point: in as Q4.27, the result in Q0.31 rounded to 8 bits; an input at or beyond the radius
of Q4.27 gives the lowest or highest value.
"""

from __future__ import annotations

import numpy as np

from edgekit import fixed_functions
from edgekit.fixed import Int, rounding_shift
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case, require
from edgekit.ops.lut import Lut, case


class Tanh(Lut):
    name = "tanh"
    wide = "gate_s16"
    tflite = ("TANH",)
    onnx = ("Tanh",)
    output_quant = (1 / 128, 0)
    saturation = 0.6

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.tanh(inputs[0])]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        require((out.scale, out.zero_point) == (1 / 128, 0),
                "an output of scale 1/128 and zero point 0", node,
                (out.scale, out.zero_point))  # fmt: skip
        value, radius = fixed_functions.fixed_input(difference, x.scale, integer_bits=4)
        inside = rounding_shift(fixed_functions.tanh(value, integer_bits=4), 24)
        return np.where(
            difference <= -radius, -128, np.where(difference >= radius, 127, inside)
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        out = (1 / 128, 0)
        return [
            case(cls, "narrow", (0.01, 5), out),
            case(cls, "wide", (0.04, -20), out),
            case(cls, "single", (0.03, 127), out, shape=(1, 1)),
        ]
