"""The same integers under another scale and zero point: a view, and exact.

out = in, as integers. A source that quantizes with one scale and dequantizes with another says so.
"""

from __future__ import annotations

from edgekit.cases import activation, single
from edgekit.graph import Graph, Node
from edgekit.op import Array, Case
from edgekit.ops.copy import Copy


class Reinterpret(Copy):
    name = "reinterpret"
    same_scale = False

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        return [(inputs[0] / x.scale + x.zero_point - out.zero_point) * out.scale]

    @classmethod
    def cases(cls) -> list[Case]:
        tensors = activation("input", (1, 3, 4), 0.05, 3), activation("output", (1, 3, 4), 0.02, -9)
        return [single(cls, "another_scale", [tensors[0]], [tensors[1]])]
