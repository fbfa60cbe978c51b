"""Average pooling of int16.

    out = clamp((sum of the window's cells inside the input +- count / 2) / count)

as `avg_pool` has it, of one quantization.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgekit.families import pooling, wide
from edgekit.families.wide import Wide
from edgekit.families.window import WindowParams
from edgekit.fixed import saturate16
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, require
from edgekit.ops.avg_pool import AvgPool


class AvgPoolWide(Wide):
    name = "avg_pool_s16"
    kernel = "avg_pool"
    narrow = AvgPool
    signature = "rows"
    as_rows = "avg_pool_s16_rows"
    Params = WindowParams
    same_scale = True

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        p = pooling.params(node, graph)
        cells = math.prod((p.kernel_h, p.kernel_w))
        require(cells < 2**15, "windows of fewer than 2^15 cells", node, cells)
        return IntNode(node.name, cls, p, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: WindowParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        total = pooling.windows(p, inputs[0], 0).sum(axis=(3, 4), dtype=np.int32)
        count = pooling.counts(p)
        nudged = np.abs(total) + count // 2
        return [saturate16(np.sign(total) * (nudged // count), p.out_min, p.out_max)[:, None]]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, finer=128)
