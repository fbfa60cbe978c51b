"""ONNX's TopK: the largest or smallest elements along an axis, and where they were.

    out = the k indices i with sign * in[i] largest, in that order; of equal ones the first; int32

The values are gathered by these indices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.integers import NUMBERS, TYPES
from edgekit.families.movement import axis_of
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require
from edgekit.ops.gather import of_elements

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class TopKParams(Params):
    source: int = c_field("int8_t", f"type of the input: {TYPES}")
    sign: int = c_field("int32_t", "1 for the largest, -1 for the smallest")
    k: int = c_field("int32_t", "indices wanted")
    outer: int = c_field("int32_t", "indices before the axis")
    axis: int = c_field("int32_t", "indices along it")
    inner: int = c_field("int32_t", "indices behind it")


class TopK(Op):
    name = "top_k"
    kernel = "top_k"
    signature = "whole"
    Params = TopKParams
    onnx = ("TopK",)
    coupling = "mix"

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        x, values, indices = node.inputs[0], *node.outputs
        axis = axis_of(node, int(node.attrs.get("axis", -1)), len(draft.shape(x)))
        count = node.attrs.get("k") or draft.integers(node, 1)[0]
        sign = 1 if node.attrs.get("largest", 1) else -1
        attrs = {"axis": axis, "k": int(count), "sign": sign}
        made = draft.add(cls.name, node, [x], attrs, indices, dtype="int32")
        of_elements(node, draft, x, made, axis, values)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, axis, k = graph.value(node.inputs[0]).shape, node.attrs["axis"], node.attrs["k"]
        require(1 <= k <= x[axis], "a count up to the elements along the axis", node, (k, x))
        return [(*x[:axis], k, *x[axis + 1 :])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a = node.attrs
        return [_order(a["sign"] * inputs[0].astype(np.float64), a["axis"], a["k"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, axis = graph.value(node.inputs[0]), node.attrs["axis"]
        require(x.dtype in NUMBERS and x.dtype != "uint32", "elements of 8 or 16 bits, or int32", node,
                x.dtype)  # fmt: skip
        params = TopKParams(
            NUMBERS[x.dtype], node.attrs["sign"], node.attrs["k"], math.prod(x.shape[:axis]),
            x.shape[axis], math.prod(x.shape[axis + 1 :]),
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: TopKParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.outer, p.axis, p.inner).astype(np.int64)
        return [_order(p.sign * x, 2, p.k).astype(np.int32)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, axis: int, k: int, sign: int, dtype: str = "int8") -> Case:
            value = activation("input", x) if dtype == "int8" else Value("input", x, dtype)
            output = Value("output", (*x[:axis], k, *x[axis + 1 :]), "int32")
            attrs = {"axis": axis, "k": k, "sign": sign}
            return single(cls, name, [value], [output], attrs)

        return [
            case("classes", (1, 12), 1, 3, 1),
            case("smallest", (2, 60, 3), 1, 5, -1),
            case("all", (40, 2), 0, 40, 1),
            case("words", (3, 9), 1, 4, 1, "int32"),
            case("one", (1, 1), 1, 1, -1, "uint16"),
        ]


def _order(x: Array, axis: int, k: int) -> Array:
    """Indices of the k largest, equal ones in their own order."""
    order = np.argsort(-x, axis=axis, kind="stable")
    return np.take(order, np.arange(k), axis=axis)
