"""Depthwise 2-D convolution with any channel multiplier.

    out[y, x, c*m + j] = requantize(bias[c*m + j] + sum over (i, k) of
        (in[y*sh - pt + i*dh, x*sw - pl + k*dw, c] - zero_in) * w[i, k, c*m + j]) + zero_out

Cells outside the input read as zero_in. Operands: input [1, H, W, C] int8, weights [1, KH, KW, C*m]
int8 (zero point 0), bias [C*m] int32 or absent. With one input channel it is a convolution, and is
run as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from edgekit import fixed, instructions
from edgekit.channels import Bounds, Spare, kept, output_bounds, without_outputs
from edgekit.families import weighted
from edgekit.families.nibbles import suffix
from edgekit.families.nine_bits import NINE_BITS
from edgekit.families.window import (
    ConvolutionParams,
    axes_of,
    convolution_params,
    patches,
    real_activation,
    tap_bounds,
    tflite_axis,
    window_attrs,
    window_axes,
)
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import dsp, mve, neon, rv32, v6m
from edgekit.op import (
    Array,
    Case,
    Const,
    Cost,
    Op,
    Params,
    Shape,
    Variant,
    c_field,
    int8_pair,
    load_ops,
    require,
)
from edgekit.ops.conv2d import Conv2dParams


@dataclass(frozen=True)
class DepthwiseParams(ConvolutionParams):
    multiplier_c: int = c_field("int32_t", "output channels per input channel")


@dataclass(frozen=True)
class DepthwiseNeonParams(DepthwiseParams):
    rescaling: int = c_field("int32_t", "how sums become outputs, see ek_neon.h")


class Depthwise(Op):
    name = "depthwise"
    kernel = "depthwise"
    wide = "depthwise_s16"
    signature = "rows"
    Params = DepthwiseParams
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights", "int8_t", "[kernel_h][kernel_w][in_c * multiplier_c]", weights=True),
        Const("bias", "int32_t", "[in_c * multiplier_c], input zero point folded in"),
        Const("multiplier", "int32_t", "[in_c * multiplier_c]"),
        Const("shift", "int8_t", "[in_c * multiplier_c], positive is left"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("mve", ("mve",), mve.depthwise_fits, mve.pack_depthwise, DepthwiseParams,
                mve.DEPTHWISE, mve.depthwise_scratch, instructions=instructions.depthwise_mve),
        Variant("dsp3x3", ("dsp",), dsp.depthwise3x3_fits, dsp.pack_depthwise3x3, DepthwiseParams,
                (dsp.ROWS, dsp.SCALES), dsp.depthwise3x3_scratch,
                instructions=instructions.depthwise_dsp3x3),
        Variant("dsp", ("dsp",), dsp.depthwise_fits, dsp.pack_depthwise, DepthwiseParams,
                (dsp.TAPS, dsp.SUMS), dsp.depthwise_scratch,
                instructions=instructions.depthwise_dsp),
        Variant("v6m", ("armv6m",), v6m.depthwise_fits, v6m.pack_depthwise, DepthwiseParams,
                v6m.DEPTHWISE, v6m.depthwise_scratch, instructions=instructions.depthwise_v6m),
        Variant("rv32", ("rv32",), rv32.depthwise_fits, rv32.pack_depthwise, DepthwiseParams,
                rv32.DEPTHWISE, rv32.depthwise_scratch, instructions=instructions.depthwise_rv32),
        Variant("neon_dot", ("neon_dot",), neon.depthwise_dot_fits,
                partial(neon.pack_depthwise_dot, DepthwiseNeonParams), DepthwiseNeonParams,
                neon.COLUMNS_OF_3, instructions=instructions.depthwise_neon_dot),
        Variant("neon", ("neon",), neon.depthwise_fits,
                partial(neon.pack_depthwise, DepthwiseNeonParams), DepthwiseNeonParams,
                neon.BLOCKS, neon.depthwise_scratch,
                instructions=instructions.depthwise_neon),
    )  # fmt: skip
    tflite: ClassVar[tuple[str, ...]] = ("DEPTHWISE_CONV_2D",)
    channel_axis = 3

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        weighted.check_operands(node, graph)
        x, w = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
        require(len(x) == 4 and x[0] == 1, "an input of shape [1, H, W, C]", node, x)
        require(w[0] == 1 and x[3] > 0 and w[3] % x[3] == 0,
                "weights [1, KH, KW, a multiple of the input's channels]", node, (x, w))  # fmt: skip
        padding, a = node.attrs["padding"], node.attrs
        rows = tflite_axis(padding, x[1], w[1], a["stride_h"], a["dilation_h_factor"])
        columns = tflite_axis(padding, x[2], w[2], a["stride_w"], a["dilation_w_factor"])
        attrs = {**window_attrs(rows, columns), "activation": a["fused_activation_function"]}
        if a.get("float32_product"):
            attrs["float32_product"] = True
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, w = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
        rows, columns = window_axes(node, x, (w[1], w[2]))
        return [(x[0], rows.out, columns.out, w[3])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x = inputs[0]
        w = weighted.real_weights(node, graph, x.dtype)[0]
        rows, columns = window_axes(node, x.shape, w.shape[:2])
        window = patches(x, rows, columns, 0)
        channels = w.reshape(*w.shape[:2], x.shape[3], -1)
        total = np.zeros((*window.shape[:3], *channels.shape[2:]), x.dtype)
        for i, j in np.ndindex(w.shape[:2]):
            total += window[:, :, :, i, j, :, None] * channels[i, j]
        total = total.reshape(*total.shape[:3], -1) + weighted.real_bias(node, graph, 3, x.dtype)
        return [real_activation(node, total)]

    @classmethod
    def windows(cls, node: Node, graph: Graph, x: Array) -> Array:
        w = graph.value(node.inputs[1]).shape
        found = patches(x, *window_axes(node, x.shape, (w[1], w[2])), 0)
        return np.moveaxis(found, -1, 0).reshape(x.shape[-1], -1, w[1] * w[2])

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, w, out = (graph.value(n) for n in (*node.inputs[:2], node.outputs[0]))
        rows, columns = window_axes(node, x.shape, (w.shape[1], w.shape[2]))
        assert w.data is not None
        scales = weighted.effective_scales(node, graph, 3, NINE_BITS)
        consts = weighted.integer_consts(node, graph, np.moveaxis(w.data, 3, 0), scales)
        shared = convolution_params(node, x, out, rows, columns)
        if x.shape[3] == 1:
            # integer_consts has put the output channel first: [O, 1, KH, KW] is OHWI up to order.
            consts["weights"] = np.moveaxis(consts["weights"], 1, 3).copy()
            params: Params = Conv2dParams(out_c=w.shape[3], **shared)
            op = load_ops()[f"conv2d{suffix(w)}"]
            return IntNode(node.name, op, params, (x.name,), node.outputs, consts)
        consts["weights"] = w.data[0]
        params = DepthwiseParams(multiplier_c=w.shape[3] // x.shape[3], **shared)
        op = load_ops()[f"depthwise{suffix(w)}"]
        return IntNode(node.name, op, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(cls, p: DepthwiseParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.in_w, p.in_c)
        window = patches(x, *axes_of(p), p.input_zero)
        w = consts["weights"].reshape(p.kernel_h, p.kernel_w, p.in_c, p.multiplier_c)
        total = np.zeros((*window.shape[:3], p.in_c, p.multiplier_c), np.int32)
        for i in range(p.kernel_h):
            for j in range(p.kernel_w):
                total += window[:, :, :, i, j, :, None].astype(np.int32) * w[i, j]
        flat = total.reshape(*total.shape[:3], -1).astype(np.int64) + consts["bias"]
        scaled = fixed.requantize(flat, consts["multiplier"], consts["shift"]) + p.output_zero
        return [fixed.saturate(scaled, p.out_min, p.out_max)[:, None]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, DepthwiseParams)
        taps = p.kernel_h * p.kernel_w
        # The kernel lists the taps of a window, two 32-bit offsets each.
        return Cost(macs=p.out_h * p.out_w * p.in_c * p.multiplier_c * taps, scratch=8 * taps)

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p = node.params
        assert isinstance(p, DepthwiseParams)
        w = node.consts["weights"].reshape(p.kernel_h, p.kernel_w, p.in_c, p.multiplier_c)
        taps = tap_bounds(p, inputs[0])
        ends = np.stack([taps.low, taps.high])[..., None] * w
        low, high = (end.sum(axis=(0, 1)).reshape(-1) for end in (ends.min(axis=0), ends.max(axis=0)))  # fmt: skip
        return [output_bounds(Bounds(low, high), node.consts, p)]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        (x,), (out,) = spare
        if len(x) == 1:  # as a convolution, whose output channels each read all there is
            return Spare([x & out.all()], [out])
        both = x & out.reshape(len(x), -1).all(axis=1)
        return Spare([both], [np.repeat(both, len(out) // len(x))])

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p, ((x,), (out,)) = node.params, spare
        assert isinstance(p, DepthwiseParams)
        weights = node.consts["weights"].reshape(p.kernel_h, p.kernel_w, -1)
        consts = without_outputs(node.consts, out) | {"weights": kept(weights, out)}
        in_c = int((~x).sum())
        shape = replace(p, in_c=in_c, multiplier_c=int((~out).sum()) // in_c)
        return replace(node, params=shape, consts=consts)

    @classmethod
    def cases(cls) -> list[Case]:
        from edgekit.cases import weighted_case

        def case(name: str, x: Shape, kernel: Shape, channels: int, **options: int | str) -> Case:
            padding = str(options.pop("padding", "SAME"))
            stride, dilation = int(options.pop("stride", 1)), int(options.pop("dilation", 1))
            rows = tflite_axis(padding, x[0], kernel[0], stride, dilation)
            columns = tflite_axis(padding, x[1], kernel[1], stride, dilation)
            attrs = {**window_attrs(rows, columns), "activation": options.pop("activation", "NONE")}
            return weighted_case(cls, name, (1, *x), (1, *kernel, channels), attrs,
                                 channel_axis=3, **options)  # type: ignore[arg-type]  # fmt: skip

        return [
            case("same3x3", (6, 7, 8), (3, 3), 8),
            case("same3x3_odd_channels", (5, 4, 5), (3, 3), 5, input_zero=127, activation="RELU"),
            case("stride2", (8, 9, 4), (3, 3), 4, stride=2, input_zero=-128),
            case("valid5x5", (7, 8, 3), (5, 5), 3, padding="VALID", per_channel=False),
            case("multiplier2", (5, 5, 3), (3, 3), 6, activation="RELU6"),
            case("multiplier3_stride2", (6, 5, 2), (3, 3), 6, stride=2),
            case("one_input_channel", (9, 8, 1), (4, 3), 8, stride=2, input_zero=5),
            case("dilated", (9, 8, 3), (3, 3), 3, dilation=2),
            case("time_axis", (30, 1, 7), (5, 1), 7, padding="VALID", bias=False),
            case("width_axis", (1, 12, 6), (1, 5), 6),
            case("single_window", (13, 1, 6), (13, 1), 6, padding="VALID"),
            case("window_larger_than_input", (2, 2, 3), (5, 5), 3),
            *(
                case(f"columns_{w}", (4, w, c), (3, 3), c, padding=p, input_zero=z)
                for w, c, p, z in (
                    (1, 4, "SAME", 0),
                    (2, 5, "SAME", -128),
                    (3, 7, "VALID", 127),
                    (4, 8, "SAME", 127),
                    (5, 6, "VALID", -128),
                )
            ),
            *(
                case(f"columns_{w}_stride2", (5, w, 4), (3, 3), 4, stride=2, input_zero=-128)
                for w in (1, 2, 3, 6)
            ),
            case("rounded_once", (5, 6, 8), (3, 3), 8, one_rounding=True),
            case(
                "time_axis_rounded_once", (9, 1, 5), (4, 1), 5, one_rounding=True, activation="RELU"
            ),
            case("one_cell", (1, 1, 2), (1, 1), 2),
            *(
                case(f"blocks_of_{c}_stride_{n}", (4, w, c), (3, 3), c, stride=n, input_zero=z)
                for c, w, n, z in (
                    (8, 3, 1, -128),
                    (9, 5, 2, 127),
                    (15, 4, 1, 0),
                    (16, 1, 1, -128),
                    (17, 2, 2, 5),
                    (24, 6, 3, 127),
                    (25, 7, 1, -128),
                    (40, 5, 2, -9),
                )
            ),
            case(
                "blocks_rounded_once", (4, 5, 19), (3, 3), 19, one_rounding=True, activation="RELU"
            ),
            case("blocks_dilated", (7, 8, 16), (3, 3), 16, dilation=2, input_zero=-128),
            case("blocks_5x5", (6, 7, 17), (5, 5), 17, input_zero=127, activation="RELU6"),
            case("blocks_time_axis", (12, 1, 20), (5, 1), 20, padding="VALID"),
            case("blocks_2x4", (5, 9, 9), (2, 4), 9, stride=2, input_zero=-128),
        ]
