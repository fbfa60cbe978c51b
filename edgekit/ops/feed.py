"""Rows of the input, handed over by the caller, to their places in the arena.

    out[y] = in[y]

What a network with streamed input begins with (`rewrite/feed_input.py`). The input may have any shape
of as many elements: what the caller hands over is rows of the output. The scratch is the
`ek_cursor` that says how far an inference has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Cost, Op, Params, Shape, c_field

CURSOR_BYTES = 8


@dataclass(frozen=True)
class FeedParams(Params):
    """`rows` is the height of the output."""

    rows: int
    row_bytes: int = c_field("int32_t", "bytes of a row")


class Feed(Op):
    name = "feed"
    kernel = "feed"
    signature = "rows"
    Params = FeedParams
    coupling = "move"
    same_scale = True
    feeds = True

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.outputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        return cls.of(node.name, graph.value(node.inputs[0]), graph.value(node.outputs[0]))

    @classmethod
    def of(cls, name: str, given: Value, rows: Value) -> IntNode:
        """The node that takes the input `given` row by row into the map `rows`."""
        params = FeedParams(rows.shape[1], rows.nbytes // rows.shape[1])
        return IntNode(name, cls, params, (given.name,), (rows.name,))

    @classmethod
    def run(cls, p: FeedParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [inputs[0]]

    @classmethod
    def pieces(cls, p: FeedParams) -> int:
        return p.rows

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        return Cost(scratch=CURSOR_BYTES)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, dtype: str = "int8") -> Case:
            x, rows = (
                activation("input", shape, dtype=dtype),
                activation("rows", shape, dtype=dtype),
            )
            return single(cls, name, [x], [rows], {})

        return [
            case("image", (1, 5, 7, 3)),
            case("frames", (1, 9, 1, 13)),
            case("bytes", (1, 4, 1, 1), "uint8"),
        ]
