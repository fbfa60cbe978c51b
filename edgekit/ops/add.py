"""Elementwise addition of two tensors of one shape.

    out = requantize(r1(a) + r2(b), m) + zero_out,  r(x) = requantize((x - zero) * 2^20, scale / t)

t is twice the larger input scale and m is t / (2^20 * scale_out), so that nothing overflows and
the larger operand loses no bit. `sub` shares the kernel: its second operand counts negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgekit import fixed
from edgekit.cases import activation, single
from edgekit.channels import Bounds, Spare, channels
from edgekit.families import elementwise
from edgekit.families.plane import plane_of
from edgekit.families.window import activation_range, real_activation
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import mve
from edgekit.op import Array, Case, Op, Packed, Params, Shape, Variant, c_field, int8_pair, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class AddParams(Params):
    factor1: int = c_field("int32_t", "first input: 2^21, or 2^22 in place of a shift of 0")
    offset1: int = c_field("int32_t", "-factor1 times its zero point")
    multiplier1: int = c_field("int32_t", "its rescaling")
    right1: int = c_field("int32_t", "and right shift, at least 1")
    factor2: int = c_field("int32_t", "second input: likewise")
    offset2: int = c_field("int32_t", "-factor2 times its zero point")
    multiplier2: int = c_field("int32_t", "its rescaling")
    right2: int = c_field("int32_t", "and right shift, at least 1")
    sign2: int = c_field("int32_t", "1 to add the second input, -1 to subtract it")
    multiplier: int = c_field("int32_t", "rescaling of the sum")
    right: int = c_field("int32_t", "and its right shift, at least 1")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


@dataclass(frozen=True)
class AddDspParams(Params):
    swapped: int = c_field("int32_t", "1 where the second input is the one of the larger scale")
    exact_offset: int = c_field("int32_t", "its zero point times -2^20")
    factor: int = c_field("int32_t", "the other input: 2^21, or 2^22 in place of a shift of 0")
    offset: int = c_field("int32_t", "-factor times its zero point")
    multiplier1: int = c_field("int32_t", "its rescaling")
    rounding1: int = c_field("int32_t", "half of the last bit of that")
    right1: int = c_field("int32_t", "and its right shift, at least 1")
    multiplier: int = c_field("int32_t", "rescaling of the sum")
    rounding: int = c_field("int32_t", "half of the last bit of that, and the output's zero point")
    right: int = c_field("int32_t", "and its right shift, at least 1")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


@dataclass(frozen=True)
class AddNeonParams(Params):
    swapped: int = c_field("int32_t", "1 where the second input is the one of the larger scale")
    exact_factor: int = c_field("int32_t", "2^3, negative where that input is subtracted")
    exact_offset: int = c_field("int32_t", "-exact_factor times its zero point")
    factor: int = c_field("int32_t", "the other input: 2^4, or 2^5 in place of a shift of 0")
    offset: int = c_field("int32_t", "-factor times its zero point")
    multiplier1: int = c_field("int32_t", "its rescaling")
    shift1: int = c_field("int32_t", "and its shift, negative")
    sign: int = c_field("int32_t", "1 to add it, -1 to subtract it")
    multiplier: int = c_field("int32_t", "rescaling of the sum")
    shift: int = c_field("int32_t", "and its shift, negative")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


@dataclass(frozen=True)
class AddPlaneParams(Params):
    factor1: int = c_field("int32_t", "slope of the first input, see edgekit/families/plane.py")
    factor2: int = c_field("int32_t", "slope of the second input")
    offset: int = c_field("int32_t", "where both are 0")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


def plane_fits(p: AddParams, consts: Mapping[str, Array]) -> bool:
    """A plane is equal to the sum for every pair of operands."""
    return plane_of(add, p) is not None


def pack_plane(p: AddParams, consts: Mapping[str, Array]) -> Packed:
    plane = plane_of(add, p)
    assert plane is not None
    return Packed(AddPlaneParams(*plane, out_min=p.out_min, out_max=p.out_max), {})


_EXACT = 2**22  # the factor of an operand that is rescaled by one half


def dsp_fits(p: AddParams, consts: Mapping[str, Array]) -> bool:
    """A sum, with one operand rescaled by one half, and shifts that a zero point survives."""
    return p.sign2 == 1 and _EXACT in (p.factor1, p.factor2) and p.right <= 22


def pack_dsp(p: AddParams, consts: Mapping[str, Array]) -> Packed:
    first = (p.factor1, p.offset1, p.multiplier1, p.right1)
    second = (p.factor2, p.offset2, p.multiplier2, p.right2)
    swapped = p.factor1 != _EXACT
    exact, (factor, offset, multiplier, right) = (second, first) if swapped else (first, second)
    return Packed(AddDspParams(
        swapped=int(swapped), exact_offset=exact[1] // 4, factor=factor, offset=offset,
        multiplier1=multiplier, rounding1=1 << right >> 1, right1=right, multiplier=p.multiplier,
        rounding=(p.output_zero << p.right) + (1 << p.right >> 1), right=p.right,
        out_min=p.out_min, out_max=p.out_max,
    ), {})  # fmt: skip


def neon_fits(p: AddParams, consts: Mapping[str, Array]) -> bool:
    """One operand is rescaled by one half."""
    return _EXACT in (p.factor1, p.factor2)


def pack_neon(p: AddParams, consts: Mapping[str, Array]) -> Packed:
    first = (p.factor1, p.offset1, p.multiplier1, p.right1, 1)
    second = (p.factor2, p.offset2, p.multiplier2, p.right2, p.sign2)
    swapped = p.factor1 != _EXACT
    exact, (factor, offset, multiplier, right, sign) = (
        (second, first) if swapped else (first, second)
    )
    return Packed(AddNeonParams(
        swapped=int(swapped), exact_factor=8 * exact[4], exact_offset=exact[1] // 2**19 * exact[4],
        factor=factor // 2**17, offset=offset // 2**17, multiplier1=multiplier, shift1=-right,
        sign=sign, multiplier=p.multiplier, shift=-p.right, output_zero=p.output_zero,
        out_min=p.out_min, out_max=p.out_max,
    ), {})  # fmt: skip


class Add(Op):
    name = "add"
    wide: ClassVar[str] = "add_s16"
    kernel = "add"
    signature = "flat"
    Params = AddParams
    inputs = ("input1", "input2")
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("mve", ("mve",), mve.always, Packed, AddParams),
        Variant("neon_plane", ("neon",), plane_fits, pack_plane, AddPlaneParams),
        Variant("dsp_plane", ("dsp",), plane_fits, pack_plane, AddPlaneParams),
        Variant("plane", (), plane_fits, pack_plane, AddPlaneParams),
        Variant("dsp", ("dsp",), dsp_fits, pack_dsp, AddDspParams),
        Variant("neon", ("neon",), neon_fits, pack_neon, AddNeonParams),
    )
    tflite: ClassVar[tuple[str, ...]] = ("ADD",)
    onnx: ClassVar[tuple[str, ...]] = ("Add",)
    inplace = (0, 1)
    elementwise = True
    sign: ClassVar[int] = 1

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        return elementwise.import_binary(node, graph, cls.name)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        elementwise.import_onnx(node, draft, cls.name)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return elementwise.broadcast_shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a, b = elementwise.real_operands(node, graph, inputs)
        return [real_activation(node, a + cls.sign * b)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        return IntNode(node.name, cls, cls.params(node, graph), node.inputs, node.outputs)

    @classmethod
    def params(cls, node: Node, graph: Graph) -> AddParams:
        """The kernel's numbers. Raises EK202 where the output's scale is far below the inputs'."""
        int8_pair(node, graph, (0, 1))
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        twice = 2 * max(a.scale, b.scale)
        multiplier, shift = fixed.quantize_multiplier(twice / (2**20 * out.scale))
        require(shift < 0, "an output scale above 2^-19 of the inputs'", node, f"{out.scale:g}")
        factor1, offset1, multiplier1, right1 = _operand(a, twice)
        factor2, offset2, multiplier2, right2 = _operand(b, twice)
        low, high = activation_range(node, out)
        return AddParams(
            factor1=factor1, offset1=offset1, multiplier1=multiplier1, right1=right1,
            factor2=factor2, offset2=offset2, multiplier2=multiplier2, right2=right2,
            sign2=cls.sign, multiplier=multiplier, right=-shift, output_zero=out.zero_point,
            out_min=low, out_max=high,
        )  # fmt: skip

    @classmethod
    def run(cls, p: AddParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a, b = (x.reshape(len(x), -1).astype(np.int64) for x in inputs)
        return [add(p, a, b)]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p, (a, b) = node.params, inputs
        assert isinstance(p, AddParams)
        if p.sign2 < 0:
            b = Bounds(b.high, b.low)
        # Operands that repeat have one channel or as many as the output.
        shape = channels(values[node.outputs[0]])
        ends = [add(p, *pair).astype(np.int64) for pair in ((a.low, b.low), (a.high, b.high))]
        return [Bounds(*(np.broadcast_to(end, shape) for end in ends))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, shape: Shape, scales: tuple[float, float, float],
                 zeros: tuple[int, int] = (3, -4), act: str = "NONE") -> Case:  # fmt: skip
            return sum_case(cls, name, (shape, shape, shape), scales, zeros, act)

        return [
            case("near_scales", (1, 4, 5, 3), (0.05, 0.06, 0.09)),
            case("equal_scales", (1, 3, 3, 8), (0.05, 0.05, 0.08), (-128, 127)),
            case("far_scales", (1, 17), (0.5, 0.002, 0.6)),
            case("relu", (1, 2, 2, 3), (0.05, 0.06, 0.05), (-128, 0), act="RELU"),
            case("sixteens", (1, 3, 3, 11), (0.05, 0.07, 0.25), (-128, -128)),
            case("single", (1,), (0.01, 0.06, 0.08), (127, -128)),
        ]


def sum_case(op: type[Add], name: str, shapes: tuple[Shape, Shape, Shape],
             scales: tuple[float, float, float], zeros: tuple[int, int],
             act: str = "NONE") -> Case:  # fmt: skip
    """A case of a sum or difference, its output's zero point such that the middle is the middle."""
    a = activation("a", shapes[0], scales[0], zeros[0])
    b = activation("b", shapes[1], scales[1], zeros[1])
    middle = -a.scale * zeros[0] - op.sign * b.scale * zeros[1]
    zero = int(np.clip(round(-middle / scales[2]), -128, 127))
    output = activation("output", shapes[2], scales[2], zero)
    return single(op, name, [a, b], [output], {"activation": act})


def _operand(x: Value, twice: float) -> tuple[int, int, int, int]:
    """factor, offset, multiplier and right shift of one operand.

    The larger operand's multiplier is exactly one half, with a shift of 0. One more bit in front
    and one less behind say the same, and let the kernel assume a right shift.
    """
    multiplier, shift = fixed.quantize_multiplier(x.scale / twice)
    factor = 2**21 if shift < 0 else 2**22
    return factor, -factor * x.zero_point, multiplier, max(-shift, 1)


def add(p: AddParams, a: fixed.Int, b: fixed.Int) -> Array:
    """The integer formula on any two arrays that numpy can broadcast."""
    first = fixed.requantize((a * p.factor1 + p.offset1) >> 1, p.multiplier1, -p.right1)
    second = fixed.requantize((b * p.factor2 + p.offset2) >> 1, p.multiplier2, -p.right2)
    total = fixed.requantize(first + p.sign2 * second, p.multiplier, -p.right)
    return fixed.saturate(total + p.output_zero, p.out_min, p.out_max)
