"""Energies of spectral bins (SignalEnergy).

out[k] = re[k]^2 + im[k]^2    begin <= k < end, else 0

Input int16 pairs, output uint32. TensorFlow Lite Micro leaves the bins outside as they were.
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
class SignalEnergyParams(Params):
    bins: int = c_field("int32_t", "of the output")
    begin: int = c_field("int32_t", "first bin that is computed")
    end: int = c_field("int32_t", "first bin behind it that is not")


class SignalEnergy(Op):
    """Canonical attributes: `begin` and `end`."""

    name = "signal_energy"
    kernel = "signal_energy"
    signature = "whole"
    Params = SignalEnergyParams
    tflite = ("CUSTOM:SignalEnergy",)
    coupling = "mix"
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("int16",), ("uint32",))
        bins = graph.value(node.outputs[0]).elements
        begin = signal.option(node, "start_index", 0, bins)
        attrs = {"begin": begin, "end": signal.option(node, "end_index", begin, bins)}
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, out = (graph.value(name) for name in (node.inputs[0], node.outputs[0]))
        require(2 * node.attrs["end"] <= x.elements, "pairs up to the last bin", node, x.shape)
        return [out.shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        begin, end = node.attrs["begin"], node.attrs["end"]
        out = np.zeros(graph.value(node.outputs[0]).shape)
        part = inputs[0].reshape(-1, 2)[begin:end]
        out.reshape(-1)[begin:end] = (part**2).sum(axis=1)
        return [out]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalEnergyParams(
            graph.value(node.outputs[0]).elements, node.attrs["begin"], node.attrs["end"]
        )
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: SignalEnergyParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        pairs = inputs[0].reshape(len(inputs[0]), -1, 2).astype(np.int64)
        out = np.zeros((len(pairs), p.bins), np.uint32)
        out[:, p.begin : p.end] = (pairs[:, p.begin : p.end] ** 2).sum(axis=2)
        return [out]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, bins: int, begin: int, end: int) -> Case:
            x, out = Value("input", (2 * bins,), "int16"), Value("output", (bins,), "uint32")
            return single(cls, name, [x], [out], {"begin": begin, "end": end})

        return [case("part", 9, 2, 7), case("whole", 5, 0, 5), case("nothing", 3, 1, 1)]
