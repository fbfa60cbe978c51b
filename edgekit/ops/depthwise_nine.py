"""Depthwise convolution whose weights take nine bits: a legacy uint8 layer, exactly (`families/nine_bits.py`).

The formula of `depthwise`, with weights of -255..255.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from edgekit.cases import nine_bit_case
from edgekit.families.nine_bits import REST, split
from edgekit.families.window import tflite_axis, window_attrs
from edgekit.op import Array, Case, Const, Packed, Shape, Variant
from edgekit.ops.depthwise import Depthwise, DepthwiseParams


class DepthwiseNine(Depthwise):
    name = "depthwise_nine"
    kernel = "depthwise_nine"
    saturation = 0.5
    consts: ClassVar[tuple[Const, ...]] = (*Depthwise.consts, REST)
    variants: ClassVar[tuple[Variant, ...]] = ()
    tflite: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def stored(cls, p: DepthwiseParams, consts: Mapping[str, Array]) -> Packed:
        weights = consts["weights"].reshape(p.kernel_h * p.kernel_w, -1)
        return split(p, consts, weights.T, consts["weights"])

    @classmethod
    def cases(cls) -> list[Case]:
        def case(
            name: str, x: Shape, w: Shape, zero: int, padding: str = "SAME", stride: int = 1
        ) -> Case:
            rows = tflite_axis(padding, x[0], w[1], stride, 1)
            columns = tflite_axis(padding, x[1], w[2], stride, 1)
            attrs = {**window_attrs(rows, columns), "activation": "NONE"}
            return nine_bit_case(cls, name, (1, *x), w, attrs, zero, channel_axis=3)

        return [
            case("same3x3", (4, 5, 6), (1, 3, 3, 6), 204),
            case("strided", (5, 6, 3), (1, 3, 3, 3), 61, stride=2),
            case("multiplier", (3, 3, 2), (1, 2, 3, 6), 0, padding="VALID"),
            case("highest_zero", (2, 4, 5), (1, 1, 3, 5), 255),
        ]
