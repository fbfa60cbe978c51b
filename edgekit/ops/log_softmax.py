"""Logarithm of the softmax along the last axis.

    out = ((in - largest in) * scale_in - log(sum of exp((in - largest in) * scale_in))) * 16 + 127

on the fixed output scale 1/16 with zero point 127. Differences are Q5.26, the sum of exponentials is
Q12.19 from a table over the 256 differences, its logarithm Q5.26 (`fixed_functions.log_above_one`).
What lies below the range of Q5.26 is the lowest step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit import fixed, fixed_functions
from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Axes, Case, Const, Op, Params, Shape, c_field, int8_pair, require
from edgekit.ops.softmax import along_rows, exponentials

if TYPE_CHECKING:
    from edgekit.draft import Draft

_INPUT_BITS, _SUM_BITS, _OUTPUT_BITS = 5, 12, 4


@dataclass(frozen=True)
class LogSoftmaxParams(Params):
    rows: int = c_field("int32_t", "independent rows")
    depth: int = c_field("int32_t", "elements of each")
    multiplier: int = c_field("int32_t", "from a difference to Q5.26")
    shift: int = c_field("int32_t", "and its shift, positive is left")
    back: int = c_field("int32_t", "multiplier from Q5.26 to a difference")
    back_shift: int = c_field("int32_t", "and its shift, positive is left")
    radius: int = c_field("int32_t", "largest difference within Q5.26")


class LogSoftmax(Op):
    name = "log_softmax"
    kernel = "log_softmax"
    signature = "whole"
    Params = LogSoftmaxParams
    consts = (Const("exps", "int32_t", "[256], exp(-difference) in Q0.31"),)
    tflite = ("LOG_SOFTMAX",)
    onnx = ("LogSoftmax",)
    output_quant = (1 / 16, 127)
    coupling = "mix"
    inplace = (0,)
    saturation = 0.9

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        along_rows(node, draft, lambda row, out: draft.add(cls.name, node, [row], {}, out))

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x = graph.value(node.inputs[0]).shape
        require(len(x) >= 1 and 1 <= x[-1] < 2**_SUM_BITS, "rows of 1 to 4095 elements", node, x)
        return [x]

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, float], Axes] | None:
        return (node.attrs, axes) if axes.axes[-1] == axes.rank - 1 else None

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x = inputs[0] - inputs[0].max(axis=-1, keepdims=True)
        return [x - np.log(np.exp(x).sum(axis=-1, keepdims=True))]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require((out.scale, out.zero_point) == cls.output_quant,
                "an output of scale 1/16 and zero point 127", node, (out.scale, out.zero_point))  # fmt: skip
        scale = min(x.scale, 15.99) if graph.one_rounding else x.scale  # -16 is the lowest step
        require(2**-26 < scale < 16, "an input scale between 2^-26 and 16", node, scale)
        multiplier, shift = fixed.quantize_multiplier(scale * 2 ** (31 - _INPUT_BITS))
        back, back_shift = fixed.quantize_multiplier(2 ** (31 - shift) / multiplier)
        _, radius = fixed_functions.fixed_input(np.zeros(1, np.int64), scale, _INPUT_BITS)
        params = LogSoftmaxParams(
            x.elements // x.shape[-1], x.shape[-1], multiplier, shift, back, back_shift, min(radius, 255),
        )  # fmt: skip
        consts = {"exps": exponentials(scale)}
        return IntNode(node.name, cls, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(cls, p: LogSoftmaxParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.depth).astype(np.int64)
        difference = x - x.max(axis=1, keepdims=True)
        exps = consts["exps"].astype(np.int64)[-difference]
        total = fixed.rounding_shift(exps, _SUM_BITS).sum(axis=1, keepdims=True)
        log = fixed_functions.log_above_one(total, _SUM_BITS, _INPUT_BITS)
        lowest = fixed.requantize(log + fixed.INT32_MIN, p.back, p.back_shift)
        inside = difference > np.maximum(lowest, -p.radius - 1)
        value = fixed.requantize(np.maximum(difference, -p.radius), p.multiplier, p.shift) - log
        steps = fixed.rounding_shift(value, 31 - _INPUT_BITS - _OUTPUT_BITS) + 127
        return [fixed.saturate(np.where(inside, steps, -128)).reshape(inputs[0].shape)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, scale: float) -> Case:
            tensors = activation("input", shape, scale, 5), activation("output", shape, 1 / 16, 127)
            return single(cls, name, [tensors[0]], [tensors[1]])

        return [
            case("ten", (1, 10), 0.03),
            case("rows", (1, 3, 5, 7), 0.01),
            case("pair", (2, 2), 0.05),
            case("long", (1, 1000), 0.02),
            case("steep", (2, 12), 0.3),
        ]
