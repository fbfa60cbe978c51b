"""Vectors of length 1 along the last axis (L2_NORMALIZATION).

    out = requantize(in - zero_in, 2^7 / sqrt(sum of (in - zero_in)^2))

on the fixed output scale 1/128 with zero point 0. The inverse root is that of
`fixed_functions.inverse_sqrt`, computed for each vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed, fixed_functions
from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair, require

_BITS = 7


@dataclass(frozen=True)
class L2NormParams(Params):
    rows: int = c_field("int32_t", "vectors")
    depth: int = c_field("int32_t", "elements of each")
    input_zero: int = c_field("int32_t", "zero point of the input")


class L2Norm(Op):
    name = "l2_norm"
    kernel = "l2_norm"
    signature = "whole"
    Params = L2NormParams
    tflite = ("L2_NORMALIZATION",)
    output_quant = (1 / 128, 0)
    coupling = "mix"
    inplace = (0,)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        activation = node.attrs["fused_activation_function"]
        require(activation == "NONE", "no fused activation", node, activation)
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x = graph.value(node.inputs[0]).shape
        require(len(x) >= 1 and 1 <= x[-1] <= 2**15, "vectors of 1 to 2^15 elements", node, x)
        return [x]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        length = np.sqrt((inputs[0] ** 2).sum(axis=-1, keepdims=True))
        return [inputs[0] / np.maximum(length, 1e-30)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require((out.scale, out.zero_point) == cls.output_quant,
                "an output of scale 1/128 and zero point 0", node, (out.scale, out.zero_point))  # fmt: skip
        params = L2NormParams(x.elements // x.shape[-1], x.shape[-1], x.zero_point)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: L2NormParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.depth).astype(np.int64) - p.input_zero
        multiplier, right = fixed_functions.inverse_sqrt((x * x).sum(axis=1, keepdims=True))
        return [
            fixed.saturate(fixed.requantize(x, multiplier, _BITS - right)).reshape(inputs[0].shape)
        ]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, zero: int) -> Case:
            tensors = activation("input", x, 0.05, zero), activation("output", x, 1 / 128, 0)
            return single(cls, name, [tensors[0]], [tensors[1]])

        return [
            case("vector", (1, 16), 3),
            case("pixels", (1, 3, 4, 5), -128),
            case("long", (1, 600), 127),
            case("three", (2, 3), 0),
        ]
