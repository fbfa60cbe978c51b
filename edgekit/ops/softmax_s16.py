"""Softmax of int16 along the last axis, on the fixed output scale 2^-15.

    e[i] = exp(beta * scale_in * (in[i] - max)) in Q0.15, T = sum of e
    out[i] = clamp(floor((e[i] * V + 2^(n - 1)) / 2^n), 0, 32767),  V = 2^n / T in Q0.15, 2^n <= T < 2^(n + 1)

exp from -10 to 0 and 1 / (1 + x) from 0 to 1 are `edgekit/families/curve.py`'s; less than -10 counts as -10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.families import curve, elementwise, wide
from edgekit.families.wide import Wide
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Const, Params, c_field, int16_pair, require
from edgekit.ops.softmax import Softmax

_OUTPUT = 2.0**-15
_LOWEST = 10.0


@dataclass(frozen=True)
class SoftmaxWideParams(Params):
    rows: int = c_field("int32_t", "rows")
    depth: int = c_field("int32_t", "elements of a row")
    multiplier: int = c_field("int32_t", "of the distances, 65535 of which are 10")
    shift: int = c_field("int32_t", "and its shift, positive is left")


class SoftmaxWide(Wide):
    name = "softmax_s16"
    kernel = "softmax"
    narrow = Softmax
    signature = "whole"
    Params = SoftmaxWideParams
    consts = (
        Const("exps", "int16_t", "[513], exp from -10 to 0 in Q0.15"),
        Const("inverses", "int16_t", "[513], 1 / (1 + x) from 0 to 1 in Q0.15"),
    )
    output_quant = (_OUTPUT, 0)
    tolerance = 20.0

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        require(out.scale == _OUTPUT, "an output of scale 2^-15", node, out.scale)
        factor = x.scale * node.attrs["beta"] / (_LOWEST / 65535)
        multiplier, shift = fixed.quantize_multiplier(factor)
        elementwise.prove_shift(65535, shift, f"node {node.name}")
        params = SoftmaxWideParams(x.elements // x.shape[-1], x.shape[-1], multiplier, shift)
        consts = {
            "exps": curve.table(np.exp, -_LOWEST, 0.0, _OUTPUT),
            "inverses": curve.table(lambda v: 1 / (1 + v), 0.0, 1.0, _OUTPUT),
        }
        return IntNode(node.name, cls, params, node.inputs, node.outputs, consts)

    @classmethod
    def run(cls, p: SoftmaxWideParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(-1, p.depth).astype(np.int64)
        distance = fixed.requantize(x - x.max(axis=1, keepdims=True), p.multiplier, p.shift)
        e = curve.values(np.clip(distance + 32767, -32768, 32767), consts["exps"])
        total = e.sum(axis=1, keepdims=True)
        bits = np.frexp(total.astype(np.float64))[1].astype(np.int64) - 1
        mantissa = ((total << (30 - bits)) + (1 << 13)) >> 14
        inverse = curve.values(np.clip(mantissa - 98304, -32768, 32767), consts["inverses"])
        scaled = (e * inverse + (np.int64(1) << (bits - 1))) >> bits
        return [fixed.saturate16(scaled, 0, 32767).reshape(inputs[0].shape)]

    @classmethod
    def cases(cls) -> list[Case]:
        return [wide.with_output(case, _OUTPUT) for case in wide.cases(cls)]
