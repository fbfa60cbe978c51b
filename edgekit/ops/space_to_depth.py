"""Space to depth: each block of cells becomes one cell with the channels of all of them.

out[y, x, (i * block + j) * C + c] = in[y * block + i, x * block + j, c]

Input and output int8 [1, H, W, C] of one quantization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.families.movement import check_moved
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair, require


@dataclass(frozen=True)
class SpaceToDepthParams(Params):
    in_h: int = c_field("int32_t", "input rows")
    in_w: int = c_field("int32_t", "input columns")
    in_c: int = c_field("int32_t", "input channels")
    block: int = c_field("int32_t", "rows and columns of a block")

    def reads(self, row: int) -> range:
        return range(row * self.block, (row + 1) * self.block)

    def strip(self, rows: range, inputs: range) -> SpaceToDepthParams:
        return replace(self, in_h=len(inputs))


class SpaceToDepth(Op):
    name = "space_to_depth"
    kernel = "space_to_depth"
    signature = "rows"
    Params = SpaceToDepthParams
    tflite = ("SPACE_TO_DEPTH",)
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
        whole = block >= 1 and shape[1] % block == 0 and shape[2] % block == 0
        require(whole, "rows and columns that fill whole blocks", node, (shape, block))
        return [(1, shape[1] // block, shape[2] // block, shape[3] * block * block)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [_blocks(inputs[0], node.attrs["block"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        check_moved(node, graph, node.inputs)
        _, height, width, channels = graph.value(node.inputs[0]).shape
        params = SpaceToDepthParams(height, width, channels, node.attrs["block"])
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: SpaceToDepthParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.in_h, p.in_w, p.in_c)
        return [_blocks(x, p.block)[:, None]]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        return [inputs[0].regroup(channels(values[node.outputs[0]]))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p = node.params
        assert isinstance(p, SpaceToDepthParams)
        return replace(node, params=replace(p, in_c=int((~spare.inputs[0]).sum())))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, block: int) -> Case:
            out = (1, x[0] // block, x[1] // block, x[2] * block * block)
            ins, outs = [activation("input", (1, *x))], [activation("output", out)]
            return single(cls, name, ins, outs, {"block": block})

        return [
            case("two", (6, 4, 3), 2),
            case("three", (3, 9, 5), 3),
            case("one", (2, 3, 4), 1),
            case("all_of_it", (4, 4, 1), 4),
        ]


def _blocks(x: Array, block: int) -> Array:
    """[N, H, W, C] to [N, H / block, W / block, block * block * C]."""
    n, height, width, channels = x.shape
    split = x.reshape(n, height // block, block, width // block, block, channels)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, height // block, width // block, -1)
