"""A mask of minus infinity, as attention has it in front of its softmax.

    out = in where the mask holds, else the lowest step

In real numbers what is masked lies 30 below everything else and below 0, where no softmax shows it; the
steps reach 10 below the rest (`reach`). Input and output have one quantization.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.elementwise import real_operands
from edgekit.families.movement import check_moved
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair, require

_BELOW = 30.0


@dataclass(frozen=True)
class MaskedParams(Params):
    lowest: int = c_field("int8_t", "where the mask does not hold")


class Masked(Op):
    name = "masked"
    kernel = "masked"
    Params = MaskedParams
    inputs = ("input", "mask")
    elementwise = True
    same_scale = True
    inplace = (0,)
    saturation = 0.7
    reach: ClassVar[float] = 10.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shapes = [graph.value(name).shape for name in node.inputs]
        require(shapes[0] == shapes[1], "operands of one shape", node, shapes)
        return [shapes[0]]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, mask = real_operands(node, graph, inputs)
        return [np.where(mask != 0, x, min(x.min(), 0.0) - _BELOW)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        check_moved(node, graph, node.inputs[:1])
        mask = graph.value(node.inputs[1])
        require(mask.dtype == "bool", "a boolean mask", node, mask.dtype)
        return IntNode(node.name, cls, MaskedParams(-128), node.inputs, node.outputs)

    @classmethod
    def run(cls, p: MaskedParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x, mask = inputs
        return [np.where(mask.astype(bool), x, np.int8(p.lowest))]

    @classmethod
    def cases(cls) -> list[Case]:
        shape: Shape = (1, 2, 5, 7)
        operands = [activation("input", shape, 0.05, 3), Value("mask", shape, "bool")]
        return [single(cls, "scores", operands, [activation("output", shape, 0.05, 3)])]
