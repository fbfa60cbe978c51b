"""What is above the noise that bands have had so far (SignalFilterBankSpectralSubtraction).

    loud  = in[c] * 2^smoothing_bits mod 2^32
    noise = (loud * smooth[c] + noise * rest[c]) / 2^bits mod 2^32
    out[c] = max((in[c] * remaining) / 2^bits, (loud - min(noise, loud)) / 2^smoothing_bits) mod 2^32

smooth and rest have one value for even and one for odd c. noise is a variable [C], kept between inferences, 0 at
first; where `clamping` is set, it is at most loud. All uint32, products of 64 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgekit.cases import single
from edgekit.families import signal
from edgekit.graph import Graph, IntNode, Node, State, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

_OPTIONS = ("smoothing", "one_minus_smoothing", "alternate_smoothing", "alternate_one_minus_smoothing",
            "min_signal_remaining")  # fmt: skip
_WORD = 2**32 - 1


@dataclass(frozen=True)
class SignalNoiseParams(Params):
    count: int = c_field("int32_t", "bands")
    smoothing: int = c_field("int32_t", "of even bands")
    one_minus_smoothing: int = c_field("int32_t", "of even bands")
    alternate_smoothing: int = c_field("int32_t", "of odd bands")
    alternate_one_minus_smoothing: int = c_field("int32_t", "of odd bands")
    min_signal_remaining: int = c_field("int32_t", "of the input, at least")
    clamping: int = c_field("int32_t", "1 where the noise is at most the signal")
    smoothing_bits: int = c_field("int32_t", "fraction bits that the noise has more")
    spectral_subtraction_bits: int = c_field("int32_t", "fraction bits of the factors")


class SignalNoise(Op):
    """Canonical attributes are the parameters."""

    name = "signal_noise"
    kernel = "signal_noise"
    signature = "whole"
    Params = SignalNoiseParams
    inputs = ("input", "noise")
    states = ("noise",)
    tflite = ("CUSTOM:SignalFilterBankSpectralSubtraction",)
    tolerance = 2.0**33  # products of random numbers leave 32 bits
    saturation = 1.0

    @classmethod
    def hidden(cls, node: Node, graph: Graph) -> list[tuple[Shape, str]]:
        signal.check_types(node, graph, ("uint32",), ("uint32", "uint32"))
        return [(graph.value(node.outputs[1]).shape, "uint32")]

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("uint32", "uint32"), ("uint32", "uint32"))
        count = signal.option(node, "num_channels", 1, 4096)
        sizes = [graph.value(name).elements for name in (*node.inputs, *node.outputs)]
        require(set(sizes) == {count}, "as many bands as channels", node, (count, sizes))
        attrs = {name: signal.option(node, name, 0, 2**31 - 1) for name in _OPTIONS}
        attrs["clamping"] = signal.option(node, "clamping", 0, 1)
        attrs |= {
            name: signal.option(node, name, 0, 31)
            for name in ("smoothing_bits", "spectral_subtraction_bits")
        }
        x, state = node.inputs
        out, noise = node.outputs
        return [
            Node(node.name, cls.name, (x, state), (out, state), attrs),
            Node(f"{node.name}_noise", "read_variable", (state,), (noise,)),
        ]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(name).shape for name in node.inputs]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a, (x, noise) = node.attrs, inputs
        odd, unit = np.arange(x.size).reshape(x.shape) % 2, 2.0 ** a["spectral_subtraction_bits"]
        smooth = np.where(odd, a["alternate_smoothing"], a["smoothing"]) / unit
        rest = np.where(odd, a["alternate_one_minus_smoothing"], a["one_minus_smoothing"]) / unit
        scale = 2.0 ** a["smoothing_bits"]
        noise = x * scale * smooth + noise * rest
        return [
            np.maximum(x * a["min_signal_remaining"] / unit, x - np.minimum(noise / scale, x)),
            noise,
        ]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalNoiseParams(graph.value(node.inputs[0]).elements, **node.attrs)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: SignalNoiseParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x, before = (i.reshape(len(i), -1).astype(np.uint64) for i in inputs)
        odd, word = np.arange(p.count) % 2 == 1, np.uint64(_WORD)
        bits, more = np.uint64(p.spectral_subtraction_bits), np.uint64(p.smoothing_bits)
        smooth = np.where(odd, p.alternate_smoothing, p.smoothing).astype(np.uint64)
        rest = np.where(odd, p.alternate_one_minus_smoothing, p.one_minus_smoothing).astype(
            np.uint64
        )
        loud = (x << more) & word
        noise = ((loud * smooth + before * rest) >> bits) & word
        most = np.minimum(noise, loud)
        floor = ((x * np.uint64(p.min_signal_remaining)) >> bits) & word
        out = np.maximum(floor, (loud - most) >> more)
        return [out.astype(np.uint32), (most if p.clamping else noise).astype(np.uint32)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, clamping: int) -> Case:
            x, state, out = (Value(n, (7,), "uint32") for n in ("input", "noise", "output"))
            attrs = {"smoothing": 409, "one_minus_smoothing": 15975, "alternate_smoothing": 983,
                     "alternate_one_minus_smoothing": 15401, "min_signal_remaining": 819, "clamping": clamping,
                     "smoothing_bits": 10, "spectral_subtraction_bits": 14}  # fmt: skip
            made = single(cls, name, [x, state], [out, state], attrs)
            states = (State("noise", np.zeros(7, np.uint32)),)
            return Case(name, replace(made.graph, states=states, outputs=("output",)))

        return [case("free", 0), case("clamped", 1)]
