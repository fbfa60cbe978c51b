"""Depthwise convolution whose weights flash holds as a stream of bits.

The formula of `depthwise`, one output channel per input channel; weights are decoded from the stream, some
channels at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit import instructions
from edgekit.cases import coded_cases
from edgekit.families.coded import CODE, STREAM, CodedOp, CodeParams
from edgekit.graph import IntNode, Value
from edgekit.isa import dsp_coded
from edgekit.op import Array, Case, Const, Cost, Params, Variant
from edgekit.ops.depthwise import Depthwise, DepthwiseParams


@dataclass(frozen=True)
class DepthwiseCodedParams(CodeParams, DepthwiseParams):
    pass


class DepthwiseCoded(CodedOp, Depthwise):
    name = "depthwise_coded"
    kernel = "depthwise_coded"
    multiple = 4
    Params: ClassVar[type[Params]] = DepthwiseCodedParams  # type: ignore[assignment]
    consts: ClassVar[tuple[Const, ...]] = (STREAM, CODE, *Depthwise.consts[1:])
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("dsp3x3", ("dsp",), dsp_coded.depthwise3x3_fits, dsp_coded.pack_depthwise3x3,
                DepthwiseCodedParams, (STREAM, CODE, dsp_coded.SCALES),
                dsp_coded.depthwise3x3_scratch,
                instructions=instructions.depthwise_coded_dsp3x3),
    )  # fmt: skip

    @classmethod
    def rows(cls, weights: Array) -> Array:
        return np.moveaxis(weights, -1, 0).reshape(weights.shape[-1], -1)

    @classmethod
    def layout(cls, p: DepthwiseCodedParams, rows: Array) -> Array:
        return np.moveaxis(rows.reshape(p.in_c, p.kernel_h, p.kernel_w), 0, -1)

    @classmethod
    def taps(cls, p: DepthwiseCodedParams) -> int:
        return p.kernel_h * p.kernel_w

    @classmethod
    def suits(cls, node: IntNode) -> bool:
        p = node.params
        assert isinstance(p, DepthwiseParams)
        return p.multiplier_c == 1

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        """Scratch holds the list of taps, the table, a channel, and a tile with what may join the last."""
        p = node.params
        assert isinstance(p, DepthwiseCodedParams)
        plain, taps = super().cost(node, values), cls.taps(p)
        tile = -(-taps // 4) * 4 + taps * (p.tile + 3)
        return Cost(plain.macs, plain.scratch + (2 << p.window) + tile)

    @classmethod
    def cases(cls) -> list[Case]:
        return coded_cases(
            cls, Depthwise, "same3x3 same3x3_odd_channels stride2 dilated time_axis rounded_once "
            "window_larger_than_input time_axis_rounded_once columns_1 columns_3 columns_5 "
            "columns_6_stride2 blocks_of_25_stride_1 blocks_of_40_stride_2 blocks_5x5 valid5x5",
        )  # fmt: skip
