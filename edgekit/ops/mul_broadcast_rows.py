"""Elementwise product of a map and a constant that is the same for every row, row by row.

The formula of `mul`; the kernel of `mul_broadcast` is called for each row inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgekit.cases import activation, single
from edgekit.each_row import EachRow, operands, row_walk
from edgekit.graph import IntNode, Value
from edgekit.op import Case, Shape
from edgekit.ops.mul_broadcast import MulBroadcast, MulBroadcastParams


class MulBroadcastRows(EachRow, MulBroadcast):
    name = "mul_broadcast_rows"

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        walk = row_walk(node, values)
        if walk is None:
            return None
        assert isinstance(node.params, MulBroadcastParams)
        params = replace(node.params, shape=walk.shape, stride1=walk.stride1, stride2=walk.stride2)
        return IntNode(node.name, cls, params, node.inputs, node.outputs, node.consts)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, *shapes: Shape) -> Case:
            (shape,) = (s for s in shapes if len(s) == 4)
            result = activation("output", shape, 0.4, 20)
            ins = operands(cls, name, shapes, -90)
            return single(cls, name, ins, [result], {"activation": "NONE"})

        return [
            case("scalar", (1, 4, 5, 3), (1,)),
            case("channels", (1, 4, 5, 3), (3,)),
            case("constant_first", (3,), (1, 4, 5, 3)),
            case("columns", (1, 3, 5, 3), (5, 1)),
        ]
