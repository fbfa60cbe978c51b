"""Logistic function and tanh of int16, on the fixed output scale 2^-15.

    out = sigmoid(v) or tanh(v) of `edgekit/families/recurrent.py`,  v = floor((in * m + 2^(n - 1)) / 2^n)

v is the input in units of 1 / (3 * 4096), whose 256th part is a step of the table. As TensorFlow Lite
Micro has it, m is cut off, not rounded; a scale of 2^-12 (tanh: or 2^-11) needs no rounding at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families import recurrent
from edgekit.families.wide import Wide
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Const, Params, Shape, c_field, int16_pair, require

_OUTPUT = 2.0**-15
_POWER_TOLERANCE = 1e-3  # of the logarithm to base 2


@dataclass(frozen=True)
class GateParams(Params):
    tanh: int = c_field("int32_t", "1 for tanh, 0 for the logistic function")
    multiplier: int = c_field("int32_t", "of the input, at most 15 bits")
    right: int = c_field("int32_t", "and the right shift behind it")


class Gate(Wide):
    """What `logistic` and `tanh` become. Canonical attribute: `tanh`, whether it is that."""

    name = "gate_s16"
    kernel = "gate"
    Params = GateParams
    consts = (Const("sigmoid", "int16_t", "[256], 1 / (1 + exp(-i / 24)) in Q0.16 less one half"),)
    inplace = (0,)
    elementwise = True
    output_quant = (_OUTPUT, 0)
    tolerance = 8.0
    saturation = 0.6

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.tanh(inputs[0]) if node.attrs["tanh"] else 1 / (1 + np.exp(-inputs[0]))]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require(out.scale == _OUTPUT, "an output of scale 2^-15", node, out.scale)
        tanh = bool(node.attrs.get("tanh", node.op == "tanh"))
        params = GateParams(int(tanh), *_factor(node, x.scale, tanh))
        table = recurrent.sigmoid_table()
        return IntNode(node.name, cls, params, node.inputs, node.outputs, {"sigmoid": table})

    @classmethod
    def run(cls, p: GateParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        half = 1 << p.right >> 1
        v = (inputs[0].astype(np.int64) * p.multiplier + half) >> p.right
        function = recurrent.tanh_thirds if p.tanh else recurrent.sigmoid_thirds
        return [fixed.saturate16(function(v, consts["sigmoid"]))]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, scale: float, tanh: bool, shape: Shape = (1, 5, 7, 9)) -> Case:
            ins, outs = (
                activation("input", shape, scale, 0, "int16"),
                activation("output", shape, _OUTPUT, 0, "int16"),
            )
            return single(cls, name, [ins], [outs], {"tanh": tanh})

        return [
            case("logistic", 0.0003, False),
            case("logistic_q12", 2.0**-12, False),
            case("tanh", 0.0001, True, (1, 300)),
            case("tanh_q11", 2.0**-11, True, (1,)),
        ]


def _factor(node: Node, scale: float, tanh: bool) -> tuple[int, int]:
    """Multiplier and right shift. Raises EK202 for scales from 32768 / 12288 on."""
    power = float(np.log2(np.float32(scale)))
    left = 12 + round(power)
    if abs(power - round(power)) < _POWER_TOLERANCE and left in ((0, 1) if tanh else (0,)):
        return 3 << left, 0
    factor, right = scale * 3 * 4096, 0
    while factor <= 32767 / 2 and right <= 30:
        factor, right = factor * 2, right + 1
    require(factor < 32768, "a scale below 8/3", node, f"{scale:g}")
    return math.floor(factor), right
