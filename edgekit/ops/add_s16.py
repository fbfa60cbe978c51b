"""Elementwise addition of int16, operands repeated where they are smaller than the output.

    out = requantize(r1(a) + r2(b), m),  r(x) = requantize(x * 2^15, scale / t)

t is twice the larger input scale and m is t / (2^15 * scale_out). `sub_s16` shares the kernel: its
second operand counts negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgekit import fixed
from edgekit.families import wide
from edgekit.families.wide import Wide, WideWalkParams
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Params, c_field, int16_pair, require
from edgekit.ops.add import Add
from edgekit.ops.add_broadcast import AddBroadcast

_LEFT = 15


@dataclass(frozen=True)
class AddWideParams(WideWalkParams):
    multiplier1: int = c_field("int32_t", "rescaling of the first input")
    shift1: int = c_field("int32_t", "and its shift, at most 0")
    multiplier2: int = c_field("int32_t", "rescaling of the second input")
    shift2: int = c_field("int32_t", "and its shift, at most 0")
    sign2: int = c_field("int32_t", "1 to add the second input, -1 to subtract it")
    multiplier: int = c_field("int32_t", "rescaling of the sum")
    shift: int = c_field("int32_t", "and its shift, negative")


class AddWide(Wide):
    name = "add_s16"
    kernel = "add"
    narrow: ClassVar[type[Op]] = Add
    signature = "whole"
    as_rows = "add_s16_rows"
    inputs = ("input1", "input2")
    Params: ClassVar[type[Params]] = AddWideParams
    sign: ClassVar[int] = Add.sign

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        twice = 2 * max(a.scale, b.scale)
        multiplier, shift = fixed.quantize_multiplier(twice / (2**_LEFT * out.scale))
        require(shift < 0, "an output scale above 2^-14 of the inputs'", node, f"{out.scale:g}")
        multiplier1, shift1 = fixed.quantize_multiplier(a.scale / twice)
        multiplier2, shift2 = fixed.quantize_multiplier(b.scale / twice)
        params = AddWideParams(
            **wide.walk_fields(node, graph), multiplier1=multiplier1, shift1=shift1, sign2=cls.sign,
            multiplier2=multiplier2, shift2=shift2, multiplier=multiplier, shift=shift,
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: AddWideParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a, b = wide.walked(p, *inputs)
        first = fixed.requantize(a << _LEFT, p.multiplier1, p.shift1)
        second = fixed.requantize(b << _LEFT, p.multiplier2, p.shift2)
        total = fixed.requantize(first + p.sign2 * second, p.multiplier, p.shift)
        return [fixed.saturate16(total, p.out_min, p.out_max)]

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls, [*Add.cases(), *AddBroadcast.cases()])
