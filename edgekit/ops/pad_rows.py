"""A border of one value around the rows and columns of a map, row by row.

    out[y, x, c] = in[y - top, x - left, c] where that cell exists, else value

What `pad` becomes inside a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Params, Shape, c_field
from edgekit.ops.pad import Pad, PadParams


@dataclass(frozen=True)
class PadRowsParams(Params):
    out_h: int
    in_h: int = c_field("int32_t", "input rows")
    top: int = c_field("int32_t", "rows of border above")
    left: int = c_field("int32_t", "bytes of border before a row")
    run: int = c_field("int32_t", "bytes of an input row")
    right: int = c_field("int32_t", "bytes of border behind a row")
    value: int = c_field("int32_t", "what the border holds")

    def reads(self, row: int) -> range:
        source = min(max(row - self.top, 0), self.in_h)
        return range(source, source + (self.top <= row < self.top + self.in_h))

    def strip(self, rows: range, inputs: range) -> PadRowsParams:
        above = inputs.start + self.top - rows.start if inputs else len(rows)
        return replace(self, out_h=len(rows), in_h=len(inputs), top=above)


class PadRows(Pad):
    name = "pad_rows"
    kernel = "pad_rows"
    signature = "rows"
    as_rows = ""
    Params: ClassVar[type[Params]] = PadRowsParams
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        made = cls.of_whole(Pad.quantize(node, graph), graph.values)
        assert made is not None
        return made

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        p = node.params
        assert isinstance(p, PadParams)
        if len(p.in_shape) != 4 or p.in_shape[0] != 1 or any((*p.border[0], *p.border[3])):
            return None
        (top, bottom), (left, right) = p.border[1:3]
        _, height, width, channels = p.in_shape
        params = PadRowsParams(
            out_h=top + height + bottom, in_h=height, top=top, left=left * channels,
            run=width * channels, right=right * channels, value=p.value,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: Any, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.run)
        rows = (p.top, p.out_h - p.top - p.in_h)
        return [np.pad(x, ((0, 0), rows, (p.left, p.right)), constant_values=p.value)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, rows: tuple[int, int], columns: tuple[int, int]) -> Case:
            y = (1, x[1] + sum(rows), x[2] + sum(columns), x[3])
            tensors = (activation("input", x, zero=3), activation("output", y, zero=3))
            attrs = {"border": ((0, 0), rows, columns, (0, 0)), "value": 0.0}
            return single(cls, name, [tensors[0]], [tensors[1]], attrs)

        return [
            case("around_an_image", (1, 3, 4, 5), (1, 1), (1, 1)),
            case("uneven", (1, 3, 4, 5), (0, 3), (2, 1)),
            case("time_axis", (1, 9, 1, 4), (4, 0), (0, 0)),
        ]
