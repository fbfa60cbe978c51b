"""Planes to pixels: a channel-first map becomes a channel-last one, row by row.

    out[y, x, c] = in[c, y, x]

What a `transpose` of [1, C, H, W] to [1, H, W, C] becomes: row y of the output is made from row y of
every plane, so that a stream can take its input plane by plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit import instructions
from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Packed, Params, Shape, Variant, c_field, int8_pair


@dataclass(frozen=True)
class InterleaveParams(Params):
    planes: int = c_field("int32_t", "planes of the input, channels of the output")
    height: int = c_field("int32_t", "rows of a plane")
    width: int = c_field("int32_t", "elements of a row")

    def reads(self, row: int) -> range:
        return range(row, self.planes * self.height, self.height)


def neon_fits(p: InterleaveParams, consts: Mapping[str, Array]) -> bool:
    """Three planes of 16 columns or more."""
    return p.planes == 3 and p.width >= 16


class Interleave(Op):
    name = "interleave"
    kernel = "interleave"
    signature = "rows"
    Params = InterleaveParams
    variants = (
        Variant("neon", ("neon",), neon_fits, Packed, InterleaveParams,
                instructions=instructions.interleave_neon),
    )  # fmt: skip
    same_scale = True
    coupling = "move"

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        n, planes, height, width = graph.value(node.inputs[0]).shape
        return [(n, height, width, planes)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0].transpose(0, 2, 3, 1)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        params = InterleaveParams(*graph.value(node.inputs[0]).shape[1:])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def pieces(cls, p: InterleaveParams) -> int:
        return p.planes * p.height

    @classmethod
    def run(cls, p: InterleaveParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.planes, -1, p.width)
        return [x.transpose(0, 2, 3, 1)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape) -> Case:
            y = (1, *x[2:], x[1])
            return single(cls, name, [activation("input", x)], [activation("output", y)])

        return [
            case("image", (1, 3, 5, 4)),
            case("one_plane", (1, 1, 3, 2)),
            case("one_row", (1, 4, 1, 3)),
            case("one_column", (1, 2, 7, 1)),
            *(case(f"colours_{w}", (1, 3, 2, w)) for w in (15, 16, 17, 33)),
        ]
