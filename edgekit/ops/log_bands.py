"""Logarithm of positive numbers, scaled and moved: what follows a filter bank.

    real out = factor * log2(real in + offset) + add

In integers, with E the offset in Q.12 steps of the input, which is read as unsigned:

    L   = log2(4096 in + E) - 12 * 2^24    in < 2^18
    L   = log2(in + floor(E / 4096))       otherwise
    out = clamp(requantize(L + origin, m, s) + zero_out)

log2 is Q24 (`edgekit/families/spectral.py`), of 0 that of 1; origin is log2(scale_in) + add / factor in Q24 and (m, s) =
split(factor / (2^24 scale_out)). Input int32 [1, T, C, 1], output int16 or int8 of the same shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families import spectral
from edgekit.graph import Graph, IntNode, Node, limits
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, require

SMALL, FRACTION = 18, 12  # below 2^18 numbers have 12 more bits
LARGEST_OFFSET = 2**30 - 1


@dataclass(frozen=True)
class LogBandsParams(Params):
    dtype: str
    channels: int = c_field("int32_t", "numbers of a row")
    wide: int = c_field("int32_t", "1 where the output is int16, 0 where it is int8")
    offset: int = c_field("int32_t", "added to the input, Q.12")
    origin: int = c_field("int32_t", "added to the logarithm, Q24")
    multiplier: int = c_field("int32_t", "of the sum")
    shift: int = c_field("int32_t", "of the sum, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


class LogBands(Op):
    """Canonical attributes: `factor`, `offset`, `add`, and `row`, width and channels of the output."""

    name = "log_bands"
    kernel = "log_bands"
    signature = "rows"
    Params = LogBandsParams
    consts = (Const("table", "int32_t", "[65], logarithms from 1 to 2, Q24"),)
    tolerance = 1.1

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        _, rows, width, channels = graph.value(node.inputs[0]).shape
        row = node.attrs["row"]
        require(row[0] * row[1] == width * channels, "rows of one size", node, row)
        return [(1, rows, *row)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a, x = node.attrs, graph.value(node.inputs[0])
        step = x.scale if x.quant else np.finfo(np.float32).tiny
        given = inputs[0] + (inputs[0] < 0) * 2.0**32 * step  # the bits of a negative number
        return [
            a["factor"] * np.log2(np.maximum(given + a["offset"], step / 2**FRACTION)) + a["add"]
        ]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        a, x, out = node.attrs, graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require(
            x.dtype == "int32" and x.zero_point == 0,
            "int32 numbers with zero point 0",
            node,
            x.dtype,
        )
        require(out.dtype in ("int8", "int16"), "an int8 or int16 output", node, out.dtype)
        offset = round(a["offset"] / x.scale * 2**FRACTION)
        require(
            0 <= offset <= LARGEST_OFFSET,
            "an offset below 2^18 steps of the input",
            node,
            a["offset"],
        )
        origin = origin_of(node, np.log2(x.scale) + a["add"] / a["factor"])
        multiplier, shift = rescaling(node, a["factor"], out.scale)
        params = LogBandsParams(out.dtype, x.shape[2] * x.shape[3], int(out.dtype == "int16"), offset, origin,
                                multiplier, shift, out.zero_point)  # fmt: skip
        consts = {"table": spectral.log_table()}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: LogBandsParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        logs = offset_log2(inputs[0], np.asarray(p.offset, np.int64), consts["table"]) + p.origin
        out = fixed.requantize(logs, p.multiplier, p.shift) + p.output_zero
        return [np.clip(out, *limits(p.dtype)).astype(p.dtype)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, out: tuple[float, int, str], **attrs: float) -> Case:
            x = activation("input", shape, 0.25, dtype="int32")
            y = activation("output", shape, *out)
            return single(cls, name, [x], [y], attrs | {"row": shape[2:]})

        return [
            case("wide", (1, 3, 8, 1), (0.002, 0, "int16"), factor=0.6931, offset=1e-3, add=0.0),
            case("narrow", (1, 2, 5, 1), (0.3, -60, "int8"), factor=3.0103, offset=40.0, add=-60.0),
            case("no_offset", (1, 1, 1, 1), (0.001, 3, "int16"), factor=1.0, offset=0.0, add=2.0),
        ]


def origin_of(node: Node, log2: float) -> int:
    """A constant beside logarithms, in Q24."""
    require(abs(log2) < 32, "scales and sums whose logarithms are below 32", node, log2)
    return round(math.ldexp(log2, spectral.LOG_BITS))


def rescaling(node: Node, factor: float, scale: float) -> tuple[int, int]:
    """Multiplier and shift from a logarithm in Q24 to the output."""
    multiplier, shift = fixed.quantize_multiplier(factor / scale / 2**spectral.LOG_BITS)
    require(shift <= 0, "an output scale that is no finer than the logarithm", node, scale)
    return multiplier, shift


def offset_log2(x: Array, offset: Array, table: Array) -> fixed.Int:
    """L of the formula above; offset broadcasts against x."""
    given = x.astype(np.int64) & 0xFFFFFFFF
    small = given < 1 << SMALL
    moved = np.where(small, (given << FRACTION) + offset, given + (offset >> FRACTION)) & 0xFFFFFFFF
    logs = spectral.log2(np.maximum(moved, 1), table)
    return np.asarray(logs - np.where(small, FRACTION << spectral.LOG_BITS, 0))
