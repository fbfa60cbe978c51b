"""2-D convolution whose weights take nine bits: a legacy uint8 layer, exactly (`families/nine_bits.py`).

The formula of `conv2d`, with weights of -255..255.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from edgekit import instructions
from edgekit.cases import nine_bit_case
from edgekit.families.nine_bits import REST, split
from edgekit.families.window import tflite_axis, window_attrs
from edgekit.graph import IntNode, Value
from edgekit.isa import dsp
from edgekit.op import Array, Case, Const, Cost, Packed, Shape, Variant, c_field
from edgekit.ops.conv2d import Conv2d, Conv2dParams


@dataclass(frozen=True)
class Conv2dNineDspParams(Conv2dParams):
    rest_taps: int = c_field("int32_t", "taps that follow a window once more, a multiple of four")


class Conv2dNine(Conv2d):
    name = "conv2d_nine"
    kernel = "conv2d_nine"
    saturation = 0.5
    consts: ClassVar[tuple[Const, ...]] = (*Conv2d.consts, REST)
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("dsp", ("dsp",), dsp.conv2d_nine_fits,
                partial(dsp.pack_conv2d_nine, Conv2dNineDspParams), Conv2dNineDspParams,
                (dsp.WEIGHTS, dsp.PAIRS, dsp.REST), dsp.conv2d_nine_scratch,
                instructions=instructions.conv2d_dsp),
    )  # fmt: skip
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def stored(cls, p: Conv2dParams, consts: Mapping[str, Array]) -> Packed:
        weights = consts["weights"].reshape(p.out_c, -1)
        return split(p, consts, weights, weights)

    @classmethod
    def lingers(cls, p: Conv2dParams) -> bool:
        return False

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        macs, scratch = super().cost(node, values)
        return Cost(macs, scratch // 2)  # one patch at a time

    @classmethod
    def cases(cls) -> list[Case]:
        def case(
            name: str, x: Shape, w: Shape, zero: int, padding: str = "SAME", stride: int = 1
        ) -> Case:
            rows = tflite_axis(padding, x[0], w[1], stride, 1)
            columns = tflite_axis(padding, x[1], w[2], stride, 1)
            attrs = {**window_attrs(rows, columns), "activation": "NONE"}
            return nine_bit_case(cls, name, (1, *x), w, attrs, zero)

        return [
            case("pointwise", (3, 5, 9), (6, 1, 1, 9), 157),
            case("lowest_zero", (1, 3, 4), (3, 1, 1, 4), 0),
            case("highest_zero", (2, 2, 7), (5, 1, 1, 7), 255),
            case("same3x3", (5, 4, 3), (5, 3, 3, 3), 94),
            case("strided", (6, 6, 2), (4, 3, 3, 2), 204, stride=2),
            case("valid", (4, 5, 2), (1, 2, 3, 2), 120, padding="VALID"),
        ]
