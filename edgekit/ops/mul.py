"""Elementwise product of two tensors of one shape.

out = requantize((a - zero_a) * (b - zero_b), scale_a * scale_b / scale_out) + zero_out
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.families import elementwise
from edgekit.families.window import activation_range, real_activation
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class MulParams(Params):
    zero1: int = c_field("int32_t", "zero point of the first input")
    zero2: int = c_field("int32_t", "zero point of the second input")
    multiplier: int = c_field("int32_t", "rescaling of the product")
    shift: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class Mul(Op):
    name = "mul"
    wide: ClassVar[str] = "mul_s16"
    kernel = "mul"
    signature = "flat"
    Params = MulParams
    inputs = ("input1", "input2")
    tflite: ClassVar[tuple[str, ...]] = ("MUL",)
    onnx: ClassVar[tuple[str, ...]] = ("Mul", "Div")
    inplace = (0, 1)
    elementwise = True

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        return elementwise.import_binary(node, graph, cls.name)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        elementwise.import_onnx(node, draft, cls.name)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return elementwise.broadcast_shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a, b = elementwise.real_operands(node, graph, inputs)
        return [real_activation(node, a * b)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        return IntNode(node.name, cls, cls.params(node, graph), node.inputs, node.outputs)

    @classmethod
    def params(cls, node: Node, graph: Graph) -> MulParams:
        """The kernel's numbers. Raises EK302 where the output's scale is too small for int32."""
        int8_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        multiplier, shift = fixed.quantize_multiplier(a.scale * b.scale / out.scale)
        elementwise.prove_shift(255 * 255, shift, f"node {node.name}")
        low, high = activation_range(node, out)
        return MulParams(
            zero1=a.zero_point, zero2=b.zero_point, multiplier=multiplier, shift=shift,
            output_zero=out.zero_point, out_min=low, out_max=high,
        )  # fmt: skip

    @classmethod
    def run(cls, p: MulParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a, b = (x.reshape(len(x), -1).astype(np.int64) for x in inputs)
        return [multiply(p, a, b)]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p, (a, b) = node.params, inputs
        assert isinstance(p, MulParams)
        # The extremes of a product are among those of the factors' extremes.
        corners = [
            multiply(p, x, y).astype(np.int64) for x in (a.low, a.high) for y in (b.low, b.high)
        ]
        ends = np.min(corners, axis=0), np.max(corners, axis=0)
        return [Bounds(*(np.broadcast_to(end, channels(values[node.outputs[0]])) for end in ends))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, out: float, zeros: tuple[int, int, int],
                 act: str = "NONE") -> Case:  # fmt: skip
            operands = [activation("a", shape, 0.05, zeros[0]), activation("b", shape, 0.03, zeros[1])]  # fmt: skip
            result = activation("output", shape, out, zeros[2])
            return single(cls, name, operands, [result], {"activation": act})

        return [
            case("usual", (1, 4, 5, 3), 0.12, (3, -4, 5)),
            case("edge_zeros", (1, 3, 3, 5), 0.4, (-128, 127, -1)),
            case("relu6", (1, 13), 0.05, (0, 0, -128), act="RELU6"),
            case("single", (1,), 0.2, (127, -128, 127)),
        ]


def multiply(p: MulParams, a: fixed.Int, b: fixed.Int) -> Array:
    """The integer formula on any two arrays that numpy can broadcast."""
    product = (a - p.zero1) * (b - p.zero2)
    scaled = fixed.requantize(product, p.multiplier, p.shift) + p.output_zero
    return fixed.saturate(scaled, p.out_min, p.out_max)
