"""Square roots of bands (SignalFilterBankSquareRoot).

out[c] = root(in[c]) / 2^bits towards zero

root is to the nearest whole number, at most 65535 of numbers below 2^32. Input uint64, bits int32, output
uint32.
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
class SignalSquareRootParams(Params):
    count: int = c_field("int32_t", "bands")


class SignalSquareRoot(Op):
    name = "signal_square_root"
    kernel = "signal_square_root"
    signature = "whole"
    Params = SignalSquareRootParams
    inputs = ("input", "bits")
    tflite = ("CUSTOM:SignalFilterBankSquareRoot",)
    tolerance = 2.0**32  # random bits shift everything out
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("uint64", "int32"), ("uint32",))
        bits = graph.value(node.inputs[1])
        require(bits.elements == 1, "one number of bits", node, bits.shape)
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [np.sqrt(inputs[0]) / 2.0 ** np.clip(inputs[1], 0, 31)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalSquareRootParams(graph.value(node.inputs[0]).elements)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(
        cls, p: SignalSquareRootParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        count = len(inputs[0])
        bits = inputs[1].reshape(count, 1).astype(np.int64) & 31
        return [(signal.root64(inputs[0].reshape(count, -1)) >> bits).astype(np.uint32)]

    @classmethod
    def cases(cls) -> list[Case]:
        x, out = Value("input", (9,), "uint64"), Value("output", (9,), "uint32")
        return [single(cls, "bands", [x, Value("bits", (), "int32")], [out])]
