"""Transposed 2-D convolution of int16 activations with int8 weights.

    out[y, x, o] = rescale(bias[o] + sum over (i, j, c) of
                           in[(y + pt - i) / sh, (x + pl - j) / sw, c] * w[o, i, j, c])

where both quotients are whole and inside the input. Phases as in `transpose_conv`, sums and `rescale`
as in `edgekit/families/wide.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.families import weighted, wide
from edgekit.families.wide import Wide
from edgekit.families.window import activation_range
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Cost, c_field, int16_pair
from edgekit.ops.transpose_conv import (
    TransposeConv,
    TransposeWindowParams,
    phases,
    scattered,
    transpose_window,
    unphased,
)


@dataclass(frozen=True)
class TransposeConvWideParams(TransposeWindowParams):
    wide: int = c_field("int32_t", "1 where sums have 64 bits and multipliers 15")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


class TransposeConvWide(Wide):
    name = "transpose_conv_s16"
    kernel = "transpose_conv"
    narrow = TransposeConv
    signature = "rows"
    Params = TransposeConvWideParams
    consts = wide.weighted_consts("by phase: [out_c][its rows][its columns][in_c]", "[out_c]")

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int16_pair(node, graph)
        x, w, out = (graph.value(n) for n in (*node.inputs[:2], node.outputs[0]))
        low, high = activation_range(node, out)
        assert w.data is not None
        scales = weighted.effective_scales(node, graph, channel_axis=0)
        consts, is_wide = wide.sums(node, graph, w.data, scales)
        params = TransposeConvWideParams(
            **transpose_window(node, graph), wide=is_wide, out_min=low, out_max=high
        )
        parts = [part.reshape(-1) for part in phases(params, w.data)]
        consts["weights"] = np.concatenate(parts)
        return IntNode(node.name, cls, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(
        cls, p: TransposeConvWideParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.in_w, p.in_c).astype(np.int64)
        stride, pad = (p.stride_h, p.stride_w), (p.pad_top, p.pad_left)
        total = scattered(x, unphased(p, consts["weights"]), (p.out_h, p.out_w), stride, pad)
        return [wide.rescaled(p, consts, total + consts["bias"])[:, None]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, TransposeConvWideParams)
        rows, columns = -(-p.kernel_h // p.stride_h), -(-p.kernel_w // p.stride_w)
        macs = p.in_h * p.in_w * p.in_c * p.kernel_h * p.kernel_w * p.out_c
        return Cost(macs, 2 * rows * columns * p.in_c)

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls)
