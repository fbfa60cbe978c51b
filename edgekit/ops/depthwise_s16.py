"""Depthwise 2-D convolution of int16 activations with int8 weights, any channel multiplier.

    out[y, x, c*m + j] = rescale(bias[c*m + j] + sum over (i, k) of
                                 in[y*sh - pt + i*dh, x*sw - pl + k*dw, c] * w[i, k, c*m + j])

Cells outside the input read as 0. Sums and `rescale` are those of `edgekit/families/wide.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.families import weighted, wide
from edgekit.families.wide import Wide, WideWindowParams
from edgekit.families.window import axes_of, patches, window_axes, window_params
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Cost, c_field, int16_pair
from edgekit.ops.conv2d_s16 import Conv2dWide
from edgekit.ops.depthwise import Depthwise


@dataclass(frozen=True)
class DepthwiseWideParams(WideWindowParams):
    multiplier_c: int = c_field("int32_t", "output channels per input channel")


class DepthwiseWide(Wide):
    name = "depthwise_s16"
    kernel = "depthwise"
    narrow = Depthwise
    signature = "rows"
    Params = DepthwiseWideParams
    consts = wide.weighted_consts(
        "[kernel_h][kernel_w][in_c * multiplier_c]", "[in_c * multiplier_c]"
    )

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        x, w, out = (graph.value(n) for n in (*node.inputs[:2], node.outputs[0]))
        assert w.data is not None
        if x.shape[3] == 1:
            return Conv2dWide.layer(node, graph, np.moveaxis(w.data, 3, 0)[:, 0, :, :, None], 3)
        int16_pair(node, graph)
        rows, columns = window_axes(node, x.shape, (w.shape[1], w.shape[2]))
        scales = weighted.effective_scales(node, graph, channel_axis=3)
        consts, is_wide = wide.sums(node, graph, np.moveaxis(w.data, 3, 0), scales)
        params = DepthwiseWideParams(
            **window_params(node, x, out, rows, columns), dilation_h=rows.dilation,
            dilation_w=columns.dilation, wide=is_wide, multiplier_c=w.shape[3] // x.shape[3],
        )  # fmt: skip
        consts["weights"] = w.data[0]
        return IntNode(node.name, cls, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(
        cls, p: DepthwiseWideParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.in_w, p.in_c)
        window = patches(x, *axes_of(p), 0)
        w = consts["weights"].reshape(p.kernel_h, p.kernel_w, p.in_c, p.multiplier_c)
        total = np.zeros((*window.shape[:3], p.in_c, p.multiplier_c), np.int64)
        for i, j in np.ndindex(p.kernel_h, p.kernel_w):
            total += window[:, :, :, i, j, :, None].astype(np.int64) * w[i, j]
        flat = total.reshape(*total.shape[:3], -1) + consts["bias"]
        return [wide.rescaled(p, consts, flat)[:, None]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, DepthwiseWideParams)
        return Cost(macs=p.out_h * p.out_w * p.in_c * p.multiplier_c * p.kernel_h * p.kernel_w)

    @classmethod
    def cases(cls) -> list[Case]:
        return wide.cases(cls)
