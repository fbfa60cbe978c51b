"""2-D convolution whose weights flash holds as a stream of bits.

The formula of `conv2d`; weights are decoded from the stream, some channels at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from edgekit import instructions
from edgekit.cases import coded_cases
from edgekit.families.coded import CODE, STREAM, CodedOp, CodeParams
from edgekit.graph import IntNode, Value
from edgekit.isa import dsp_coded
from edgekit.op import Array, Case, Const, Cost, Params, Variant
from edgekit.ops.conv2d import Conv2d, Conv2dParams


@dataclass(frozen=True)
class Conv2dCodedParams(CodeParams, Conv2dParams):
    pass


class Conv2dCoded(CodedOp, Conv2d):
    name = "conv2d_coded"
    kernel = "conv2d_coded"
    Params: ClassVar[type[Params]] = Conv2dCodedParams  # type: ignore[assignment]
    consts: ClassVar[tuple[Const, ...]] = (STREAM, CODE, *Conv2d.consts[1:])
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("dsp", ("dsp",), dsp_coded.conv2d_shares_lanes,
                partial(dsp_coded.pack_conv2d, mixed=True), Conv2dCodedParams,
                (STREAM, CODE, dsp_coded.PAIRS), dsp_coded.conv2d_scratch,
                instructions=instructions.conv2d_coded_dsp),
        Variant("dsp_bytes", ("dsp",), dsp_coded.conv2d_fits,
                partial(dsp_coded.pack_conv2d, mixed=False), Conv2dCodedParams,
                (STREAM, CODE, dsp_coded.PAIRS), dsp_coded.conv2d_scratch,
                instructions=instructions.conv2d_coded_dsp),
    )  # fmt: skip

    @classmethod
    def taps(cls, p: Conv2dCodedParams) -> int:
        return p.kernel_h * p.kernel_w * p.in_c

    @classmethod
    def layout(cls, p: Conv2dCodedParams, rows: Array) -> Array:
        return rows.reshape(p.out_c, p.kernel_h, p.kernel_w, p.in_c)

    @classmethod
    def suits(cls, node: IntNode) -> bool:
        return True

    @classmethod
    def lingers(cls, p: Conv2dParams) -> bool:
        return False

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        """Scratch holds the table, a tile and the channel that may join the last one, and windows."""
        p = node.params
        assert isinstance(p, Conv2dCodedParams)
        tile = -(-(p.tile + 1) * cls.taps(p) // 4) * 4
        plain = super().cost(node, values)
        return Cost(plain.macs, (2 << p.window) + tile + plain.scratch)

    @classmethod
    def cases(cls) -> list[Case]:
        return coded_cases(
            cls, Conv2d, "pointwise_odd pointwise_single pointwise_stride2 same3x3 same3x3_stride2 dilated "
            "time_axis lanes_3_pixels_28_taps lanes_rounded_once window_larger_than_input "
            "first_layer_10x4 groups_5_pixels_71_taps_31 groups_4_pixels_104_taps_33 windows_of_19 "
            "windows_of_three lanes_edges windows_of_40",
        )  # fmt: skip
