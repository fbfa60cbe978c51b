"""Running sum along one axis (CUMSUM).

    out[i] = requantize(2^19 * (start + sum over j <= i of (in[j] - zero_in)), m) + zero_out

start and m as in `add_n`. `exclusive` sums j < i; `reverse` runs from the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.movement import axis_of, constant
from edgekit.families.running import RunningParams, from_total, running_params
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Shape, c_field, int8_pair


@dataclass(frozen=True)
class CumsumParams(RunningParams):
    outer: int = c_field("int32_t", "indices before the axis")
    axis: int = c_field("int32_t", "indices along it")
    inner: int = c_field("int32_t", "indices behind it")
    exclusive: int = c_field("int32_t", "1 where an element's own value is left out")
    reverse: int = c_field("int32_t", "1 to run from the end")


class Cumsum(Op):
    name = "cumsum"
    kernel = "cumsum"
    signature = "whole"
    Params = CumsumParams
    tflite = ("CUMSUM",)
    saturation = 0.4

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        axis = axis_of(node, constant(node, graph, 1)[0], len(graph.value(node.inputs[0]).shape))
        attrs = {key: bool(node.attrs[key]) for key in ("exclusive", "reverse")}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, {**attrs, "axis": axis})]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a = node.attrs
        return [_summed(inputs[0], a["axis"], a["exclusive"], a["reverse"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, axis = graph.value(node.inputs[0]), node.attrs["axis"]
        params = CumsumParams(
            **running_params(node, graph, x, graph.value(node.outputs[0])),
            outer=math.prod(x.shape[:axis]), axis=x.shape[axis], inner=math.prod(x.shape[axis + 1 :]),
            exclusive=int(node.attrs["exclusive"]), reverse=int(node.attrs["reverse"]),
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: CumsumParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.outer, p.axis, p.inner).astype(np.int64) - p.input_zero
        return [from_total(p, p.start + _summed(x, 2, bool(p.exclusive), bool(p.reverse)))]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, axis: int, exclusive: bool, reverse: bool) -> Case:
            attrs = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
            tensors = activation("input", x, 0.05), activation("output", x, 0.3, -5)
            return single(cls, name, [tensors[0]], [tensors[1]], attrs)

        return [
            case("time", (1, 9, 4), 1, False, False),
            case("exclusive", (3, 7), 1, True, False),
            case("reverse", (2, 5, 3), 0, False, True),
            case("both", (1, 12), 1, True, True),
        ]


def _summed(x: Array, axis: int, exclusive: bool, reverse: bool) -> Array:
    x = np.flip(x, axis) if reverse else x
    total = np.cumsum(x, axis=axis)
    total = total - x if exclusive else total
    return np.flip(total, axis) if reverse else total
