"""Reciprocal square root.

    out = 1 / sqrt(in)

From an inverse root in Q0.31 (`fixed_functions.inverse_sqrt`), rescaled by
1 / (sqrt(scale_in) * scale_out); the highest step for what is not positive.
"""

from __future__ import annotations

import numpy as np

from edgekit import fixed, fixed_functions
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case

_SHIFT = 20


class Rsqrt(Lut):
    name = "rsqrt"
    tflite = ("RSQRT",)
    saturation = 1.0

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [1.0 / np.sqrt(np.maximum(inputs[0], 1e-30))]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: fixed.Int) -> fixed.Int:
        factor = 1.0 / (np.sqrt(np.float32(x.scale)) * np.float32(out.scale))
        multiplier, shift = fixed.quantize_multiplier(float(factor))
        root, right = fixed_functions.inverse_sqrt(difference)
        data = fixed.requantize(1, root, _SHIFT - right)
        levels = fixed.requantize(data, multiplier, shift - _SHIFT) + out.zero_point
        return np.where(difference > 0, levels, 127)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "usual", (0.05, -128), (0.02, -128)),
            case(cls, "from_zero", (0.02, 0), (0.03, -100)),
        ]
