"""2-D convolution (1-D with a height or width of 1).

    out[y, x, o] = requantize(bias[o] + sum over (i, j, c) of
                   (in[y*sh - pt + i*dh, x*sw - pl + j*dw, c] - zero_in) * w[o, i, j, c]) + zero_out

Cells outside the input read as zero_in. Operands: input [1, H, W, C] int8, weights [O, KH, KW, C]
int8 (zero point 0), bias [O] int32 or absent. The zero point of the input is folded into the bias.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from edgekit import fixed, instructions
from edgekit.channels import (
    Bounds,
    Spare,
    dot_bounds,
    foldable,
    folded_bias,
    kept,
    output_bounds,
    regroup,
    without_outputs,
)
from edgekit.families import weighted
from edgekit.families.nibbles import suffix
from edgekit.families.nine_bits import NINE_BITS
from edgekit.families.window import (
    ConvolutionParams,
    axes_of,
    convolution_params,
    exact_matmul,
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
    Shape,
    Variant,
    c_field,
    int8_pair,
    load_ops,
    require,
)
from edgekit.sketch import Sketch

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class Conv2dParams(ConvolutionParams):
    out_c: int = c_field("int32_t", "output channels")

    @property
    def pointwise(self) -> bool:
        """Whether pixel x of the input alone makes pixel x of the output."""
        shape = (self.kernel_h, self.kernel_w, self.stride_h, self.stride_w)
        padded = self.pad_top + self.pad_left > 0
        return (
            shape == (1, 1, 1, 1)
            and not padded
            and (self.out_h, self.out_w) == (self.in_h, self.in_w)
        )


@dataclass(frozen=True)
class Conv2dNeonParams(Conv2dParams):
    rescaling: int = c_field("int32_t", "how sums become outputs, see ek_neon.h")
    layout: int = c_field("int32_t", "of the windows, see ek_neon_conv2d.h")
    windows: int = c_field("int32_t", "where they begin in the scratch")


class Conv2d(Op):
    name = "conv2d"
    kernel = "conv2d"
    wide = "conv2d_s16"
    signature = "rows"
    Params = Conv2dParams
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights", "int8_t", "[out_c][kernel_h][kernel_w][in_c]", weights=True),
        Const("bias", "int32_t", "[out_c], input zero point folded in"),
        Const("multiplier", "int32_t", "[out_c]"),
        Const("shift", "int8_t", "[out_c], positive is left"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("mve", ("mve",), mve.dense_fits, mve.pack_dense, Conv2dParams, mve.DENSE,
                mve.conv2d_scratch, together=True, instructions=instructions.conv2d_mve),
        Variant("dsp", ("dsp",), dsp.conv2d_shares_lanes, partial(dsp.pack_conv2d, mixed=True),
                Conv2dParams, (dsp.WEIGHTS, dsp.PAIRS), dsp.conv2d_scratch,
                instructions=instructions.conv2d_dsp),
        Variant("dsp_bytes", ("dsp",), dsp.conv2d_fits, partial(dsp.pack_conv2d, mixed=False),
                Conv2dParams, (dsp.WEIGHTS, dsp.PAIRS), dsp.conv2d_scratch,
                instructions=instructions.conv2d_dsp),
        Variant("dsp_two", ("dsp",), dsp.conv2d_shares_lanes, partial(dsp.pack_conv2d, mixed=True),
                Conv2dParams, (dsp.WEIGHTS, dsp.PAIRS), partial(dsp.conv2d_scratch, tile=2),
                instructions=instructions.conv2d_dsp_two),
        Variant("v6m", ("armv6m",), v6m.conv2d_fits, v6m.pack_conv2d, Conv2dParams, v6m.CONV2D,
                v6m.conv2d_scratch, instructions=instructions.conv2d_v6m),
        Variant("rv32", ("rv32",), rv32.dense_fits, rv32.pack_dense, Conv2dParams, rv32.DENSE,
                rv32.conv2d_scratch, instructions=instructions.conv2d_rv32),
        Variant("neon_dot", ("neon_dot",), neon.conv2d_dot_fits,
                partial(neon.pack_conv2d, Conv2dNeonParams, dot=True), Conv2dNeonParams,
                neon.CONSTS, neon.conv2d_scratch, together=True,
                instructions=instructions.conv2d_neon_dot),
        Variant("neon", ("neon",), neon.conv2d_fits,
                partial(neon.pack_conv2d, Conv2dNeonParams, dot=False), Conv2dNeonParams,
                neon.CONSTS, neon.conv2d_scratch, together=True,
                instructions=instructions.conv2d_neon),
    )  # fmt: skip
    tflite: ClassVar[tuple[str, ...]] = ("CONV_2D",)
    instead: ClassVar[Mapping[str, str]] = {
        "CONV_3D": "fold the depth into the channels, or convolve slice by slice and add",
    }
    onnx: ClassVar[tuple[str, ...]] = ("Conv",)
    channel_axis = 0
    coupling = "mix"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        weighted.check_operands(node, graph)
        x, w = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
        require(len(x) == 4 and x[0] == 1, "an input of shape [1, H, W, C]", node, x)
        groups = x[3] // max(w[3], 1)
        require(groups >= 1 and w[3] * groups == x[3] and w[0] % groups == 0,
                "weights with the input's channels, or those of one of its groups", node, (x, w))  # fmt: skip
        padding, a = node.attrs["padding"], node.attrs
        rows = tflite_axis(padding, x[1], w[1], a["stride_h"], a["dilation_h_factor"])
        columns = tflite_axis(padding, x[2], w[2], a["stride_w"], a["dilation_w_factor"])
        attrs = {**window_attrs(rows, columns), "activation": a["fused_activation_function"]}
        if a.get("float32_product"):
            attrs["float32_product"] = True
        if groups > 1:
            return weighted.grouped(Sketch(node, graph), cls.name, attrs, groups)
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        weighted.import_conv(node, draft)

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, w = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
        rows, columns = window_axes(node, x, (w[1], w[2]))
        return [(x[0], rows.out, columns.out, w[0])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x = inputs[0]
        w = weighted.real_weights(node, graph, x.dtype)
        rows, columns = window_axes(node, x.shape, (w.shape[1], w.shape[2]))
        window = patches(x, rows, columns, 0)
        taps = window.reshape(-1, w[0].size)
        total = taps @ w.reshape(len(w), -1).T + weighted.real_bias(node, graph, 0, x.dtype)
        return [real_activation(node, total.reshape(*window.shape[:3], len(w)))]

    @classmethod
    def windows(cls, node: Node, graph: Graph, x: Array) -> Array:
        w = graph.value(node.inputs[1]).shape
        found = patches(x, *window_axes(node, x.shape, (w[1], w[2])), 0)
        return found.reshape(1, -1, w[1] * w[2] * w[3])

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, w, out = (graph.value(n) for n in (*node.inputs[:2], node.outputs[0]))
        rows, columns = window_axes(node, x.shape, (w.shape[1], w.shape[2]))
        shared = convolution_params(node, x, out, rows, columns)
        params = Conv2dParams(**shared, out_c=w.shape[0])
        assert w.data is not None
        scales = weighted.effective_scales(node, graph, 0, NINE_BITS)
        consts = weighted.integer_consts(node, graph, w.data, scales)
        op = load_ops()[f"conv2d{suffix(w)}"]
        return IntNode(node.name, op, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(cls, p: Conv2dParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.in_w, p.in_c)
        window = patches(x, *axes_of(p), p.input_zero)
        k = p.kernel_h * p.kernel_w * p.in_c
        columns = window.reshape(len(x) * p.out_h * p.out_w, k)
        total = exact_matmul(columns, consts["weights"].reshape(p.out_c, k)) + consts["bias"]
        scaled = fixed.requantize(total, consts["multiplier"], consts["shift"]) + p.output_zero
        out = fixed.saturate(scaled, p.out_min, p.out_max)
        return [out.reshape(len(x), 1, p.out_h, p.out_w, p.out_c)]

    @classmethod
    def lingers(cls, p: Conv2dParams) -> bool:
        """A run of pixels is taken in pairs, across the ends of rows that have an odd number."""
        return p.kernel_h == p.kernel_w == 1 and p.out_w % 2 == 1

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, Conv2dParams)
        taps = p.kernel_h * p.kernel_w * p.in_c
        # The kernel gathers the patches of two pixels, except where a patch is a pixel.
        scratch = 0 if p.pointwise else 2 * taps
        return Cost(macs=p.out_h * p.out_w * p.out_c * taps, scratch=scratch)

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p, taps, weights = _flat(node, inputs[0])
        return [output_bounds(dot_bounds(weights, taps), node.consts, p)]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        p, taps, weights = _flat(node, inputs[0])
        (x,), (out,) = spare
        known = foldable(weights[~out], taps).reshape(-1, p.in_c).all(axis=0)
        return Spare([x & known], [out])

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p, taps, weights = _flat(node, inputs[0])
        (x,), (out,) = spare
        gone = regroup(x, weights.shape[1])
        bias = folded_bias(node.consts["bias"], weights, taps, gone)
        consts = without_outputs({**node.consts, "bias": bias}, out)
        consts["weights"] = kept(node.consts["weights"][~out], x)
        out_c, _, _, in_c = consts["weights"].shape
        return replace(node, params=replace(p, in_c=in_c, out_c=out_c), consts=consts)

    @classmethod
    def cases(cls) -> list[Case]:
        from edgekit.cases import weighted_case

        def case(name: str, x: Shape, w: Shape, **options: int | str) -> Case:
            padding = str(options.pop("padding", "SAME"))
            stride, dilation = int(options.pop("stride", 1)), int(options.pop("dilation", 1))
            rows = tflite_axis(padding, x[0], w[1], stride, dilation)
            columns = tflite_axis(padding, x[1], w[2], stride, dilation)
            attrs = {**window_attrs(rows, columns), "activation": options.pop("activation", "NONE")}
            return weighted_case(cls, name, (1, *x), w, attrs, **options)  # type: ignore[arg-type]

        return [
            case("pointwise_even", (4, 5, 8), (6, 1, 1, 8)),
            case("pointwise_odd", (3, 3, 7), (5, 1, 1, 7), input_zero=127),
            case("pointwise_single", (1, 1, 1), (1, 1, 1, 1), input_zero=-128),
            case("pointwise_stride2", (5, 5, 4), (3, 1, 1, 4), stride=2),
            case("same3x3", (6, 7, 3), (4, 3, 3, 3), activation="RELU"),
            case("valid3x3", (6, 7, 3), (5, 3, 3, 3), padding="VALID", input_zero=127),
            case("same3x3_stride2", (8, 9, 4), (8, 3, 3, 4), stride=2, activation="RELU6"),
            case("first_layer_10x4", (49, 10, 1), (8, 10, 4, 1), stride=2, input_zero=83),
            case("dilated", (9, 9, 2), (3, 3, 3, 2), dilation=2),
            case("window_larger_than_input", (2, 2, 3), (4, 5, 5, 3), per_channel=False),
            case("time_axis", (30, 1, 5), (4, 3, 1, 5), padding="VALID", bias=False),
            case("width_one_tap", (1, 12, 4), (4, 1, 5, 4), activation="RELU_N1_TO_1"),
            *(
                case(
                    f"lanes_{w}_pixels_{k}_taps",
                    (1, w, k),
                    (o, 1, 1, k),
                    smallest=-127,
                    input_zero=z,
                )
                for w, k, o, z in ((3, 28, 2, -128), (4, 32, 3, 127), (5, 36, 8, 0), (8, 68, 5, -7))
            ),
            case("lanes_rounded_once", (3, 6, 16), (4, 3, 3, 16), smallest=-127, one_rounding=True),
            case("lanes_edges", (5, 9, 3), (6, 3, 3, 3), smallest=-127, stride=2, input_zero=-128),
            case("smallest_weights", (2, 5, 32), (4, 1, 1, 32), input_zero=127, one_rounding=True),
            *(
                case(f"groups_{w}_pixels_{k}_taps_{o}", (1, w, k), (o, 1, 1, k), input_zero=z)
                for w, k, o, z in (
                    (3, 8, 4, -128),
                    (4, 9, 5, 127),
                    (5, 15, 7, 0),
                    (8, 16, 8, -7),
                    (9, 17, 13, 127),
                    (4, 24, 16, -128),
                    (6, 31, 17, 3),
                    (7, 33, 24, -128),
                    (4, 41, 28, 127),
                    (5, 71, 31, 0),
                    (4, 104, 33, 9),
                )
            ),
            case("windows_of_three", (5, 33, 3), (9, 3, 3, 3), stride=2, input_zero=127),
            case("windows_of_six", (5, 9, 6), (8, 3, 3, 6), activation="RELU6", input_zero=-128),
            case("windows_of_16", (4, 6, 16), (20, 3, 3, 16), one_rounding=True),
            case("windows_of_19", (3, 5, 19), (6, 2, 3, 19), input_zero=-128, activation="RELU"),
            case("windows_apart", (7, 9, 12), (8, 3, 3, 12), dilation=2, stride=2),
            case("windows_of_40", (3, 4, 40), (4, 3, 1, 40), padding="VALID", input_zero=127),
        ]


def _flat(node: IntNode, x: Bounds) -> tuple[Conv2dParams, Bounds, Array]:
    """Params, what each tap can read [taps * in_c], and the weights [out_c, taps * in_c]."""
    p = node.params
    assert isinstance(p, Conv2dParams)
    taps = tap_bounds(p, x)
    flat = Bounds(taps.low.reshape(-1), taps.high.reshape(-1))
    return p, flat, node.consts["weights"].reshape(p.out_c, -1)
