"""Repetition along axes (BROADCAST_TO).

out[i0, i1, ...] = in at the same indices, 0 along axes on which the input has size 1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.movement import check_moved, strides, walk
from edgekit.graph import DTYPES, Graph, IntNode, Node
from edgekit.op import Array, Case, Shape, require
from edgekit.ops.strided import Strided, StridedParams


@dataclass(frozen=True)
class BroadcastParams(StridedParams):
    """The kernel walks strides, 0 where it repeats; `run` repeats `in_shape` to `out_shape`."""

    in_shape: Shape = ()
    out_shape: Shape = ()


class BroadcastTo(Strided):
    name = "broadcast"
    Params = BroadcastParams
    tflite = ("BROADCAST_TO",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:1])
        attrs = {"shape": graph.value(node.outputs[0]).shape}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, shape = graph.value(node.inputs[0]).shape, tuple(node.attrs["shape"])
        ours = (1,) * (len(shape) - len(x)) + x
        fits = len(ours) == len(shape) and all(
            a in (1, b) for a, b in zip(ours, shape, strict=True)
        )
        require(fits, "a shape that the input's axes of size 1 can grow to", node, (x, shape))
        return [shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.broadcast_to(inputs[0], node.attrs["shape"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, shape = graph.value(node.inputs[0]), tuple(node.attrs["shape"])
        ours = (1,) * (len(shape) - len(x.shape)) + x.shape
        steps = [0 if n == 1 else step for n, step in zip(ours, strides(ours), strict=True)]
        way = walk(shape, steps, DTYPES[x.dtype], node)
        params = BroadcastParams(0, way.run, way.shape, way.stride, ours, shape)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: BroadcastParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, *p.in_shape)
        return [np.broadcast_to(x, (len(x), *p.out_shape))]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, y: Shape, dtype: str = "int8") -> Case:
            tensors = (activation("input", x, dtype=dtype), activation("output", y, dtype=dtype))
            return single(cls, name, [tensors[0]], [tensors[1]], {"shape": y})

        return [
            case("channels", (3,), (1, 4, 5, 3)),
            case("pixels", (1, 4, 5, 1), (1, 4, 5, 6)),
            case("rows", (2, 1, 3), (2, 4, 3)),
            case("outer", (2, 1, 3, 1), (2, 4, 3, 2)),
            case("words", (1, 3), (2, 3), "int32"),
        ]
