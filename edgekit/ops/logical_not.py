"""Negation of booleans.

out = 1 - in
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import single
from edgekit.families.integers import import_integers
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Shape, require
from edgekit.ops.lut import Lut, LutParams

if TYPE_CHECKING:
    from edgekit.draft import Draft


class LogicalNot(Lut):
    name = "logical_not"
    tflite = ("LOGICAL_NOT",)
    onnx = ("Not", "BitwiseNot")
    saturation = 1.0

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        (x,), (output,) = node.inputs, node.outputs
        if node.op == "Not":
            draft.add(cls.name, node, [x], {}, output, dtype="bool")
            return
        bits = ~np.zeros((), draft.value(x).dtype)
        import_integers(node, draft, "xor", [x, draft.constant(x, bits)], output)

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
