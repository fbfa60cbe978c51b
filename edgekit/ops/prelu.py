"""Rectifier with a slope per element, usually per channel.

    out = requantize(d, m1) + zero_out                       for d = in - zero_in >= 0
    out = requantize(d * (alpha - zero_alpha), m2) + zero_out  below

m1 = scale_in / scale_out, m2 = scale_in * scale_alpha / scale_out; alpha is broadcast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, case_random, single
from edgekit.families import elementwise
from edgekit.graph import Graph, IntNode, Node, Quant, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class PreluParams(Params):
    input_zero: int = c_field("int32_t", "zero point of the input")
    alpha_zero: int = c_field("int32_t", "zero point of the slopes")
    multiplier1: int = c_field("int32_t", "rescaling of inputs from zero up")
    shift1: int = c_field("int32_t", "and its shift, positive is left")
    multiplier2: int = c_field("int32_t", "rescaling of input times slope")
    shift2: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the output", 4)
    stride1: tuple[int, ...] = c_field("int32_t", "steps of the input, 0 repeats", 4)
    stride2: tuple[int, ...] = c_field("int32_t", "steps of the slopes, 0 repeats", 4)


class Prelu(Op):
    name = "prelu"
    wide = "prelu_s16"
    kernel = "prelu"
    signature = "whole"
    as_rows = "prelu_rows"
    Params = PreluParams
    inputs = ("input", "alpha")
    tflite: ClassVar[tuple[str, ...]] = ("PRELU",)
    onnx: ClassVar[tuple[str, ...]] = ("PRelu",)
    elementwise = True
    inplace = (0,)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require(x.elements == out.elements, "slopes that repeat over the input", node,
                graph.value(node.inputs[1]).shape)  # fmt: skip
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        draft.add(cls.name, node, node.inputs, {}, node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return elementwise.broadcast_shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, alpha = elementwise.real_operands(node, graph, inputs)
        return [np.where(x >= 0, x, x * alpha)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph, (0, 1))
        x, alpha, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        multiplier1, shift1 = fixed.quantize_multiplier(x.scale / out.scale)
        multiplier2, shift2 = fixed.quantize_multiplier(x.scale * alpha.scale / out.scale)
        elementwise.prove_shift(255, shift1, f"node {node.name}")
        elementwise.prove_shift(255 * 255, shift2, f"node {node.name}")
        params = PreluParams(
            input_zero=x.zero_point, alpha_zero=alpha.zero_point,
            multiplier1=multiplier1, shift1=shift1, multiplier2=multiplier2, shift2=shift2,
            output_zero=out.zero_point, **asdict(elementwise.broadcast(node, graph)),
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: PreluParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = elementwise.operand(inputs[0], p.shape, p.stride1) - p.input_zero
        alpha = elementwise.operand(inputs[1], p.shape, p.stride2) - p.alpha_zero
        above = fixed.requantize(x, p.multiplier1, p.shift1)
        below = fixed.requantize(x * alpha, p.multiplier2, p.shift2)
        return [fixed.saturate(np.where(x >= 0, above, below) + p.output_zero)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, alpha: Shape, zeros: tuple[int, int, int]) -> Case:
            data = case_random(cls, name).integers(-128, 128, alpha).astype(np.int8)
            slope = Quant((float(np.float32(0.004)),), (zeros[1],))
            operands = [activation("input", x, 0.05, zeros[0]), Value("alpha", alpha, "int8", slope, data)]  # fmt: skip
            return single(cls, name, operands, [activation("output", x, 0.045, zeros[2])])

        return [
            case("channels", (1, 4, 5, 3), (1, 1, 3), (3, 0, -20)),
            case("one_slope", (1, 4, 5, 3), (1, 1, 1), (-128, -128, -128)),
            case("every_element", (1, 4, 5, 3), (4, 5, 3), (0, 5, -60)),
            case("vector", (1, 9), (9,), (60, -7, 0)),
        ]
