"""Largest value over the pixels of a map, from its rows as they come.

    out[c] = largest of in[y, x, c] over the pixels

What `reduce_max` becomes inside a stream; what the sums of other operators are, is the largest so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from edgekit.cases import activation, single
from edgekit.families.reduction import ReductionParams
from edgekit.families.sums import RowSum, RowSumParams, fields
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Params, Shape
from edgekit.ops.reduce_max import ReduceMax


class ReduceMaxRows(RowSum, ReduceMax):
    name = "reduce_max_rows"
    kernel = "reduce_max_rows"
    Params: ClassVar[type[Params]] = RowSumParams
    as_rows = ""

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(ReduceMax.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        p, shape = node.params, values[node.inputs[0]].shape
        assert isinstance(p, ReductionParams)
        if len(shape) != 4 or shape[0] != 1 or shape[1] == 1:
            return None
        if p.over != (1, 1, shape[1], shape[2], 1):
            return None
        return IntNode(node.name, cls, RowSumParams(**fields(shape)), node.inputs, node.outputs)

    @classmethod
    def add_rows(
        cls, p: Any, consts: Mapping[str, Array], rows: range, x: Array, sums: Array
    ) -> Array:
        largest = x.max(axis=(1, 2)).astype(np.int32)
        return np.asarray(largest if rows.start == 0 else np.maximum(sums, largest))

    @classmethod
    def from_sums(cls, p: Any, consts: Mapping[str, Array], sums: Array) -> list[Array]:
        return [sums.astype(np.int8)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape) -> Case:
            attrs = {"axes": [1, 2], "keep_dims": False}
            ins, outs = [activation("input", x)], [activation("output", (1, x[3]))]
            return single(cls, name, ins, outs, attrs)

        return [case("map", (1, 3, 2, 8)), case("one_column", (1, 5, 1, 3))]
