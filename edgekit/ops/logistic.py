"""Logistic function.

    out = 1 / (1 + exp(-in)), on the fixed output scale 1/256 with zero point -128

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


class Logistic(Lut):
    name = "logistic"
    wide = "gate_s16"
    tflite = ("LOGISTIC",)
    instead = {
        "GELU": "convert it as x LOGISTIC(1.702 x), or train with HARD_SWISH",
    }
    onnx = ("Sigmoid",)
    output_quant = (1 / 256, -128)
    saturation = 0.6

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [1.0 / (1.0 + np.exp(-inputs[0]))]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        require((out.scale, out.zero_point) == (1 / 256, -128),
                "an output of scale 1/256 and zero point -128", node,
                (out.scale, out.zero_point))  # fmt: skip
        value, radius = fixed_functions.fixed_input(difference, x.scale, integer_bits=4)
        inside = rounding_shift(fixed_functions.logistic(value, integer_bits=4), 23) - 128
        return np.where(
            difference <= -radius, -128, np.where(difference >= radius, 127, inside)
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        out = (1 / 256, -128)
        return [
            case(cls, "narrow", (0.03, 5), out),
            case(cls, "wide", (0.07, -20), out),
            case(cls, "single", (0.05, 127), out, shape=(1, 1)),
        ]
