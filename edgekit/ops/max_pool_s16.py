"""Max pooling of int16.

    out = clamp(largest of the window's cells inside the input)

Input and output [1, H, W, C] of one quantization.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.families import pooling, wide
from edgekit.families.wide import Wide
from edgekit.families.window import WindowParams
from edgekit.fixed import saturate16
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case
from edgekit.ops.max_pool import MaxPool


class MaxPoolWide(Wide):
    name = "max_pool_s16"
    kernel = "max_pool"
    narrow = MaxPool
    signature = "rows"
    Params = WindowParams
    same_scale = True

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        return IntNode(node.name, cls, pooling.params(node, graph), node.inputs, node.outputs)

    @classmethod
    def run(cls, p: WindowParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        largest = pooling.windows(p, inputs[0], -32768).max(axis=(3, 4))
        return [saturate16(largest, p.out_min, p.out_max)[:, None]]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, finer=128)
