"""Products of matrices that the network computes (BATCH_MATMUL).

    out[b, m, n] = requantize(sum over k of (x[b, m, k] - zero_x) * (y[b, k, n] - zero_y)) + zero_out

Either matrix may be kept transposed (`adj_x`, `adj_y`); batch axes of size 1 repeat. int8. `factor`
multiplies the real product, where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families.elementwise import prove_shift, real_operands, walk
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Cost, Op, Params, Shape, c_field, int8_pair, require


@dataclass(frozen=True)
class MatrixWalkParams(Params):
    """Which elements make a product of matrices, and which matrices the products."""

    rows: int = c_field("int32_t", "rows of the product")
    columns: int = c_field("int32_t", "columns of the product")
    depth: int = c_field("int32_t", "terms of each sum")
    row1: int = c_field("int32_t", "elements from a row of the first matrix to the next")
    step1: int = c_field("int32_t", "and from a term to the next")
    column2: int = c_field("int32_t", "elements from a column of the second matrix to the next")
    step2: int = c_field("int32_t", "and from a term to the next")
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the batch", 4)
    stride1: tuple[int, ...] = c_field(
        "int32_t", "matrices of the first input along it, 0 repeats", 4
    )
    stride2: tuple[int, ...] = c_field("int32_t", "matrices of the second input, likewise", 4)


@dataclass(frozen=True)
class BatchMatmulParams(MatrixWalkParams):
    zero1: int = c_field("int32_t", "zero point of the first input")
    zero2: int = c_field("int32_t", "zero point of the second input")
    multiplier: int = c_field("int32_t", "rescaling of the sums")
    shift: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


class BatchMatmul(Op):
    name = "batch_matmul"
    kernel = "batch_matmul"
    wide = "batch_matmul_s16"
    signature = "whole"
    Params = BatchMatmulParams
    inputs = ("input1", "input2")
    tflite = ("BATCH_MATMUL",)
    coupling = "mix"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        attrs = {"adj_x": bool(node.attrs["adj_x"]), "adj_y": bool(node.attrs["adj_y"])}
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, y = _matrices(node, graph)
        try:
            batch = np.broadcast_shapes(x[:-2], y[:-2])
        except ValueError:
            batch = (0,)
        fits = x[-1] == y[-2] and batch != (0,)
        require(fits, "matrices that can be multiplied, batches that repeat", node, (x, y))
        return [(*batch, x[-2], y[-1])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, y = real_operands(node, graph, inputs)
        x = x.swapaxes(-1, -2) if node.attrs["adj_x"] else x
        y = y.swapaxes(-1, -2) if node.attrs["adj_y"] else y
        return [x @ y * node.attrs.get("factor", 1.0)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        way = matrix_walk(node, graph)
        factor = a.scale * b.scale * node.attrs.get("factor", 1.0) / out.scale
        multiplier, shift = fixed.split(factor, graph.one_rounding)
        prove_shift(way["depth"] * 255 * 255, shift, f"node {node.name}")
        params = BatchMatmulParams(
            **way, zero1=a.zero_point, zero2=b.zero_point, multiplier=multiplier, shift=shift,
            output_zero=out.zero_point,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: BatchMatmulParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x, y = matrices(p, *inputs)
        # float64 holds sums of products of bytes exactly.
        total = ((x - p.zero1) @ (y - p.zero2)).astype(np.int64)
        scaled = fixed.requantize(total, p.multiplier, p.shift) + p.output_zero
        return [fixed.saturate(scaled)]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, BatchMatmulParams)
        return Cost(macs=int(np.prod(p.shape)) * p.rows * p.columns * p.depth)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, y: Shape, zeros: tuple[int, int], adj: str = "") -> Case:
            operands = [activation("a", x, 0.05, zeros[0]), activation("b", y, 0.03, zeros[1])]
            attrs = {"adj_x": "x" in adj, "adj_y": "y" in adj}
            probe = single(cls, name, operands, [activation("output", (1,))], attrs)
            (shape,) = cls.shapes(probe.graph.nodes[0], probe.graph)
            depth = x[-2] if "x" in adj else x[-1]
            spread = 0.05 * 0.03 * np.sqrt(depth) * (74 + abs(zeros[0])) * (74 + abs(zeros[1])) / 50
            output = activation("output", shape, spread, -5)
            return single(cls, name, operands, [output], attrs)

        return [
            case("attention", (1, 2, 5, 8), (1, 2, 5, 8), (3, -4), "y"),
            case("plain", (4, 3), (3, 5), (-128, 127)),
            case("repeated", (2, 3, 4, 6), (1, 3, 6, 2), (0, 9)),
            case("both_transposed", (3, 6, 4), (5, 6), (7, 0), "xy"),
            case("single", (1, 1), (1, 1), (0, 0), "x"),
        ]


def _matrices(node: Node, graph: Graph) -> tuple[Shape, Shape]:
    """Both shapes with rows and columns in their places."""
    x, y = (graph.value(name).shape for name in node.inputs)
    require(min(len(x), len(y)) >= 2, "matrices", node, (x, y))
    x = (*x[:-2], x[-1], x[-2]) if node.attrs["adj_x"] else x
    return x, (*y[:-2], y[-1], y[-2]) if node.attrs["adj_y"] else y


def matrix_walk(node: Node, graph: Graph) -> dict[str, Any]:
    """The fields of `MatrixWalkParams`."""
    x, y = _matrices(node, graph)
    rows, depth, columns = x[-2], x[-1], y[-1]
    way = walk(np.broadcast_shapes(x[:-2], y[:-2]), (x[:-2], y[:-2]))
    require(way is not None, "batches that repeat along at most 4 groups of axes", node, (x, y))
    assert way is not None
    row1, step1 = (1, rows) if node.attrs["adj_x"] else (depth, 1)
    column2, step2 = (depth, 1) if node.attrs["adj_y"] else (1, columns)
    return {
        "rows": rows, "columns": columns, "depth": depth, "row1": row1, "step1": step1,
        "column2": column2, "step2": step2, **asdict(way),
    }  # fmt: skip


def matrices(p: MatrixWalkParams, a: Array, b: Array) -> tuple[Array, Array]:
    """Both operands as matrices along the walk, float64."""
    flipped1, flipped2 = p.step1 == p.rows != 1, p.column2 == p.depth != 1
    return (
        _batch(a, p.shape, p.stride1, (p.rows, p.depth), transposed=flipped1),
        _batch(b, p.shape, p.stride2, (p.depth, p.columns), transposed=flipped2),
    )


def _batch(
    x: Array, shape: Shape, stride: Shape, matrix: tuple[int, int], transposed: bool
) -> Array:
    """The matrices [N, *walk, rows, columns] of an operand; axes on which it repeats have size 1."""
    own = [size if step else 1 for size, step in zip(shape, stride, strict=True)]
    kept = matrix[::-1] if transposed else matrix
    made = x.reshape(len(x), *own, *kept).astype(np.float64)
    return made.swapaxes(-1, -2) if transposed else made
