"""Logarithms of bands (SignalFilterBankLog).

    x      = in[c] * 2^correction mod 2^32
    log    = (m - 1) 2^16 + f + T[i] + ((T[i + 1] - T[i]) (f mod 512) / 2^16)
    out[c] = min((scale * ((45426 log + 2^15) / 2^16) + 2^15 mod 2^32) / 2^16, 32767), 0 for x <= 1

m the bits of x, f what is behind its highest bit in Q16, i = f / 512; quotients towards minus infinity.
Input uint32, output int16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import single
from edgekit.families import signal
from edgekit.families.spectral import bit_length
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field

_LN2 = 45426  # ln 2 in Q16
_WORD = 2**32 - 1


@dataclass(frozen=True)
class SignalLogParams(Params):
    count: int = c_field("int32_t", "bands")
    scale: int = c_field("int32_t", "of the logarithm")
    correction: int = c_field("int32_t", "of the input, to the left")


class SignalLog(Op):
    """Canonical attributes: `scale` and `correction`."""

    name = "signal_log"
    kernel = "signal_log"
    signature = "whole"
    Params = SignalLogParams
    consts = (Const("table", "int16_t", "[130], what log2(1 + i / 128) is above i / 128, Q16"),)
    tflite = ("CUSTOM:SignalFilterBankLog",)
    tolerance = 4.0
    saturation = 1.0

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        signal.check_types(node, graph, ("uint32",), ("int16",))
        attrs = {"scale": signal.option(node, "output_scale", 0, 2**31 - 1),
                 "correction": signal.option(node, "input_correction_bits", 0, 31)}  # fmt: skip
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x = np.fmod(inputs[0] * 2.0 ** node.attrs["correction"], 2.0**32)
        return [np.where(x > 1, node.attrs["scale"] * np.log(np.maximum(x, 1)), 0)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = SignalLogParams(
            graph.value(node.inputs[0]).elements, node.attrs["scale"], node.attrs["correction"]
        )
        return IntNode(
            node.name, cls, params, node.inputs, node.outputs, {"table": signal.log_table()}
        )

    @classmethod
    def run(cls, p: SignalLogParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = (inputs[0].astype(np.int64) << p.correction) & _WORD
        last, table = bit_length(x) - 1, consts["table"].astype(np.int64)
        rest = x - (1 << np.maximum(last, 0))
        rest = np.where(
            last < 16, rest << np.maximum(16 - last, 0), rest >> np.maximum(last - 16, 0)
        )
        rest = np.where(x > 1, rest, 0)
        at = rest >> 9
        log = (last << 16) + rest + table[at] + ((table[at + 1] - table[at]) * (rest & 511) >> 16)
        log = (_LN2 * np.maximum(log, 0) + (1 << 15)) >> 16
        scaled = ((p.scale * log + (1 << 15)) & _WORD) >> 16
        return [np.where(x > 1, np.minimum(scaled, 32767), 0).astype(np.int16)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, count: int, scale: int, correction: int) -> Case:
            x, out = Value("input", (count,), "uint32"), Value("output", (count,), "int16")
            return single(cls, name, [x], [out], {"scale": scale, "correction": correction})

        return [case("bands", 40, 1600, 3), case("plain", 5, 64, 0)]
