"""Elementwise product of int16, operands repeated where they are smaller than the output.

out = requantize(a * b, scale_a * scale_b / scale_out)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit import fixed
from edgekit.families import elementwise, wide
from edgekit.families.wide import Wide, WideWalkParams
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, c_field, int16_pair
from edgekit.ops.mul import Mul
from edgekit.ops.mul_broadcast import MulBroadcast


@dataclass(frozen=True)
class MulWideParams(WideWalkParams):
    multiplier: int = c_field("int32_t", "rescaling of the product")
    shift: int = c_field("int32_t", "and its shift, positive is left")


class MulWide(Wide):
    name = "mul_s16"
    kernel = "mul"
    narrow = Mul
    signature = "whole"
    as_rows = "mul_s16_rows"
    inputs = ("input1", "input2")
    Params = MulWideParams

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        multiplier, shift = fixed.quantize_multiplier(a.scale * b.scale / out.scale)
        elementwise.prove_shift(2**30, shift, f"node {node.name}")
        walk = wide.walk_fields(node, graph)
        params = MulWideParams(**walk, multiplier=multiplier, shift=shift)
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: MulWideParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a, b = wide.walked(p, *inputs)
        return [
            fixed.saturate16(fixed.requantize(a * b, p.multiplier, p.shift), p.out_min, p.out_max)
        ]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, [*Mul.cases(), *MulBroadcast.cases()])
