"""Depthwise convolution with weights of four bits, two to a byte in flash.

The formula of `depthwise`; weights are -8..7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgekit.cases import four_bit_cases
from edgekit.families import nibbles
from edgekit.op import Array, Case, Const, Packed, Variant
from edgekit.ops.depthwise import Depthwise, DepthwiseParams


class DepthwiseW4(Depthwise):
    name = "depthwise_w4"
    kernel = "depthwise_w4"
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights", "int8_t", "[kernel_h][kernel_w][ceil(in_c * multiplier_c / 2)], two channels a byte", weights=True),
        *Depthwise.consts[1:],
    )  # fmt: skip
    variants: ClassVar[tuple[Variant, ...]] = ()
    tflite: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def stored(cls, p: DepthwiseParams, consts: Mapping[str, Array]) -> Packed:
        channels_first = np.moveaxis(consts["weights"], -1, 0)
        return nibbles.packed(p, consts, np.moveaxis(nibbles.pairs(channels_first), 0, -1))

    @classmethod
    def cases(cls) -> list[Case]:
        return four_bit_cases(
            cls, Depthwise, "same3x3_odd_channels stride2 multiplier3_stride2 dilated time_axis "
            "window_larger_than_input time_axis_rounded_once one_cell",
        )  # fmt: skip
