"""Larger or smaller of two int16, operands repeated where they are smaller than the output.

    out = a if sign * a > sign * b else b

Operands and output have one scale: the integers are compared as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.families import wide
from edgekit.families.movement import check_moved
from edgekit.families.wide import Wide, WideWalkParams
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, c_field, int16_pair
from edgekit.ops.extremum import Extremum


@dataclass(frozen=True)
class ExtremumWideParams(WideWalkParams):
    sign: int = c_field("int32_t", "1 for the larger, -1 for the smaller")


class ExtremumWide(Wide):
    name = "extremum_s16"
    kernel = "extremum"
    narrow = Extremum
    signature = "whole"
    inputs = ("input1", "input2")
    Params = ExtremumWideParams
    same_scale = True

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph, (0, 1))
        check_moved(node, graph, node.inputs)
        params = ExtremumWideParams(**wide.walk_fields(node, graph), sign=node.attrs["sign"])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: ExtremumWideParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a, b = wide.walked(p, *inputs)
        return [(np.maximum(a, b) if p.sign > 0 else np.minimum(a, b)).astype(np.int16)]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls)
