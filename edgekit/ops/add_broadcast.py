"""Elementwise addition where an operand is smaller than the output and repeats.

out[i] = the formula of `add` on a[i] and b[i], an axis of size 1 read again for every index
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from edgekit.channels import Bounds, Spare
from edgekit.families import elementwise
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Shape, c_field
from edgekit.ops.add import Add, AddParams, add, sum_case


@dataclass(frozen=True)
class AddBroadcastParams(AddParams):
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the output", 4)
    stride1: tuple[int, ...] = c_field("int32_t", "steps of the first input, 0 repeats", 4)
    stride2: tuple[int, ...] = c_field("int32_t", "steps of the second input, 0 repeats", 4)


class AddBroadcast(Add):
    name = "add_broadcast"
    wide: ClassVar[str] = "add_s16"
    kernel = "add_broadcast"
    variants = ()
    signature = "whole"
    as_rows = "add_broadcast_rows"
    Params = AddBroadcastParams
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        walk = elementwise.broadcast(node, graph)
        params = AddBroadcastParams(**asdict(cls.params(node, graph)), **asdict(walk))
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: AddParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        assert isinstance(p, AddBroadcastParams)
        a = elementwise.operand(inputs[0], p.shape, p.stride1)
        b = elementwise.operand(inputs[1], p.shape, p.stride2)
        return [add(p, a, b)]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.none()

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, a: Shape, b: Shape, out: Shape) -> Case:
            return sum_case(cls, name, (a, b, out), (0.05, 0.03, 0.07), (3, -90))

        return [
            case("scalar", (1, 4, 5, 3), (1,), (1, 4, 5, 3)),
            case("scalar_first", (), (1, 4, 5, 3), (1, 4, 5, 3)),
            case("channels", (1, 4, 5, 3), (3,), (1, 4, 5, 3)),
            case("pixels", (1, 4, 5, 1), (1, 4, 5, 6), (1, 4, 5, 6)),
            case("rows_and_channels", (1, 4, 1, 3), (1, 1, 5, 3), (1, 4, 5, 3)),
            case("outer_product", (1, 7, 1), (9,), (1, 7, 9)),
        ]
