"""Products of matrices of int16 that the network computes.

out[b, m, n] = requantize_wide(sum over k of x[b, m, k] * y[b, k, n])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.families import wide
from edgekit.families.wide import Wide
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Cost, c_field, int16_pair
from edgekit.ops.batch_matmul import BatchMatmul, MatrixWalkParams, matrices, matrix_walk


@dataclass(frozen=True)
class BatchMatmulWideParams(MatrixWalkParams):
    multiplier: int = c_field("int32_t", "rescaling of the sums, 15 bits")
    right: int = c_field("int32_t", "and the right shift behind it")


class BatchMatmulWide(Wide):
    name = "batch_matmul_s16"
    kernel = "batch_matmul"
    narrow = BatchMatmul
    signature = "whole"
    inputs = ("input1", "input2")
    Params = BatchMatmulWideParams

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        way = matrix_walk(node, graph)
        most = np.array([way["depth"] << 30])
        factor = a.scale * b.scale * node.attrs.get("factor", 1.0) / out.scale
        multiplier, right = wide.wide_rescaling([factor], most, f"node {node.name}")
        params = BatchMatmulWideParams(**way, multiplier=int(multiplier[0]), right=int(right[0]))
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(
        cls, p: BatchMatmulWideParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x, y = matrices(p, *inputs)
        # Below 2^47, which float64 holds exactly.
        total = (x @ y).astype(np.int64)
        return [fixed.saturate16(fixed.requantize_wide(total, p.multiplier, p.right))]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, BatchMatmulWideParams)
        return Cost(macs=int(np.prod(p.shape)) * p.rows * p.columns * p.depth)

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls)
