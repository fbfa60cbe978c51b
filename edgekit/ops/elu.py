"""Exponential linear unit.

    out = in where in >= 0, else exp(in) - 1

The step nearest to the real function, computed in float32 as TensorFlow Lite Micro fills its table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit import fixed
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.lut import Lut, case

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Elu(Lut):
    name = "elu"
    tflite = ("ELU",)
    onnx = ("Elu",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        alpha = float(node.attrs.get("alpha", 1.0))
        op, attrs = (
            (cls.name, {}) if alpha == 1 else ("activation", {"function": "Elu", "alpha": alpha})
        )
        draft.add(op, node, node.inputs, attrs, node.outputs[0])

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.where(inputs[0] < 0, np.expm1(np.minimum(inputs[0], 0)), inputs[0])]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: fixed.Int) -> fixed.Int:
        real = difference.astype(np.float32) * np.float32(x.scale)
        (value,) = cls.real(node, Graph("", {}, (), (), ()), real)
        steps = value.astype(np.float32) * (np.float32(1) / np.float32(out.scale))
        return fixed.round_half_away(steps) + out.zero_point

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "usual", (0.05, 5), (0.04, -100)),
            case(cls, "narrow", (0.01, -20), (0.009, -30)),
            case(cls, "wide", (0.3, 100), (0.06, -110)),
        ]
