"""Bands of a spectrum, of which each bin belongs to two neighbours (SignalFilterBank).

    out[c] = rising[c + 1] + falling[c],  c = 0 .. channels - 1
    rising[c]  = sum over j < width[c] of weights[first[c] + j] in[start[c] + j]
    falling[c] = the same with the unweights

modulo 2^64. Operands: input uint32, weights, unweights, start, first and width int16, the last three with
channels + 1 entries; output uint64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import case_random, single
from edgekit.families import signal
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Cost, Op, Params, Shape, c_field, require

_TABLES = ("weights", "unweights", "start", "first", "width")


@dataclass(frozen=True)
class SignalFilterBankParams(Params):
    channels: int = c_field("int32_t", "outputs")


class SignalFilterBank(Op):
    name = "signal_filter_bank"
    kernel = "signal_filter_bank"
    signature = "whole"
    Params = SignalFilterBankParams
    consts = (
        Const("weights", "int16_t", "of all bands"),
        Const("unweights", "int16_t", "of all bands, for the next one"),
        Const("start", "int16_t", "[channels + 1], the first bin of each"),
        Const("first", "int16_t", "[channels + 1], its first weight"),
        Const("width", "int16_t", "[channels + 1], and how many it has"),
    )
    tflite = ("CUSTOM:SignalFilterBank",)
    coupling = "mix"
    tolerance = 2.0**20  # of float64 beside 64 bits
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("uint32", *("int16",) * 5), ("uint64",))
        channels = signal.option(node, "num_channels", 1, 4096)
        require(graph.value(node.outputs[0]).elements == channels, "an output for each channel", node,
                (channels, graph.value(node.outputs[0]).shape))  # fmt: skip
        for index in range(1, 6):
            signal.constant(node, graph, index)
        return [Node(node.name, cls.name, node.inputs, node.outputs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        weights, unweights, start, first, width = _tables(node, graph)
        sizes = {len(start), len(first), len(width)}
        require(
            sizes == {out.elements + 1}, "tables with one entry more than channels", node, sizes
        )
        inside = (start + width <= x.elements).all() and min(
            map(int, (*start, *first, *width))
        ) >= 0
        inside &= bool((first + width <= min(len(weights), len(unweights))).all())
        require(bool(inside), "bins and weights that are there", node, (x.shape, len(weights)))
        return [(out.elements,)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        weights, unweights, start, first, width = _tables(node, graph)
        rising, falling = (
            np.array([x[f : f + n] @ inputs[0][s : s + n] for s, f, n in zip(start, first, width, strict=True)])
            for x in (weights, unweights)
        )  # fmt: skip
        return [rising[1:] + falling[:-1]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        tables = dict(zip(_TABLES, (t.astype(np.int16) for t in _tables(node, graph)), strict=True))
        params = SignalFilterBankParams(graph.value(node.outputs[0]).elements)
        return IntNode(node.name, cls, params, node.inputs[:1], node.outputs, tables)

    @classmethod
    def run(
        cls, p: SignalFilterBankParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), -1).astype(np.uint64)
        weights, unweights, start, first, width = (
            consts[name].astype(np.int64) for name in _TABLES
        )
        out = np.zeros((len(x), p.channels + 2), np.uint64)
        for c, (s, f, n) in enumerate(zip(start, first, width, strict=True)):
            for at, w in ((c, weights), (c + 1, unweights)):
                out[:, at] += (x[:, s : s + n] * w[f : f + n].astype(np.uint64)).sum(
                    axis=1, dtype=np.uint64
                )
        return [out[:, 1:-1]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        return Cost(2 * int(node.consts["width"].sum()))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, bins: int, widths: tuple[int, ...]) -> Case:
            rng, channels = case_random(cls, name), len(widths) - 1
            first = np.cumsum((0, *widths[:-1]))
            weights = rng.integers(0, 4097, max(1, sum(widths)))
            tables = (
                weights,
                4096 - weights,
                np.minimum(first, bins - np.array(widths)),
                first,
                widths,
            )
            operands = [Value("input", (bins,), "uint32")] + [
                Value(n, np.shape(t), "int16", None, np.asarray(t, np.int16))
                for n, t in zip(_TABLES, tables, strict=True)
            ]
            return single(cls, name, operands, [Value("output", (channels,), "uint64")])

        return [case("bands", 20, (3, 2, 4, 0, 5)), case("one", 4, (2, 2))]


def _tables(node: Node, graph: Graph) -> list[Array]:
    return [signal.constant(node, graph, i).reshape(-1).astype(np.int64) for i in range(1, 6)]
