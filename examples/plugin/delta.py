"""Difference of neighbouring time steps, as speech front ends append it to their features.

    out[t] = requantize(in[t] - in[t - 1], m) + zero_out       in[-1] = in[0]

m = scale_in / scale_out. Time is the axis before the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.draft import Draft
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Params, Shape, c_field, int8_pair, require


@dataclass(frozen=True)
class DeltaParams(Params):
    steps: int = c_field("int32_t", "time steps")
    features: int = c_field("int32_t", "elements of one")
    multiplier: int = c_field("int32_t", "rescaling of a difference")
    shift: int = c_field("int32_t", "and its shift, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


class Delta(Op):
    name = "delta"
    kernel = "delta"
    signature = "whole"
    Params = DeltaParams
    tflite = ("CUSTOM:Delta",)
    onnx = ("audio::Delta",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        require(len(graph.value(node.inputs[0]).shape) >= 2, "an axis of time steps", node,
                graph.value(node.inputs[0]).shape)  # fmt: skip
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        draft.add(cls.name, node, node.inputs, {}, node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [_differences(inputs[0])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        multiplier, shift = fixed.quantize_multiplier(x.scale / out.scale)
        *_, steps, features = x.shape
        require(x.elements == steps * features, "one sequence", node, x.shape)
        params = DeltaParams(steps, features, multiplier, shift, out.zero_point)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: DeltaParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        d = _differences(inputs[0].reshape(-1, p.steps, p.features).astype(np.int64))
        return [fixed.saturate(fixed.requantize(d, p.multiplier, p.shift) + p.output_zero)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, scales: tuple[float, float]) -> Case:
            tensors = (
                activation("input", shape, scales[0], 9),
                activation("output", shape, scales[1], -3),
            )
            return single(cls, name, [tensors[0]], [tensors[1]])

        return [
            case("speech", (1, 49, 10), (0.05, 0.1)),
            case("one_step", (1, 1, 4), (0.05, 0.1)),
            case("finer", (1, 5, 3), (0.02, 0.05)),
        ]


def _differences(x: Array) -> Array:
    before = np.concatenate([x[..., :1, :], x[..., :-1, :]], axis=-2)
    return x - before
