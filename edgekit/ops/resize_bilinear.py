"""Bilinear resize of the spatial axes.

    out[y, x, c] = rounding_shift(sum over the four cells around (p, q) of in * weight, 20)

p and q are the output cell's row and column in the input, in 1/1024 of a cell; the weights are the
products of their fractions, so that they sum to 2^20. Positions are computed at build time: from an
int8 `.tflite` as TensorFlow Lite Micro computes them, else the nearest to the real ones. Input and
output int8 [1, H, W, C] of one quantization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare
from edgekit.families.movement import check_moved
from edgekit.families.resize import ONE, positions, tflite_sizes
from edgekit.fixed import rounding_shift, saturate
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, int8_pair


@dataclass(frozen=True)
class ResizeBilinearParams(Params):
    in_h: int = c_field("int32_t", "input rows")
    in_w: int = c_field("int32_t", "input columns")
    in_c: int = c_field("int32_t", "channels")
    out_w: int = c_field("int32_t", "output columns")


class ResizeBilinear(Op):
    """Canonical attributes: `rows` and `columns`, the position of each output row and column."""

    name = "resize_bilinear"
    kernel = "resize_bilinear"
    signature = "rows"
    Params = ResizeBilinearParams
    consts = (
        Const("position_y", "int32_t", "[output rows], in 1/1024 of an input row"),
        Const("position_x", "int32_t", "[out_w], in 1/1024 of an input column"),
    )
    tflite = ("RESIZE_BILINEAR",)
    same_scale = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        exact = graph.value(node.inputs[0]).dtype.startswith("float")
        rows, columns = (
            _positions(node, size, out, exact) for size, out in tflite_sizes(node, graph)
        )
        attrs = {"rows": rows, "columns": columns}
        return [Node(node.name, cls.name, node.inputs[:1], node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape, a = graph.value(node.inputs[0]).shape, node.attrs
        return [(shape[0], len(a["rows"]), len(a["columns"]), shape[3])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x = inputs[0]
        total = _interpolated(x, np.array(node.attrs["rows"]), np.array(node.attrs["columns"]))
        return [np.asarray(total / ONE**2, x.dtype)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        check_moved(node, graph, node.inputs)
        _, height, width, channels = graph.value(node.inputs[0]).shape
        rows, columns = (np.array(node.attrs[key], np.int32) for key in ("rows", "columns"))
        params = ResizeBilinearParams(height, width, channels, len(columns))
        consts = {"position_y": rows, "position_x": columns}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(
        cls, p: ResizeBilinearParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(-1, p.in_h, p.in_w, p.in_c).astype(np.int32)
        total = _interpolated(x, consts["position_y"], consts["position_x"])
        return [saturate(rounding_shift(total, 20))[:, None]]

    @classmethod
    def reads(cls, p: ResizeBilinearParams, consts: Mapping[str, Array], row: int) -> range:
        above, fraction = divmod(int(consts["position_y"][row]), ONE)
        return range(above, above + (2 if fraction else 1))

    @classmethod
    def run_rows(cls, p: ResizeBilinearParams, consts: Mapping[str, Array], rows: range, given: range,
                 *inputs: Array) -> list[Array]:  # fmt: skip
        position = consts["position_y"][rows.start : rows.stop] - given.start * ONE
        return cls.run(replace(p, in_h=len(given)), {**consts, "position_y": position}, *inputs)

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        # The weights sum to one, and a blend of equal integers is that integer.
        return [inputs[0]]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p = node.params
        assert isinstance(p, ResizeBilinearParams)
        return replace(node, params=replace(p, in_c=int((~spare.inputs[0]).sum())))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, rows: Sequence[int], columns: Sequence[int]) -> Case:
            attrs = {"rows": tuple(rows), "columns": tuple(columns)}
            shape = (1, len(rows), len(columns), x[2])
            ins, outs = [activation("input", (1, *x))], [activation("output", shape)]
            return single(cls, name, ins, outs, attrs)

        return [
            case("double", (3, 4, 5), [0, 256, 768, 1280, 1792, 2048], [0, 512, 1024, 3072]),
            case("whole_cells", (3, 3, 2), [2048, 0, 1024], [1024]),
            case("edges", (5, 7, 3), [1, 1023, 4095, 4096], [0, 1, 6143, 6144]),
            case("one_cell", (1, 1, 4), [0, 0, 0], [0, 0]),
        ]


def _positions(node: Node, size: int, out: int, exact: bool) -> tuple[int, ...]:
    """TensorFlow's positions along one axis; unless `exact`, from a step that is itself in 1/1024."""
    corners = node.attrs["align_corners"] and out > 1
    half = node.attrs["half_pixel_centers"]
    inner, outer = (size - 1, out - 1) if corners else (size, out)
    index = np.arange(out)
    if exact:
        return positions((index + 0.5 * half) * (inner / outer) - 0.5 * half, size)
    step = (ONE * inner + outer // 2) // outer
    at = index * step + (step // 2 - ONE // 2 if half else 0)
    return tuple(int(v) for v in np.clip(at, 0, ONE * (size - 1)))


def _interpolated(x: Array, rows: Array, columns: Array) -> Array:
    """[N, H, W, C] at the positions, times 2^20; the cell behind a whole position has no weight."""

    def blend(x: Array, at: Array, axis: int) -> Array:
        first, weight = at >> 10, at & (ONE - 1)
        second = np.minimum(first + 1, x.shape[axis] - 1)
        shape = [1] * x.ndim
        shape[axis] = -1
        weight = weight.reshape(shape).astype(x.dtype)
        return np.asarray(x.take(first, axis) * (ONE - weight) + x.take(second, axis) * weight)

    return blend(blend(x, columns, 2), rows, 1)
