"""Numbers of a sensor, less a mean and over a deviation, for each channel.

    out[t, c] = clamp(requantize(256 in[t, c] - mean[c], m[c], s[c]) + zero_out)

mean[c] is in 1/256 of a step of the input, (m, s) = split(scale_in / (256 deviation scale_out)). Input int16
[1, T, 1, C], output int8 with C numbers in each of T rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, require

_MOST = 2**23  # of a mean, in 1/256 of a step


@dataclass(frozen=True)
class StandardiseParams(Params):
    channels: int = c_field("int32_t", "numbers of a row")
    output_zero: int = c_field("int32_t", "zero point of the output")


class Standardise(Op):
    """Canonical attributes: `mean` and `deviation`, a real number for each channel, and `row`, width and
    channels of the output."""

    name = "standardise"
    kernel = "standardise"
    signature = "rows"
    Params = StandardiseParams
    consts = (
        Const("mean", "int32_t", "[channels], in 1/256 of a step"),
        Const("multiplier", "int32_t", "[channels]"),
        Const("shift", "int8_t", "[channels], positive is left"),
    )

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        a, (_, rows, _, channels) = node.attrs, graph.value(node.inputs[0]).shape
        counts = len(a["mean"]), len(a["deviation"]), a["row"][0] * a["row"][1]
        require(set(counts) == {channels}, "a mean and a deviation for each channel", node, counts)
        return [(1, rows, *a["row"])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a = node.attrs
        out = (inputs[0] - np.array(a["mean"])) / np.array(a["deviation"])
        return [out.reshape(*out.shape[:2], *a["row"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        a, x, out = node.attrs, graph.value(node.inputs[0]), graph.value(node.outputs[0])
        types = (x.dtype, out.dtype, x.zero_point)
        require(
            types == ("int16", "int8", 0), "int16 numbers with zero point 0, int8 out", node, types
        )
        mean = fixed.round_half_away(np.array(a["mean"]) / x.scale * 256)
        require(int(np.abs(mean).max()) <= _MOST, "means that the input can have", node, a["mean"])
        factors = [x.scale / (256 * deviation * out.scale) for deviation in a["deviation"]]
        multiplier, shift = fixed.quantize_multipliers(factors)
        # 256 in - mean has 25 bits with its sign.
        require(
            int(shift.max()) <= 6, "deviations above some steps of the input", node, a["deviation"]
        )
        params = StandardiseParams(len(mean), out.zero_point)
        consts: dict[str, Array] = {
            "mean": mean.astype(np.int32),
            "multiplier": multiplier,
            "shift": shift,
        }
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: StandardiseParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].astype(np.int64) * 256 - consts["mean"]
        return [
            fixed.saturate(
                fixed.requantize(x, consts["multiplier"], consts["shift"]) + p.output_zero
            )
        ]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(
            name: str, rows: int, mean: tuple[float, ...], deviation: tuple[float, ...]
        ) -> Case:
            x = activation("input", (1, rows, 1, len(mean)), 1 / 16384, dtype="int16")
            out = activation("output", (1, rows, len(mean), 1), 0.02, -7)
            attrs = {"mean": mean, "deviation": deviation, "row": (len(mean), 1)}
            return single(cls, name, [x], [out], attrs)

        return [
            case("axes", 5, (0.01, -0.02, 0.98), (0.7, 0.8, 1.1)),
            case("one", 3, (-1.5,), (1.0,)),
            case("single", 1, (0.0, 2.0), (1.3, 2.0)),
        ]
