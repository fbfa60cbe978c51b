"""Depth to space: the channels of a cell become a block of cells.

out[y * block + i, x * block + j, c] = in[y, x, (i * block + j) * C + c]

Input and output int8 [1, H, W, C] of one quantization.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.cases import activation, single
from edgekit.families.movement import check_moved
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair, require


@dataclass(frozen=True)
class DepthToSpaceParams(Params):
    in_w: int = c_field("int32_t", "input columns")
    out_c: int = c_field("int32_t", "output channels")
    block: int = c_field("int32_t", "rows and columns of a block")

    def reads(self, row: int) -> range:
        return range(row // self.block, row // self.block + 1)


class DepthToSpace(Op):
    name = "depth_to_space"
    kernel = "depth_to_space"
    signature = "rows"
    Params = DepthToSpaceParams
    tflite = ("DEPTH_TO_SPACE",)
    same_scale = True
    coupling = "move"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        attrs = {"block": node.attrs["block_size"]}
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape, block = graph.value(node.inputs[0]).shape, node.attrs["block"]
        require(len(shape) == 4 and shape[0] == 1, "an input of shape [1, H, W, C]", node, shape)
        whole = block >= 1 and shape[3] % (block * block) == 0
        require(whole, "channels that fill whole blocks", node, (shape, block))
        return [(1, shape[1] * block, shape[2] * block, shape[3] // (block * block))]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [_cells(inputs[0], node.attrs["block"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        check_moved(node, graph, node.inputs)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        params = DepthToSpaceParams(x.shape[2], out.shape[3], node.attrs["block"])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: DepthToSpaceParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), -1, p.in_w, p.out_c * p.block * p.block)
        return [_cells(x, p.block)[:, None]]

    @classmethod
    def run_rows(
        cls, p: DepthToSpaceParams, consts: Mapping[str, Array], rows: range, given: range,
        *inputs: Array,
    ) -> list[Array]:  # fmt: skip
        (whole,) = cls.run(p, consts, *inputs)
        first = rows.start - given.start * p.block
        return [whole[:, :, first : first + len(rows)]]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, block: int) -> Case:
            out = (1, x[0] * block, x[1] * block, x[2] // (block * block))
            ins, outs = [activation("input", (1, *x))], [activation("output", out)]
            return single(cls, name, ins, outs, {"block": block})

        return [
            case("two", (3, 4, 12), 2),
            case("three", (2, 3, 9), 3),
            case("one", (2, 3, 4), 1),
            case("single", (1, 1, 16), 4),
        ]


def _cells(x: Array, block: int) -> Array:
    """[N, H, W, block * block * C] to [N, H * block, W * block, C]."""
    n, height, width, _ = x.shape
    split = x.reshape(n, height, width, block, block, -1)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, height * block, width * block, -1)
