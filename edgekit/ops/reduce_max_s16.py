"""Largest value of int16 over any axes.

    out = largest of in over the axes

Input and output of one scale. `reduce_min_s16` shares the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from edgekit.families import wide
from edgekit.families.movement import check_moved
from edgekit.families.reduction import reduction_walk
from edgekit.families.wide import Wide
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, int16_pair
from edgekit.ops.reduce_max import ReduceMax, ReduceMaxParams


class ReduceMaxWide(Wide):
    name = "reduce_max_s16"
    kernel = "reduce_max"
    narrow: ClassVar[type[ReduceMax]] = ReduceMax
    signature = "whole"
    Params = ReduceMaxParams
    same_scale = True
    saturation = 0.6

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph)
        check_moved(node, graph, node.inputs)
        walk = reduction_walk(node, graph.value(node.inputs[0]).shape)
        params = ReduceMaxParams(**walk, sign=cls.narrow.sign)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: ReduceMaxParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return cls.narrow.run(p, consts, *inputs)

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls)
