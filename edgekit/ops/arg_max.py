"""Index of the largest or smallest element along one axis (ARG_MAX, ARG_MIN).

out = the first i with sign * in[i] largest; int32

What the elements mean does not matter, only their order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.movement import axis_of, constant
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class ArgMaxParams(Params):
    outer: int = c_field("int32_t", "indices before the axis")
    axis: int = c_field("int32_t", "indices along it")
    inner: int = c_field("int32_t", "indices behind it")
    sign: int = c_field("int32_t", "1 for the largest, -1 for the smallest")


class ArgMax(Op):
    name = "arg_max"
    kernel = "arg_max"
    signature = "whole"
    Params = ArgMaxParams
    tflite = ("ARG_MAX", "ARG_MIN")
    instead = {
        "TOPK_V2": "it gives the first of them; take the others from the scores in the firmware",
    }
    coupling = "mix"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        axis = axis_of(node, constant(node, graph, 1)[0], len(graph.value(node.inputs[0]).shape))
        attrs = {"axis": axis, "sign": 1 if node.op == "ARG_MAX" else -1}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, axis = graph.value(node.inputs[0]).shape, node.attrs["axis"]
        return [(*x[:axis], *x[axis + 1 :])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.argmax(node.attrs["sign"] * inputs[0], axis=node.attrs["axis"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = (graph.value(name) for name in (node.inputs[0], node.outputs[0]))
        require(
            (x.dtype, out.dtype) == ("int8", "int32"), "int8 to int32", node, (x.dtype, out.dtype)
        )
        axis = node.attrs["axis"]
        sizes = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
        params = ArgMaxParams(*sizes, node.attrs["sign"])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: ArgMaxParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.outer, p.axis, p.inner).astype(np.int64)
        return [np.argmax(p.sign * x, axis=2).astype(np.int32)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, axis: int, sign: int) -> Case:
            output = Value("output", (*x[:axis], *x[axis + 1 :]), "int32")
            attrs = {"axis": axis, "sign": sign}
            return single(cls, name, [activation("input", x)], [output], attrs)

        return [
            case("classes", (1, 10), 1, 1),
            case("smallest", (2, 5, 3), 1, -1),
            case("single", (1, 1), 1, 1),
        ]
