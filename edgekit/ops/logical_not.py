"""Negation of booleans.

out = 1 - in
"""

from __future__ import annotations

import numpy as np

from edgekit.cases import single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Shape, require
from edgekit.ops.lut import Lut, LutParams


class LogicalNot(Lut):
    name = "logical_not"
    tflite = ("LOGICAL_NOT",)
    saturation = 1.0

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [1 - inputs[0]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        for name in (*node.inputs, *node.outputs):
            value = graph.value(name)
            require(value.dtype == "bool", "boolean tensors", node, f"{name} is {value.dtype}")
        table = (np.arange(256) == 0).astype(np.int8)
        return IntNode(
            node.name, cls, LutParams("bool"), node.inputs, node.outputs, {"table": table}
        )

    @classmethod
    def cases(cls) -> list[Case]:
        shape: Shape = (1, 4, 5)
        return [
            single(cls, "mask", [Value("input", shape, "bool")], [Value("output", shape, "bool")])
        ]
