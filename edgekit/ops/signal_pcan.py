"""Automatic gain of bands by their noise (SignalPCAN).

    snr    = (in[c] * gain(noise[c]) / 2^shift) mod 2^32, in Q.12
    out[c] = snr^2 / 2^20 for snr < 2^13, else snr / 2^6 - 2^6

towards zero, in Q.6. gain is a table of quadratic pieces between powers of two. Of x <= 2 it is table[x]; else with
b the bits of x, t = table + 4 b - 6 and f the ten bits behind the highest one of x:

    gain = int16(t[0] + ((t[2] f / 2^5 + 2^5 t[1]) f + 2^14) / 2^15), as uint32

All sums modulo 2^32, shifts towards minus infinity. Input and noise uint32, table int16, output uint32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import single
from edgekit.families import signal
from edgekit.families.spectral import bit_length
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, require

_LEAST = 4 * 32 - 6 + 3  # entries of the table that noise of 32 bits asks for
_WORD = 2**32 - 1


@dataclass(frozen=True)
class SignalPcanParams(Params):
    count: int = c_field("int32_t", "bands")
    shift: int = c_field("int32_t", "of the products, to the right")


class SignalPcan(Op):
    """Canonical attribute: `shift`."""

    name = "signal_pcan"
    kernel = "signal_pcan"
    signature = "whole"
    Params = SignalPcanParams
    consts = (Const("table", "int16_t", "pieces of the gain"),)
    inputs = ("input", "noise")
    tflite = ("CUSTOM:SignalPCAN",)
    tolerance = 2.0**32  # products of random numbers leave 32 bits
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("uint32", "uint32", "int16"), ("uint32",))
        table = signal.constant(node, graph, 2)
        require(table.size >= _LEAST, f"a table of {_LEAST} entries or more", node, table.size)
        attrs = {"shift": signal.option(node, "snr_shift", 0, 63)}
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shapes = [graph.value(name).shape for name in node.inputs[:2]]
        require(shapes[0] == shapes[1], "noise of each band", node, shapes)
        return shapes[:1]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        table = signal.constant(node, graph, 2).reshape(-1)
        snr = (
            inputs[0] * _gain(inputs[1].astype(np.int64), table) / 2.0 ** (node.attrs["shift"] + 12)
        )
        return [64 * np.where(snr < 2, snr**2 / 4, snr - 1)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalPcanParams(graph.value(node.inputs[0]).elements, node.attrs["shift"])
        consts = {"table": signal.constant(node, graph, 2).reshape(-1)}
        return IntNode(node.name, cls, params, node.inputs[:2], node.outputs, consts)

    @classmethod
    def run(cls, p: SignalPcanParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x, noise = (i.reshape(len(i), -1) for i in inputs)
        gain = (_gain(noise.astype(np.int64), consts["table"]) & _WORD).astype(np.uint64)
        snr = (x.astype(np.uint64) * gain >> np.uint64(p.shift)) & np.uint64(_WORD)
        small = snr < 1 << 13
        square = (snr * snr & np.uint64(_WORD)) >> np.uint64(20)
        return [np.where(small, square, (snr >> np.uint64(6)) - np.uint64(64)).astype(np.uint32)]

    @classmethod
    def cases(cls) -> list[Case]:
        table = np.zeros(_LEAST, np.int16)
        table[:3] = 32636, 32636, 32633
        at = np.arange(6, _LEAST - 3, 4)
        table[at], table[at + 1], table[at + 2] = 32600 - 250 * at, -90 - at, 30 + at

        def case(name: str, count: int, shift: int) -> Case:
            x, noise, out = (Value(n, (count,), "uint32") for n in ("input", "noise", "output"))
            gain = Value("table", table.shape, "int16", None, table)
            return single(cls, name, [x, noise, gain], [out], {"shift": shift})

        return [case("bands", 11, 12), case("one", 1, 30)]


def _gain(x: Array, table: Array) -> Array:
    """int16 numbers of the table's pieces."""
    bits = np.maximum(bit_length(x), 2)
    part = np.where(bits < 11, x << np.maximum(11 - bits, 0), x >> np.maximum(bits - 11, 0)) & 0x3FF
    first, slope, bend = (table[4 * bits - 6 + i].astype(np.int64) for i in range(3))
    raised = (bend * part >> 5) + (slope << 5)
    found = signal.wrapped((((raised * part) + (1 << 14)) >> 15) + first)
    return np.where(x <= 2, table[np.minimum(x, 2)], found)
