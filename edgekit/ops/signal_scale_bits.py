"""How far int16 samples can be shifted to the left (the second output of SignalFftAutoScale).

out = 15 - the bits of the largest magnitude, at least 0; 0 of silence

TensorFlow Lite Micro loses the magnitude of -32768; here it has 16 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import single
from edgekit.families.spectral import bit_length
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field


@dataclass(frozen=True)
class SignalScaleBitsParams(Params):
    count: int = c_field("int32_t", "samples")


class SignalScaleBits(Op):
    name = "signal_scale_bits"
    kernel = "signal_scale_bits"
    signature = "whole"
    Params = SignalScaleBitsParams
    coupling = "mix"
    saturation = 1.0

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.outputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        most = np.abs(inputs[0]).max()
        bits = np.maximum(0, 14 - np.floor(np.log2(most))) if most > 0 else 0
        return [np.full(graph.value(node.outputs[0]).shape, bits)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalScaleBitsParams(graph.value(node.inputs[0]).elements)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(
        cls, p: SignalScaleBitsParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        most = np.abs(inputs[0].reshape(len(inputs[0]), -1).astype(np.int64)).max(axis=1)
        return [np.where(most > 0, np.maximum(15 - bit_length(most), 0), 0).astype(np.int32)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape) -> Case:
            return single(
                cls, name, [Value("input", shape, "int16")], [Value("output", (), "int32")]
            )

        return [case("frame", (9,)), case("one", (1,))]
