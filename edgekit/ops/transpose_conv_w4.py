"""Transposed convolution with weights of four bits, two to a byte in flash.

The formula of `transpose_conv`; weights are -8..7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgekit.cases import four_bit_cases
from edgekit.families import nibbles
from edgekit.op import Array, Case, Const, Packed
from edgekit.ops.transpose_conv import TransposeConv, TransposeConvParams, phases, unphased


class TransposeConvW4(TransposeConv):
    name = "transpose_conv_w4"
    kernel = "transpose_conv_w4"
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights", "int8_t", "phase by phase, [ceil(out_c / 2)][its rows][its columns][in_c], two channels a byte", weights=True),
        *TransposeConv.consts[1:],
    )  # fmt: skip
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def stored(cls, p: TransposeConvParams, consts: Mapping[str, Array]) -> Packed:
        parts = phases(p, unphased(p, consts["weights"]))
        return nibbles.packed(
            p, consts, np.concatenate([nibbles.pairs(x).reshape(-1) for x in parts])
        )

    @classmethod
    def cases(cls) -> list[Case]:
        return four_bit_cases(
            cls, TransposeConv, "two_by_two three_by_three valid wide_stride single"
        )
