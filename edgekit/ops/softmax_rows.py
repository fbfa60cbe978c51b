"""Softmax along the channels of a map, row by row.

The formula of `softmax`, whose kernel is called for each row inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgekit.cases import activation, single
from edgekit.families.each_row import EachRow
from edgekit.graph import IntNode, Value
from edgekit.op import Case, Shape
from edgekit.ops.softmax import Softmax, SoftmaxParams


class SoftmaxRows(EachRow, Softmax):
    name = "softmax_rows"

    @classmethod
    def row_elements(cls, p: SoftmaxParams) -> int:
        return p.rows * p.depth

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        shape = values[node.outputs[0]].shape
        if len(shape) != 4 or shape[0] != 1 or shape[1] == 1:
            return None
        assert isinstance(node.params, SoftmaxParams)
        params = replace(node.params, rows=shape[2])
        return IntNode(node.name, cls, params, node.inputs, node.outputs, node.consts)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, beta: float) -> Case:
            output = activation("output", shape, 1 / 256, -128)
            ins = [activation("input", shape, 0.01, 5)]
            return single(cls, name, ins, [output], {"beta": beta})

        return [case("map", (1, 3, 5, 7), 1.0), case("one_column", (1, 6, 1, 2), 0.5)]
