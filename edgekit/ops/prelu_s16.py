"""Rectifier of int16 with a slope per element, usually per channel.

    out = requantize(in, m1)                       in >= 0
    out = requantize(in * alpha, m2)               below

m1 = scale_in / scale_out, m2 = scale_in * scale_alpha / scale_out; alpha is int16 and broadcast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit import fixed
from edgekit.families import elementwise, wide
from edgekit.families.wide import Wide, WideWalkParams
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, c_field, int16_pair
from edgekit.ops.prelu import Prelu


@dataclass(frozen=True)
class PreluWideParams(WideWalkParams):
    multiplier1: int = c_field("int32_t", "rescaling of inputs from zero up")
    shift1: int = c_field("int32_t", "and its shift, positive is left")
    multiplier2: int = c_field("int32_t", "rescaling of input times slope")
    shift2: int = c_field("int32_t", "and its shift, positive is left")


class PreluWide(Wide):
    name = "prelu_s16"
    kernel = "prelu"
    narrow = Prelu
    signature = "whole"
    as_rows = "prelu_s16_rows"
    inputs = ("input", "alpha")
    Params = PreluWideParams

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph, (0, 1))
        x, alpha, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        ours = graph.one_rounding
        multiplier1, shift1 = fixed.split(x.scale / out.scale, ours)
        multiplier2, shift2 = fixed.split(x.scale * alpha.scale / out.scale, ours)
        elementwise.prove_shift(2**15, shift1, f"node {node.name}")
        elementwise.prove_shift(2**30, shift2, f"node {node.name}")
        params = PreluWideParams(
            **wide.walk_fields(node, graph), multiplier1=multiplier1, shift1=shift1,
            multiplier2=multiplier2, shift2=shift2,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: PreluWideParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x, alpha = wide.walked(p, *inputs)
        above = fixed.requantize(x, p.multiplier1, p.shift1)
        below = fixed.requantize(x * alpha, p.multiplier2, p.shift2)
        return [fixed.saturate16(np.where(x >= 0, above, below))]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls)
