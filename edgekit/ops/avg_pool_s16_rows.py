"""Average over the pixels of an int16 map, from its rows as they come.

    out[c] = clamp((sum over the pixels of in[y, x, c] +- count / 2) / count)

as `avg_pool_s16` rounds. What a window over the whole map becomes inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.families import wide
from edgekit.families.sums import RowSum, fields
from edgekit.families.wide import Wide
from edgekit.families.window import WindowParams
from edgekit.fixed import saturate16
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case
from edgekit.ops.avg_pool import AvgPool
from edgekit.ops.avg_pool_rows import AvgPoolRows, AvgPoolRowsParams
from edgekit.ops.avg_pool_s16 import AvgPoolWide


class AvgPoolWideRows(RowSum, Wide):
    name = "avg_pool_s16_rows"
    kernel = "avg_pool_rows"
    narrow = AvgPool
    Params = AvgPoolRowsParams

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(AvgPoolWide.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        p, shape = node.params, values[node.inputs[0]].shape
        if not isinstance(p, WindowParams) or not p.covers_input or p.in_h == 1:
            return None
        params = AvgPoolRowsParams(**fields(shape), out_min=p.out_min, out_max=p.out_max)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def from_sums(
        cls, p: AvgPoolRowsParams, consts: Mapping[str, Array], sums: Array
    ) -> list[Array]:
        count = p.in_h * p.in_w
        nudged = np.abs(sums) + count // 2
        return [saturate16(np.sign(sums) * (nudged // count), p.out_min, p.out_max)]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, AvgPoolRows.cases(), finer=128)
