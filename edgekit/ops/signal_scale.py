"""Samples shifted to the left so that they fill int16 (SignalFftAutoScale).

out[i] = in[i] * 2^bits, its 16 low bits

bits is what `signal_scale_bits` makes of the same samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import single
from edgekit.families import signal
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class SignalScaleParams(Params):
    count: int = c_field("int32_t", "samples")


class SignalScale(Op):
    name = "signal_scale"
    kernel = "signal_scale"
    signature = "whole"
    Params = SignalScaleParams
    inputs = ("input", "bits")
    tflite = ("CUSTOM:SignalFftAutoScale",)
    tolerance = 2.0**32  # random bits shift everything out
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("int16",), ("int16", "int32"))
        (x,), (scaled, bits) = node.inputs, node.outputs
        require(
            graph.value(bits).elements == 1, "one number of bits", node, graph.value(bits).shape
        )
        return [
            Node(f"{node.name}_bits", "signal_scale_bits", (x,), (bits,)),
            Node(node.name, cls.name, (x, bits), (scaled,)),
        ]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0] * 2.0 ** np.clip(inputs[1], 0, 15)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalScaleParams(graph.value(node.inputs[0]).elements)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: SignalScaleParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        count = len(inputs[0])
        bits = inputs[1].reshape(count, 1).astype(np.int64) & 15
        moved = inputs[0].reshape(count, -1).astype(np.int64) << bits
        return [signal.wrapped(moved).astype(np.int16)]

    @classmethod
    def cases(cls) -> list[Case]:
        x, out = (Value(n, (11,), "int16") for n in ("input", "output"))
        return [single(cls, "frame", [x, Value("bits", (), "int32")], [out])]
