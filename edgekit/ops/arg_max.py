"""Index of the largest or smallest element along one axis (ARG_MAX, ARG_MIN).

out = the first i with sign * in[i] largest, or the last one; int32

What the elements mean does not matter, only their order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.movement import axis_of, constant
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class ArgMaxParams(Params):
    outer: int = c_field("int32_t", "indices before the axis")
    axis: int = c_field("int32_t", "indices along it")
    inner: int = c_field("int32_t", "indices behind it")
    sign: int = c_field("int32_t", "1 for the largest, -1 for the smallest")
    last: int = c_field("int32_t", "1 for the last of several, 0 for the first")


class ArgMax(Op):
    name = "arg_max"
    kernel = "arg_max"
    signature = "whole"
    Params = ArgMaxParams
    tflite = ("ARG_MAX", "ARG_MIN")
    instead = {
        "TOPK_V2": "it gives the first of them; take the others from the scores in the firmware",
    }
    onnx = ("ArgMax", "ArgMin")
    coupling = "mix"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        axis = axis_of(node, constant(node, graph, 1)[0], len(graph.value(node.inputs[0]).shape))
        attrs = {"axis": axis, "sign": 1 if node.op == "ARG_MAX" else -1}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        shape, keep = draft.shape(node.inputs[0]), bool(node.attrs.get("keepdims", 1))
        axis = axis_of(node, int(node.attrs.get("axis", 0)), len(shape))
        attrs = {
            "axis": axis,
            "sign": 1 if node.op == "ArgMax" else -1,
            "last": bool(node.attrs.get("select_last_index", 0)),
        }
        output = "" if keep else node.outputs[0]
        made = draft.add(cls.name, node, node.inputs[:1], attrs, output, dtype="int32")
        if keep:
            draft.reshape(node, made, (*shape[:axis], 1, *shape[axis + 1 :]), node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, axis = graph.value(node.inputs[0]).shape, node.attrs["axis"]
        return [(*x[:axis], *x[axis + 1 :])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [
            _best(node.attrs["sign"] * inputs[0], node.attrs["axis"], node.attrs.get("last", False))
        ]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = (graph.value(name) for name in (node.inputs[0], node.outputs[0]))
        require(
            (x.dtype, out.dtype) == ("int8", "int32"), "int8 to int32", node, (x.dtype, out.dtype)
        )
        axis = node.attrs["axis"]
        sizes = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
        params = ArgMaxParams(*sizes, node.attrs["sign"], int(node.attrs.get("last", False)))
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: ArgMaxParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.outer, p.axis, p.inner).astype(np.int64)
        return [_best(p.sign * x, 2, bool(p.last)).astype(np.int32)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, axis: int, sign: int, last: bool = False) -> Case:
            output = Value("output", (*x[:axis], *x[axis + 1 :]), "int32")
            attrs = {"axis": axis, "sign": sign, "last": last}
            return single(cls, name, [activation("input", x)], [output], attrs)

        return [
            case("classes", (1, 10), 1, 1),
            case("smallest", (2, 5, 3), 1, -1),
            case("single", (1, 1), 1, 1),
            case("last", (2, 90, 2), 1, 1, last=True),
            case("last_smallest", (3, 200), 1, -1, last=True),
        ]


def _best(x: Array, axis: int, last: bool) -> Array:
    """The first index of the largest, or the last one."""
    if not last:
        return np.asarray(np.argmax(x, axis=axis))
    return np.asarray(x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis=axis))
