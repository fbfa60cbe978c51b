"""Mean over the pixels of an int16 map, from its rows as they come.

    out[c] = SAT(requantize(sum over the pixels of in[y, x, c]))

What `mean_s16` becomes inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.families import wide
from edgekit.families.sums import RowSum, RowSumParams, fields
from edgekit.families.wide import Wide
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, c_field
from edgekit.ops.mean import Mean
from edgekit.ops.mean_rows import MeanRows
from edgekit.ops.mean_s16 import MeanWide, MeanWideParams


@dataclass(frozen=True)
class MeanWideRowsParams(RowSumParams):
    multiplier: int = c_field("int32_t", "of the sum")
    shift: int = c_field("int32_t", "of the sum, positive is left")


class MeanWideRows(RowSum, Wide):
    name = "mean_s16_rows"
    kernel = "mean_rows"
    narrow = Mean
    Params = MeanWideRowsParams

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(MeanWide.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        p, shape = node.params, values[node.inputs[0]].shape
        assert isinstance(p, MeanWideParams)
        map_of_rows = len(shape) == 4 and shape[0] == 1 and shape[1] > 1
        if not map_of_rows or p.over != (1, 1, shape[1], shape[2], 1):
            return None
        params = MeanWideRowsParams(**fields(shape), multiplier=p.multiplier, shift=p.shift)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def from_sums(
        cls, p: MeanWideRowsParams, consts: Mapping[str, Array], sums: Array
    ) -> list[Array]:
        total = sums.astype(np.int64)
        return [fixed.saturate16(fixed.requantize(total, p.multiplier, p.shift))]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, MeanRows.cases())
