"""2-D convolution with weights of four bits, two to a byte in flash.

The formula of `conv2d`; weights are -8..7.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from edgekit import instructions
from edgekit.cases import four_bit_cases
from edgekit.families import nibbles
from edgekit.isa import dsp
from edgekit.op import Array, Case, Const, Packed, Variant
from edgekit.ops.conv2d import Conv2d, Conv2dParams


class Conv2dW4(Conv2d):
    name = "conv2d_w4"
    kernel = "conv2d_w4"
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights", "int8_t", "[ceil(out_c / 2)][kernel_h][kernel_w][in_c], two channels a byte", weights=True),
        *Conv2d.consts[1:],
    )  # fmt: skip
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("dsp", ("dsp",), dsp.conv2d_w4_fits, dsp.pack_conv2d_w4, Conv2dParams,
                (dsp.NIBBLES, dsp.PAIRS), partial(dsp.conv2d_scratch, tile=2),
                instructions=instructions.conv2d_w4_dsp),
    )  # fmt: skip
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def stored(cls, p: Conv2dParams, consts: Mapping[str, Array]) -> Packed:
        return nibbles.packed(p, consts, nibbles.pairs(consts["weights"]))

    @classmethod
    def cases(cls) -> list[Case]:
        return four_bit_cases(
            cls, Conv2d, "pointwise_odd pointwise_single pointwise_stride2 same3x3 same3x3_stride2 dilated "
            "time_axis lanes_3_pixels_28_taps lanes_rounded_once",
        )  # fmt: skip
