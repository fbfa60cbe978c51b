"""Cepstral coefficients: the first of a cosine transform over the bands of a row (MFCC).

    real out[k] = g[k] * sum over m of in[m] cos(pi k (m + 1/2) / M)

g is scale sqrt(2 / M), of an orthonormal transform scale sqrt(1 / M) for k = 0. In integers

    out[k] = clamp(requantize(sum over m of in[m] c[k, m], m[k], s[k]) + zero_out)

with c[k, m] whole numbers whose magnitudes sum to at most 65535 for each k, so that no sum of int16 numbers
leaves int32. Input int16 [1, T, M, 1], output int8 with K numbers in each of T rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Cost, Op, Params, Shape, c_field, require


@dataclass(frozen=True)
class CepstrumParams(Params):
    bands: int = c_field("int32_t", "numbers of a row of the input")
    coefficients: int = c_field("int32_t", "and of the output")
    output_zero: int = c_field("int32_t", "zero point of the output")


class Cepstrum(Op):
    """Canonical attributes: `coefficients`, `orthonormal`, `scale`, and `row`, width and channels of the
    output."""

    name = "cepstrum"
    kernel = "cepstrum"
    signature = "rows"
    Params = CepstrumParams
    consts = (
        Const("cosine", "int16_t", "[coefficients][bands]"),
        Const("multiplier", "int32_t", "[coefficients]"),
        Const("shift", "int8_t", "[coefficients], positive is left"),
    )
    coupling = "mix"

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        (_, rows, bands, _), count = graph.value(node.inputs[0]).shape, node.attrs["coefficients"]
        require(1 <= count <= bands, "from one coefficient to as many as bands", node, count)
        row = node.attrs["row"]
        require(row[0] * row[1] == count, "rows of as many numbers as coefficients", node, row)
        return [(1, rows, *row)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        coefficients = inputs[0][..., 0] @ _cosines(node, inputs[0].shape[2]).T
        return [coefficients.reshape(*coefficients.shape[:2], *node.attrs["row"])]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        types = (x.dtype, out.dtype, x.zero_point)
        require(
            types == ("int16", "int8", 0),
            "int16 bands with zero point 0, int8 coefficients",
            node,
            types,
        )
        cosines = _cosines(node, x.shape[2])
        # A rounded sum may be larger by half for each band.
        room = 65535 - x.shape[2]
        units = np.abs(cosines).sum(axis=1) / room
        units = np.maximum(units, np.abs(cosines).max(axis=1) / 32767)
        levels = fixed.round_half_away(cosines / units[:, None])
        multiplier, shift = fixed.quantize_multipliers(units * x.scale / out.scale)
        require(
            int(shift.max()) <= 0,
            "an output scale that is no finer than the products",
            node,
            out.scale,
        )
        params = CepstrumParams(x.shape[2], len(cosines), out.zero_point)
        consts: dict[str, Array] = {
            "cosine": levels.astype(np.int16),
            "multiplier": multiplier,
            "shift": shift,
        }
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: CepstrumParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        sums = inputs[0][..., 0].astype(np.int64) @ consts["cosine"].T.astype(np.int64)
        out = fixed.requantize(sums, consts["multiplier"], consts["shift"]) + p.output_zero
        return [fixed.saturate(out)[..., None]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        return Cost(values[node.outputs[0]].elements * values[node.inputs[0]].shape[2])

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, rows: int, bands: int, count: int, orthonormal: bool = False) -> Case:
            x = activation("input", (1, rows, bands, 1), 0.001, dtype="int16")
            out = activation("output", (1, rows, count, 1), 0.5, 20)
            attrs = {
                "coefficients": count,
                "orthonormal": orthonormal,
                "scale": 1.25,
                "row": (count, 1),
            }
            return single(cls, name, [x], [out], attrs)

        return [case("mfcc", 3, 40, 10), case("all", 2, 13, 13, True), case("single", 1, 1, 1)]


def _cosines(node: Node, bands: int) -> Array:
    """[K, M], the factor in front of the sum included."""
    k = np.arange(node.attrs["coefficients"])[:, None]
    table = np.cos(np.pi * k * (np.arange(bands) + 0.5) / bands)
    table *= node.attrs["scale"] * np.sqrt(2 / bands)
    if node.attrs["orthonormal"]:
        table[0] /= np.sqrt(2)
    return np.asarray(table)
