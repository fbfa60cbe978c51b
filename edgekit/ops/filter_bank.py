"""Bands of a spectrum: sums of bins weighed by filters, most of whose weights are 0.

    out[m] = floor((sum over k of w[k, m] in[k] + 2^(shift-1)) / 2^shift)               of magnitudes
    out[m] = root(E + sum over k of w[k, m] floor((in[k]^2 + 2^(shift-1)) / 2^shift))   of powers

w is Q0.15, the sums are 64-bit numbers, E is an offset. Of powers the result is the square root, which
keeps its range within 32 bits; a logarithm behind it counts twice. Operands: input int32 [1, T, K, 1], filters
[K, M] (real, from 0 to below 1); output int32 [1, T, M, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.cases import activation, case_random, single
from edgekit.families import spectral
from edgekit.fixed import round_half_away
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Const, Cost, Op, Params, Shape, c_field, require

_LARGEST = 2**31  # magnitude of an input


@dataclass(frozen=True)
class FilterBankParams(Params):
    bands: int = c_field("int32_t", "outputs of a row")
    power: int = c_field("int32_t", "1 for powers, 0 for magnitudes")
    shift: int = c_field("int32_t", "of the sums, or of the squares")
    offset: int = c_field("int32_t", "added to the sums of squares")
    offset_shift: int = c_field("int32_t", "and how far it is shifted to the left first")


class FilterBank(Op):
    """Canonical attributes: `power`, and the `offset` of powers."""

    name = "filter_bank"
    kernel = "filter_bank"
    signature = "rows"
    Params = FilterBankParams
    consts = (
        Const("weights", "int16_t", "of all filters, one behind the other, Q0.15"),
        Const("begin", "int16_t", "[bands], the first bin of each"),
        Const("count", "int16_t", "[bands], and how many it has"),
    )
    coupling = "mix"
    tolerance = 2.0**17  # of powers 16 of up to 31 bits are right
    saturation = 1.0  # negative magnitudes, which random tests have, make negative bands

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        (_, rows, bins, _), filters = (graph.value(name).shape for name in node.inputs)
        require(filters[0] == bins, "a weight for each bin", node, (bins, filters))
        return [(1, rows, filters[1], 1)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        filters = graph.const(node.inputs[1])
        x = inputs[0][..., 0]
        bands = (
            np.sqrt(x**2 @ filters + node.attrs["offset"]) if node.attrs["power"] else x @ filters
        )
        return [bands[..., None]]

    @classmethod
    def scale(cls, x: float, filters: Array, power: bool) -> float:
        """Of the output, for that of the input."""
        shift = _shift(_levels(filters), power)
        return x * 2.0 ** ((shift - 15) / 2 if power else shift - 15)

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, out, power = (
            graph.value(node.inputs[0]),
            graph.value(node.outputs[0]),
            node.attrs["power"],
        )
        filters = graph.const(node.inputs[1])
        require(x.dtype == out.dtype == "int32", "int32 tensors", node, (x.dtype, out.dtype))
        assert filters is not None
        require(
            out.scale == cls.scale(x.scale, filters, power), "the sums' own scale", node, out.scale
        )
        levels = _levels(filters)
        used = levels > 0
        begin = used.argmax(axis=0)
        count = np.where(used.any(axis=0), len(levels) - used[::-1].argmax(axis=0) - begin, 0)
        parts = [levels[b : b + n, m] for m, (b, n) in enumerate(zip(begin, count, strict=True))]
        shift = _shift(levels, power)
        offset = round(node.attrs["offset"] / x.scale**2 * 2.0 ** (15 - shift)) if power else 0
        require(offset < 2**60, "an offset below the largest band", node, node.attrs["offset"])
        offset_shift = max(0, offset.bit_length() - 31)
        params = FilterBankParams(
            levels.shape[1], int(power), shift, offset >> offset_shift, offset_shift
        )
        consts = {
            "weights": np.concatenate([*parts, np.zeros(1)]).astype(np.int16),
            "begin": begin.astype(np.int16), "count": count.astype(np.int16),
        }  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs[:1], node.outputs, consts)

    @classmethod
    def run(cls, p: FilterBankParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(*inputs[0].shape[:-1]).astype(np.int64)
        half = (1 << p.shift) >> 1
        if p.power:
            x = (x * x + half) >> p.shift
        sums, at = np.zeros((*x.shape[:-1], p.bands), np.int64), 0
        for m, (begin, count) in enumerate(zip(consts["begin"], consts["count"], strict=True)):
            part = x[..., begin : begin + count]
            sums[..., m] = (part * consts["weights"][at : at + count].astype(np.int64)).sum(axis=-1)
            at += int(count)
        offset = p.offset << p.offset_shift
        bands = spectral.root(sums + offset) if p.power else (sums + half) >> p.shift
        return [bands.astype(np.int32)[..., None]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        return Cost(values[node.outputs[0]].shape[1] * int(node.consts["count"].sum()))

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, rows: int, bins: int, bands: int, power: bool) -> Case:
            rng = case_random(cls, name)
            filters = np.maximum(0, rng.uniform(-0.5, 1, (bins, bands))).astype(np.float32)
            filters[:, 0] = 0
            x = activation("input", (1, rows, bins, 1), 0.5, dtype="int32")
            w = Value("filters", filters.shape, "float32", None, filters)
            scale = cls.scale(x.scale, filters, power)
            out = activation("output", (1, rows, bands, 1), scale, dtype="int32")
            return single(cls, name, [x, w], [out], {"power": power, "offset": 0.75})

        return [
            case("magnitudes", 3, 17, 5, False),
            case("powers", 2, 9, 4, True),
            case("one_bin", 1, 1, 2, False),
            case("powers_of_one", 4, 1, 2, True),
        ]


def _levels(filters: Array) -> Array:
    return np.clip(round_half_away(filters.astype(np.float64) * 2.0**15), 0, 2**15 - 1)


def _shift(levels: Array, power: bool) -> int:
    """So that no sum of the largest inputs leaves 31 bits, or of squares and the offset 62 bits.

    Of powers it is odd, so that the root's scale is a power of two.
    """
    most = max(1, int(levels.sum(axis=0).max()))
    if not power:
        return max(0, (most * _LARGEST).bit_length() - 30)
    shift = max(0, (most * _LARGEST**2).bit_length() - 61)
    return shift | 1
