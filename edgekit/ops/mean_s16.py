"""Mean of int16 over any axes.

out = requantize(sum over the axes of in), the factor split as `mean` splits it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit import fixed
from edgekit.families import wide
from edgekit.families.movement import AXES
from edgekit.families.reduction import ReductionParams, reduction_walk
from edgekit.families.wide import Wide
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, c_field, int16_pair
from edgekit.ops.mean import Mean


@dataclass(frozen=True)
class MeanWideParams(ReductionParams):
    multiplier: int = c_field("int32_t", "of the sum")
    shift: int = c_field("int32_t", "of the sum, positive is left")


class MeanWide(Wide):
    name = "mean_s16"
    kernel = "mean"
    narrow: ClassVar[type[Mean]] = Mean
    signature = "whole"
    as_rows: ClassVar[str] = "mean_s16_rows"
    Params = MeanWideParams
    keeps_range = True

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph)
        x = graph.value(node.inputs[0])
        _, multiplier, shift = cls.narrow.rescaling(node, graph, largest=2**15)
        walk = reduction_walk(node, x.shape)
        params = MeanWideParams(**walk, multiplier=multiplier, shift=shift)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: MeanWideParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        shape = [a * b for a, b in zip(p.keep, p.over, strict=True)]
        axes = tuple(1 + a for a in range(AXES) if p.over[a] > 1)
        total = inputs[0].reshape(-1, *shape).astype(np.int64).sum(axis=axes)
        return [fixed.saturate16(fixed.requantize(total, p.multiplier, p.shift))]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls)
