"""Joining of maps along columns or channels, row by row.

    out[y, ..., first_k + i, ...] = in_k[y, ..., i, ...], first_k being the sizes of the inputs before k

What `concat` becomes inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Alias, Array, Case, Params, Shape, c_field
from edgekit.ops.concat import Concat, ConcatParams


@dataclass(frozen=True)
class ConcatRowsParams(Params):
    height: int = c_field("int32_t", "rows")
    runs: int = c_field("int32_t", "runs of each input in a row")
    count: int = c_field("int32_t", "inputs")

    def strip(self, rows: range, inputs: range) -> ConcatRowsParams:
        return ConcatRowsParams(len(rows), self.runs, self.count)


class ConcatRows(Concat):
    name = "concat_rows"
    kernel = "concat_rows"
    signature = "rows"
    as_rows = ""
    Params: ClassVar[type[Params]] = ConcatRowsParams
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(Concat.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        p, shape = node.params, values[node.outputs[0]].shape
        assert isinstance(p, ConcatParams)
        if len(shape) != 4 or shape[0] != 1 or p.outer % shape[1] or p.outer == 1:
            return None
        params = ConcatRowsParams(shape[1], p.outer // shape[1], p.count)
        return IntNode(node.name, cls, params, node.inputs, node.outputs, node.consts)

    @classmethod
    def run(cls, p: Any, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        outer = p.height * p.runs
        return [np.concatenate([x.reshape(len(x), outer, -1) for x in inputs], axis=2)]

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        return []

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, axis: int, *shapes: Shape) -> Case:
            total = list(shapes[0])
            total[axis] = sum(shape[axis] for shape in shapes)
            tensors = [activation(f"x{i}", shape) for i, shape in enumerate(shapes)]
            return single(cls, name, tensors, [activation("output", tuple(total))], {"axis": axis})

        return [
            case("channels", 3, (1, 3, 4, 5), (1, 3, 4, 1), (1, 3, 4, 9)),
            case("columns", 2, (1, 3, 4, 5), (1, 3, 1, 5)),
            case("one_pixel_rows", 3, (1, 7, 1, 3), (1, 7, 1, 2)),
        ]
