"""Permutation of axes.

out[i0, i1, ...] = in at the same indices, axis k of the output being axis perm[k] of the input
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.families.movement import axis_of, check_moved, constant, strides, walk
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Shape, require
from edgekit.ops.interleave import Interleave
from edgekit.ops.strided import Strided, StridedParams

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class TransposeParams(StridedParams):
    """The kernel walks strides; `run` permutes `in_shape` by `perm`."""

    in_shape: Shape = ()
    perm: tuple[int, ...] = ()


class Transpose(Strided):
    name = "transpose"
    Params = TransposeParams
    tflite = ("TRANSPOSE",)
    onnx = ("Transpose",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        check_moved(node, graph, node.inputs[:1])
        rank = len(graph.value(node.inputs[0]).shape)
        perm = tuple(axis_of(node, axis, rank) for axis in constant(node, graph, 1))
        require(sorted(perm) == list(range(rank)), "a permutation of the axes", node, perm)
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, {"perm": perm})]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        rank = len(draft.shape(node.inputs[0]))
        perm = tuple(axis_of(node, int(a), rank) for a in node.attrs.get("perm", range(rank)[::-1]))
        require(sorted(perm) == list(range(rank)), "a permutation of the axes", node, perm)
        draft.permute(node, node.inputs[0], perm, node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape = graph.value(node.inputs[0]).shape
        return [tuple(shape[axis] for axis in node.attrs["perm"])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0].transpose(node.attrs["perm"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, perm = graph.value(node.inputs[0]), tuple(node.attrs["perm"])
        to_pixels = perm == (0, 2, 3, 1) and x.shape[0] == 1 and x.shape[1] > 1
        if to_pixels and x.dtype == "int8" and x.elements > x.shape[1]:
            return Interleave.quantize(node, graph)
        params = _params(node, x.shape, perm, DTYPES[x.dtype])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: TransposeParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, *p.in_shape)
        return [np.transpose(x, (0, *(axis + 1 for axis in p.perm)))]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        (x,), count = inputs, channels(values[node.outputs[0]])
        return [x if _keeps_channels(node) else x.any_of(count)]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied() if _keeps_channels(node) else spare.none()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p = node.params
        assert isinstance(p, TransposeParams)
        shape = (*p.in_shape[:-1], int((~spare.inputs[0]).sum()))
        return replace(node, params=_params(node, shape, p.perm, width=1))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, perm: tuple[int, ...], dtype: str = "int8") -> Case:
            y = tuple(x[axis] for axis in perm)
            tensors = (activation("input", x, dtype=dtype), activation("output", y, dtype=dtype))
            return single(cls, name, [tensors[0]], [tensors[1]], {"perm": perm})

        return [
            case("to_channels_last", (1, 3, 5, 4), (0, 2, 3, 1)),
            case("to_channels_first", (1, 5, 4, 3), (0, 3, 1, 2)),
            case("rows_and_columns", (1, 5, 4, 3), (0, 2, 1, 3)),
            case("five_axes", (2, 3, 4, 5, 6), (4, 3, 2, 1, 0)),
            case("words", (3, 4), (1, 0), "int32"),
            case("only_ones_move", (1, 5, 1, 3), (1, 2, 3, 0)),
        ]


def _keeps_channels(node: IntNode) -> bool:
    p = node.params
    assert isinstance(p, TransposeParams)
    return p.perm[-1:] == (len(p.perm) - 1,)


def _params(
    node: Node | IntNode, shape: Shape, perm: tuple[int, ...], width: int
) -> TransposeParams:
    steps = strides(shape)
    way = walk([shape[a] for a in perm], [steps[a] for a in perm], width, node)
    return TransposeParams(0, way.run, way.shape, way.stride, shape, perm)
