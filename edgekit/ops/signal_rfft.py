"""Fourier transform of real int16 samples (SignalRfft), as KISS FFT computes it in 16 bits.

out = the bins 0 .. N/2 of the samples and zeros up to the length N, divided by N: (re, im) pairs

Each pass divides by its radix before it adds, each product is rounded to 16 bits, sums wrap
(`edgekit/families/signal.py`). N is a power of two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import single
from edgekit.families import signal
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Cost, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class SignalRfftParams(Params):
    count: int = c_field("int32_t", "samples")
    length: int = c_field("int32_t", "of the transform, a power of two")


class SignalRfft(Op):
    """Canonical attribute: `length`."""

    name = "signal_rfft"
    kernel = "signal_rfft"
    signature = "whole"
    Params = SignalRfftParams
    consts = (
        Const("places", "int16_t", "[length / 2], the pair of samples at each place of the passes"),
        Const("twiddle", "int16_t", "[length / 2][2]"),
        Const("turn", "int16_t", "[length / 4][2], of the bins"),
    )
    tflite = ("CUSTOM:SignalRfft",)
    coupling = "mix"
    tolerance = 16.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("int16",), ("int16",))
        attrs = {"length": signal.option(node, "fft_length", 8, 8192)}
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, length = graph.value(node.inputs[0]), node.attrs["length"]
        require(length & (length - 1) == 0, "a length that is a power of two", node, length)
        one = x.elements == x.shape[-1] <= length if x.shape else False
        require(one, "one frame, not longer than the transform", node, (x.shape, length))
        return [(*x.shape[:-1], length + 2)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        length = node.attrs["length"]
        bins = np.fft.rfft(inputs[0].reshape(-1), length) / length
        return [np.stack([bins.real, bins.imag], axis=-1).reshape(*inputs[0].shape[:-1], -1)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        length = node.attrs["length"]
        params = SignalRfftParams(graph.value(node.inputs[0]).elements, length)
        twiddle, turn = signal.twiddles(length)
        consts = {"places": signal.places(length // 2), "twiddle": twiddle, "turn": turn}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: SignalRfftParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = np.zeros((len(inputs[0]), p.length), np.int64)
        x[:, : p.count] = inputs[0].reshape(len(x), -1)
        made = signal.real_transform(x, consts["twiddle"], consts["turn"])
        return [made.astype(np.int16)]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, SignalRfftParams)
        return Cost(p.length * (p.length.bit_length() + 1))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, length: int) -> Case:
            x = Value("input", shape, "int16")
            out = Value("output", (*shape[:-1], length + 2), "int16")
            return single(cls, name, [x], [out], {"length": length})

        return [
            case("fours", (1, 32), 32),
            case("fours_and_two", (50,), 64),
            case("least", (8,), 8),
            case("one_sample", (1, 1), 16),
        ]
