"""Rectifiers that stand alone: RELU, RELU6, RELU_N1_TO_1.

    out = clamp(requantize(in - zero_in, scale_in / scale_out) + zero_out, low, high)

low and high are the bounds in output steps. TensorFlow Lite Micro's RELU6 takes input and output
to have one scale and zero point; where they differ this is LiteRT's formula.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit import fixed
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case
from edgekit.window import activation_range, real_activation


class Relu(Lut):
    name = "relu"
    tflite = ("RELU", "RELU6", "RELU_N1_TO_1")

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, str | float]:
        return {"activation": node.op}

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [real_activation(node, inputs[0])]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: fixed.Int) -> fixed.Int:
        multiplier, shift = fixed.quantize_multiplier(x.scale / out.scale)
        value = fixed.requantize(difference, multiplier, shift) + out.zero_point
        return np.asarray(np.clip(value, *activation_range(node, out)))

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "relu", (0.05, 5), (0.025, -128), activation="RELU"),
            case(cls, "relu_same_scale", (0.05, 5), (0.05, 5), activation="RELU"),
            case(cls, "relu6", (0.06, -10), (0.06, -10), activation="RELU6"),
            case(cls, "relu6_rescaled", (0.06, -10), (6 / 255, -128), activation="RELU6"),
            case(cls, "relu_n1_to_1", (0.02, 127), (1 / 127, 0), activation="RELU_N1_TO_1"),
        ]
