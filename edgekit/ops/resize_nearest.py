"""Nearest-neighbour resize of the spatial axes.

    out[y, x, c] = in[source_y(y), source_x(x), c]

The source's rules for the index (TensorFlow's align_corners and half_pixel_centers, ONNX's coordinate
and nearest modes) become one table an axis. Input and output [1, H, W, C] of one type and quantization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare
from edgekit.families import resize
from edgekit.families.movement import check_moved
from edgekit.fixed import round_half_away
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class ResizeNearestParams(Params):
    in_h: int = c_field("int32_t", "input rows")
    in_w: int = c_field("int32_t", "input columns")
    pixel: int = c_field("int32_t", "bytes of a pixel")
    out_w: int = c_field("int32_t", "output columns")


class ResizeNearest(Op):
    """Canonical attributes: `rows` and `columns`, the source of each output row and column."""

    name = "resize_nearest"
    kernel = "resize_nearest"
    signature = "rows"
    Params = ResizeNearestParams
    consts = (
        Const("source_y", "int16_t", "[output rows], the input row of each"),
        Const("source_x", "int16_t", "[out_w], the input column of each"),
    )
    tflite = ("RESIZE_NEAREST_NEIGHBOR",)
    onnx = ("Resize", "Upsample")
    instead = {
        "GridSample": "sampling at computed places needs them before the run; resize by a fixed factor",
        "aten.grid_sampler*": "sampling at computed places needs them before the run; resize by a fixed factor",
    }
    same_scale = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        rows, columns = (_source(node, size, out) for size, out in resize.tflite_sizes(node, graph))
        attrs = {"rows": rows, "columns": columns}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        resize.import_onnx(node, draft)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape, a = graph.value(node.inputs[0]).shape, node.attrs
        return [(shape[0], len(a["rows"]), len(a["columns"]), shape[3])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        rows, columns = (list(node.attrs[key]) for key in ("rows", "columns"))
        return [inputs[0][:, rows][:, :, columns]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        check_moved(node, graph, node.inputs)
        value, out = graph.value(node.inputs[0]), graph.value(node.outputs[0]).shape
        x, pixel = value.shape, value.nbytes // (value.shape[1] * value.shape[2])
        params = ResizeNearestParams(in_h=x[1], in_w=x[2], pixel=pixel, out_w=out[2])
        rows, columns = (np.array(node.attrs[key], np.int16) for key in ("rows", "columns"))
        consts = {"source_y": rows, "source_x": columns}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(
        cls, p: ResizeNearestParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), 1, p.in_h, p.in_w, -1)
        return [x[:, :, consts["source_y"]][:, :, :, consts["source_x"]]]

    @classmethod
    def reads(cls, p: ResizeNearestParams, consts: Mapping[str, Array], row: int) -> range:
        source = int(consts["source_y"][row])
        return range(source, source + 1)

    @classmethod
    def run_rows(cls, p: ResizeNearestParams, consts: Mapping[str, Array], rows: range, given: range,
                 *inputs: Array) -> list[Array]:  # fmt: skip
        source = consts["source_y"][rows.start : rows.stop] - given.start
        return cls.run(replace(p, in_h=len(given)), {**consts, "source_y": source}, *inputs)

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
        return replace(node, params=replace(p, pixel=int((~spare.inputs[0]).sum())))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(
            name: str, x: Shape, rows: list[int], columns: list[int], dtype: str = "int8"
        ) -> Case:
            attrs = {"rows": tuple(rows), "columns": tuple(columns)}
            shape = (1, len(rows), len(columns), x[2])
            ins = [activation("input", (1, *x), dtype=dtype)]
            outs = [activation("output", shape, dtype=dtype)]
            return single(cls, name, ins, outs, attrs)

        return [
            case("double", (3, 4, 5), [0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2, 3, 3]),
            case("third", (9, 6, 2), [1, 4, 7], [1, 4]),
            case("odd_ratio", (5, 7, 3), [0, 0, 1, 1, 2, 3, 3, 4], [0, 0, 1, 2, 3, 3, 4, 5, 6]),
            case("one_cell", (1, 1, 4), [0, 0, 0], [0, 0]),
            case("halves", (2, 3, 5), [0, 0, 1, 1], [0, 1, 1, 2], "int16"),
        ]


def _source(node: Node, size: int, out: int) -> tuple[int, ...]:
    """The input index of each output index, in float32 as TensorFlow Lite computes it."""
    align, half = node.attrs["align_corners"], node.attrs["half_pixel_centers"]
    if align and out > 1:
        scale = np.float32(size - 1) / np.float32(out - 1)
    else:
        scale = np.float32(size) / np.float32(out)
    at = (np.arange(out, dtype=np.float32) + np.float32(0.5 if half else 0)) * scale
    index = round_half_away(at) if align else np.floor(at).astype(np.int64)
    return tuple(int(i) for i in np.clip(index, 0, size - 1))
