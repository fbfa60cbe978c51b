"""Window over frames of samples (SignalWindow).

out[i] = in[i] * weights[i mod size] / 2^shift towards minus infinity, clamped to int16

All int16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import case_random, single
from edgekit.families import signal
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class SignalWindowParams(Params):
    size: int = c_field("int32_t", "samples of a frame")
    shift: int = c_field("int32_t", "of the products, to the right")


class SignalWindow(Op):
    name = "signal_window"
    kernel = "signal_window"
    Params = SignalWindowParams
    consts = (Const("weights", "int16_t", "[size]"),)
    tflite = ("CUSTOM:SignalWindow",)

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("int16", "int16"), ("int16",))
        signal.constant(node, graph, 1)
        attrs = {"shift": signal.option(node, "shift", 0, 30)}
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, weights = (graph.value(name) for name in node.inputs)
        require(weights.elements > 0 and x.elements % weights.elements == 0, "whole frames", node,
                (x.shape, weights.shape))  # fmt: skip
        return [x.shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        weights = np.resize(signal.constant(node, graph, 1).reshape(-1), inputs[0].size)
        return [inputs[0] * weights.reshape(inputs[0].shape) / 2 ** node.attrs["shift"]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        weights = signal.constant(node, graph, 1).reshape(-1)
        params = SignalWindowParams(weights.size, node.attrs["shift"])
        return IntNode(node.name, cls, params, node.inputs[:1], node.outputs, {"weights": weights})

    @classmethod
    def run(cls, p: SignalWindowParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        frames = inputs[0].reshape(len(inputs[0]), -1, p.size).astype(np.int64)
        raw = (frames * consts["weights"].astype(np.int64)) >> p.shift
        return [np.clip(raw, -32768, 32767).astype(np.int16)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, size: int, shift: int) -> Case:
            most = 5 << shift >> 2  # a factor of 1.25, so that some saturate
            weights = case_random(cls, name).integers(-most, most + 1, size).astype(np.int16)
            x, out = (Value(n, shape, "int16") for n in ("input", "output"))
            w = Value("weights", (size,), "int16", None, weights)
            return single(cls, name, [x, w], [out], {"shift": shift})

        return [
            case("frame", (1, 24), 24, 12),
            case("frames", (3, 8), 8, 10),
            case("one", (1,), 1, 0),
        ]
