"""Absolute value.

out = requantize(|in - zero_in|, scale_in / scale_out) + zero_out

With equal scales there is no rescaling. The input's zero point counts for the difference only.
"""

from __future__ import annotations

import numpy as np

from edgekit import fixed
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case


class Absolute(Lut):
    name = "absolute"
    tflite = ("ABS",)
    onnx = ("Abs",)
    saturation = 0.6

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.abs(inputs[0])]

    @classmethod
    def slopes(cls, node: Node, x: Value, out: Value) -> tuple[float, float]:
        return x.scale / out.scale, -x.scale / out.scale

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: fixed.Int) -> fixed.Int:
        magnitude = np.abs(difference)
        if x.scale != out.scale:
            multiplier, shift = fixed.quantize_multiplier(x.scale / out.scale)
            magnitude = fixed.requantize(magnitude, multiplier, shift)
        return magnitude + out.zero_point

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "same_scale", (0.05, 5), (0.05, -128)),
            case(cls, "rescaled", (0.05, -3), (0.03, -128)),
            case(cls, "one_sided", (0.05, -128), (0.06, -100)),
        ]
