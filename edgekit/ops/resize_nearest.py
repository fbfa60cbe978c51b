"""Nearest-neighbour resize of the spatial axes.

    out[y, x, c] = in[source_y(y), source_x(x), c]

with TensorFlow's rules for the source index (align_corners, half_pixel_centers), computed at build
time into one table an axis. Input and output int8 [1, H, W, C] of one quantization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare
from edgekit.fixed import round_half_away
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.movement import check_moved, constant
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, int8_pair, require


@dataclass(frozen=True)
class ResizeNearestParams(Params):
    in_h: int = c_field("int32_t", "input rows")
    in_w: int = c_field("int32_t", "input columns")
    in_c: int = c_field("int32_t", "channels")
    out_w: int = c_field("int32_t", "output columns")


class ResizeNearest(Op):
    name = "resize_nearest"
    kernel = "resize_nearest"
    signature = "rows"
    Params = ResizeNearestParams
    consts = (
        Const("source_y", "int16_t", "[output rows], the input row of each"),
        Const("source_x", "int16_t", "[out_w], the input column of each"),
    )
    tflite = ("RESIZE_NEAREST_NEIGHBOR",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        size = constant(node, graph, 1)
        shape = graph.value(node.inputs[0]).shape
        require(len(shape) == 4 and shape[0] == 1, "an input of shape [1, H, W, C]", node, shape)
        require(len(size) == 2 and all(0 < n < 2**15 for n in (*size, *shape[1:3])),
                "two sizes from 1 to 32767", node, (size, shape))  # fmt: skip
        attrs = {
            "size": size,
            "align_corners": bool(node.attrs["align_corners"]),
            "half_pixel_centers": bool(node.attrs["half_pixel_centers"]),
        }
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape = graph.value(node.inputs[0]).shape
        return [(shape[0], *node.attrs["size"], shape[3])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        rows, columns = (
            _source(node, inputs[0].shape[a], node.attrs["size"][a - 1]) for a in (1, 2)
        )
        return [inputs[0][:, rows][:, :, columns]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        check_moved(node, graph, node.inputs)
        x, out = graph.value(node.inputs[0]).shape, graph.value(node.outputs[0]).shape
        params = ResizeNearestParams(in_h=x[1], in_w=x[2], in_c=x[3], out_w=out[2])
        consts = {"source_y": _source(node, x[1], out[1]), "source_x": _source(node, x[2], out[2])}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(
        cls, p: ResizeNearestParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(-1, 1, p.in_h, p.in_w, p.in_c)
        return [x[:, :, consts["source_y"]][:, :, :, consts["source_x"]]]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        return [inputs[0]]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p = node.params
        assert isinstance(p, ResizeNearestParams)
        return replace(node, params=replace(p, in_c=int((~spare.inputs[0]).sum())))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, size: list[int], align: bool, half: bool) -> Case:
            attrs = {"size": size, "align_corners": align, "half_pixel_centers": half}
            ins, outs = [activation("input", (1, *x))], [activation("output", (1, *size, x[2]))]
            return single(cls, name, ins, outs, attrs)

        return [
            case("double", (3, 4, 5), [6, 8], False, False),
            case("third", (9, 6, 2), [3, 2], False, True),
            case("odd_ratio", (5, 7, 3), [8, 9], False, False),
            case("corners", (4, 4, 1), [7, 7], True, False),
            case("one_cell", (1, 1, 4), [3, 2], True, False),
        ]


def _source(node: Node, size: int, out: int) -> NDArray[np.int16]:
    """The input index of each output index, in float32 as TensorFlow Lite computes it."""
    align, half = node.attrs["align_corners"], node.attrs["half_pixel_centers"]
    if align and out > 1:
        scale = np.float32(size - 1) / np.float32(out - 1)
    else:
        scale = np.float32(size) / np.float32(out)
    at = (np.arange(out, dtype=np.float32) + np.float32(0.5 if half else 0)) * scale
    index = round_half_away(at) if align else np.floor(at).astype(np.int64)
    return np.clip(index, 0, size - 1).astype(np.int16)
