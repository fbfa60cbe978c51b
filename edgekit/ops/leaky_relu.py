"""Leaky rectifier with one slope.

    out = requantize(d, m) + zero_out,  d = in - zero_in

m is scale_in / scale_out for d >= 0, else alpha * scale_in / scale_out; both computed in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit import fixed
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case

if TYPE_CHECKING:
    from edgekit.draft import Draft


class LeakyRelu(Lut):
    name = "leaky_relu"
    tflite = ("LEAKY_RELU",)
    onnx = ("LeakyRelu",)

    @classmethod
    def attributes(cls, node: Node) -> Mapping[str, str | float]:
        return {"alpha": float(node.attrs["alpha"])}

    @classmethod
    def onnx_attributes(cls, node: Node, draft: Draft) -> Mapping[str, Any]:
        return {"alpha": float(node.attrs.get("alpha", 0.01))}

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.where(inputs[0] >= 0, inputs[0], inputs[0] * node.attrs["alpha"])]

    @classmethod
    def slopes(cls, node: Node, x: Value, out: Value) -> tuple[float, float]:
        scale, alpha, out_scale = map(np.float32, (x.scale, node.attrs["alpha"], out.scale))
        return float(scale / out_scale), float(scale * alpha / out_scale)

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: fixed.Int) -> fixed.Int:
        above, below = (_rescale(difference, slope) for slope in cls.slopes(node, x, out))
        return np.where(difference >= 0, above, below) + out.zero_point

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "tenth", (0.05, 5), (0.04, -90), alpha=0.1),
            case(cls, "negative_slope", (0.05, -3), (0.06, -100), alpha=-0.3),
            case(cls, "zero_slope", (0.05, -128), (0.06, -128), alpha=0.0),
            case(cls, "steep", (0.02, 100), (0.05, 127), alpha=1.7),
        ]


def _rescale(x: fixed.Int, factor: float) -> fixed.Int:
    """`requantize` by a factor of any sign: a slope may be zero or negative."""
    if factor == 0:
        return np.zeros_like(x)
    multiplier, shift = fixed.quantize_multiplier(abs(factor))
    return fixed.requantize(x, multiplier if factor > 0 else -multiplier, shift)
