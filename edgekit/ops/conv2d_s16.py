"""2-D convolution of int16 activations with int8 weights.

    out[y, x, o] = rescale(bias[o] + sum over (i, j, c) of
                           in[y*sh - pt + i*dh, x*sw - pl + j*dw, c] * w[o, i, j, c])

Cells outside the input read as 0. Sums and `rescale` are those of `edgekit/families/wide.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.families import weighted, wide
from edgekit.families.wide import Wide, WideWindowParams
from edgekit.families.window import axes_of, patches, window_axes, window_params
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Cost, c_field, int16_pair
from edgekit.ops.conv2d import Conv2d


@dataclass(frozen=True)
class Conv2dWideParams(WideWindowParams):
    out_c: int = c_field("int32_t", "output channels")
    pointwise: int = c_field(
        "int32_t", "1 where pixel x of the input alone makes pixel x of the output"
    )


class Conv2dWide(Wide):
    name = "conv2d_s16"
    kernel = "conv2d"
    narrow = Conv2d
    signature = "rows"
    Params = Conv2dWideParams
    consts = wide.weighted_consts("[out_c][kernel_h][kernel_w][in_c]", "[out_c]")

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        w = graph.value(node.inputs[1])
        assert w.data is not None
        return cls.layer(node, graph, w.data, channel_axis=0)

    @classmethod
    def layer(cls, node: Node, graph: Graph, weights: Array, channel_axis: int) -> IntNode:
        """The node for weights [O, KH, KW, C], whose scales lie along an axis of the source's."""
        int16_pair(node, graph)
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        rows, columns = window_axes(node, x.shape, (weights.shape[1], weights.shape[2]))
        scales = weighted.effective_scales(node, graph, channel_axis)
        consts, is_wide = wide.sums(node, graph, weights, scales)
        window = window_params(node, x, out, rows, columns)
        plain = (rows.kernel, columns.kernel, rows.stride, columns.stride) == (1, 1, 1, 1)
        unpadded = not any((rows.before, rows.after, columns.before, columns.after))
        params = Conv2dWideParams(
            **window, dilation_h=rows.dilation, dilation_w=columns.dilation, wide=is_wide,
            out_c=len(weights), pointwise=int(plain and unpadded),
        )  # fmt: skip
        return IntNode(node.name, cls, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(cls, p: Conv2dWideParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.in_w, p.in_c)
        window = patches(x, *axes_of(p), 0)
        k = p.kernel_h * p.kernel_w * p.in_c
        columns = window.reshape(len(x) * p.out_h * p.out_w, k)
        total = wide.product(columns, consts["weights"].reshape(p.out_c, k)) + consts["bias"]
        return [wide.rescaled(p, consts, total).reshape(len(x), 1, p.out_h, p.out_w, p.out_c)]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, Conv2dWideParams)
        taps = p.kernel_h * p.kernel_w * p.in_c
        macs = p.out_h * p.out_w * p.out_c * taps
        return Cost(macs=macs, scratch=0 if p.pointwise else 2 * taps)

    @classmethod
    def cases(cls) -> list[Case]:
        plain = (case for case in Conv2d.cases() if not case.name.startswith(("lanes_", "groups_")))
        return wide.cases(cls, list(plain))
