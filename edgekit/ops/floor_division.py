"""Whole quotient and remainder by one constant (FLOOR_DIV, FLOOR_MOD).

    out = the output step nearest to floor(x / divisor), or to x - divisor * floor(x / divisor)

for x = (in - zero_in) * scale_in. TensorFlow Lite Micro computes these on reals only.
"""

from __future__ import annotations

import numpy as np

from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value, dequantized
from edgekit.op import Array, Case, require
from edgekit.ops.lut import Lut, case
from edgekit.ops.real_function import nearest


class FloorDivision(Lut):
    name = "floor_division"
    tflite = ("FLOOR_DIV", "FLOOR_MOD")
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        shapes = [graph.value(name).shape for name in (node.inputs[0], node.outputs[0])]
        require(shapes[0] == shapes[1], "an output of the input's shape", node, shapes)
        known = graph.value(node.inputs[1])
        require(
            known.data is not None and known.elements == 1, "one constant divisor", node, known.name
        )
        divisor = float(dequantized(known).reshape(-1)[0])
        require(divisor != 0, "a divisor other than 0", node, divisor)
        attrs = {"divisor": divisor, "remainder": node.op == "FLOOR_MOD"}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        function = np.mod if node.attrs["remainder"] else np.floor_divide
        return [function(inputs[0], node.attrs["divisor"])]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        return nearest(cls, node, x, out, difference)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            case(cls, "quotient", (0.05, 3), (0.1, 0), divisor=0.7, remainder=False),
            case(cls, "remainder", (0.05, 3), (0.02, -128), divisor=2.5, remainder=True),
        ]
