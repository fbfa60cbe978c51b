"""Logarithm of bands relative to a level that is known when the program runs.

    real out = factor * log2(real in / real level + offset) + add

In integers this is `log_bands` with E = requantize(P, m_E, s_E) for P = max(level, 1), its factor offset
scale_level / scale_in * 4096, and with log2(P) taken from L, before the origin, log2(scale_in / scale_level) +
add / factor, is added. Input int32 [1, T, C, 1], level int32 [1, T, 1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.families import spectral
from edgekit.graph import Graph, IntNode, Node, limits
from edgekit.op import Array, Case, Const, Op, Params, Shape, c_field, require
from edgekit.ops.log_bands import FRACTION, LARGEST_OFFSET, offset_log2, origin_of, rescaling


@dataclass(frozen=True)
class LogLevelParams(Params):
    dtype: str
    channels: int = c_field("int32_t", "numbers of a row")
    wide: int = c_field("int32_t", "1 where the output is int16, 0 where it is int8")
    offset_multiplier: int = c_field("int32_t", "of the level, for what is added to the input")
    offset_shift: int = c_field("int32_t", "and its shift, positive is left")
    origin: int = c_field("int32_t", "added to the logarithm, Q24")
    multiplier: int = c_field("int32_t", "of the sum")
    shift: int = c_field("int32_t", "of the sum, positive is left")
    output_zero: int = c_field("int32_t", "zero point of the output")


class LogLevel(Op):
    """Canonical attributes: `factor`, `offset`, `add`, and `row`, width and channels of the output.

    The level is int16."""

    name = "log_level"
    kernel = "log_level"
    signature = "rows"
    Params = LogLevelParams
    inputs = ("input", "level")
    consts = (Const("table", "int32_t", "[65], logarithms from 1 to 2, Q24"),)
    tolerance = 1.1

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        shape, level = (graph.value(name).shape for name in node.inputs)
        require(level == (1, shape[1], 1, 1), "a level for each row", node, level)
        row = node.attrs["row"]
        require(row[0] * row[1] == shape[2] * shape[3], "rows of one size", node, row)
        return [(1, shape[1], *row)]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a, x, level = node.attrs, graph.value(node.inputs[0]), graph.value(node.inputs[1])
        step = x.scale if x.quant else 0
        given = inputs[0] + (inputs[0] < 0) * 2.0**32 * step
        least = level.scale if level.quant else 1 / 32768
        ratio = given / np.maximum(inputs[1], least) + a["offset"]
        return [a["factor"] * np.log2(np.maximum(ratio, np.finfo(np.float32).tiny)) + a["add"]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        a, out = node.attrs, graph.value(node.outputs[0])
        x, level = (graph.value(name) for name in node.inputs)
        types = [x.dtype, level.dtype]
        require(types == ["int32", "int16"] and x.zero_point == level.zero_point == 0,
                "int32 numbers and int16 levels with zero point 0", node, types)  # fmt: skip
        require(out.dtype in ("int8", "int16"), "an int8 or int16 output", node, out.dtype)
        factor = a["offset"] * level.scale / x.scale * 2**FRACTION
        require(0 < factor * 2**15 <= LARGEST_OFFSET, "an offset that is small beside the level", node,
                a["offset"])  # fmt: skip
        origin = origin_of(node, np.log2(x.scale / level.scale) + a["add"] / a["factor"])
        params = LogLevelParams(
            out.dtype, x.shape[2] * x.shape[3], int(out.dtype == "int16"),
            *fixed.quantize_multiplier(factor), origin, *rescaling(node, a["factor"], out.scale), out.zero_point,
        )  # fmt: skip
        consts = {"table": spectral.log_table()}
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: LogLevelParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        level = np.maximum(inputs[1].astype(np.int64), 1)
        offset = fixed.requantize(level, p.offset_multiplier, p.offset_shift)
        logs = offset_log2(inputs[0], offset, consts["table"]) - spectral.log2(
            level, consts["table"]
        )
        out = fixed.requantize(logs + p.origin, p.multiplier, p.shift) + p.output_zero
        return [np.clip(out, *limits(p.dtype)).astype(p.dtype)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, out: tuple[float, int, str], **attrs: float) -> Case:
            x = activation("input", shape, 2.0**-6, dtype="int32")
            level = activation("level", (1, shape[1], 1, 1), 2.0**-3, dtype="int16")
            row = {"row": shape[2:]}
            return single(cls, name, [x, level], [activation("output", shape, *out)], attrs | row)

        return [
            case("wide", (1, 3, 8, 1), (0.002, 0, "int16"), factor=0.6931, offset=1e-3, add=0.0),
            case("narrow", (1, 2, 5, 1), (0.3, -60, "int8"), factor=3.0103, offset=1e-2, add=-40.0),
            case("single", (1, 1, 1, 1), (0.001, 3, "int16"), factor=1.0, offset=1e-6, add=2.0),
        ]
