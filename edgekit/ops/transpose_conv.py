"""Transposed 2-D convolution (TRANSPOSE_CONV): upsampling with weights.

    out[y, x, o] = requantize(bias[o] + sum over (i, j, c) of
                   (in[(y + pt - i) / sh, (x + pl - j) / sw, c] - zero_in) * w[o, i, j, c]) + zero_out

where both quotients are whole and inside the input. Operands: the output's shape, weights [O, KH, KW, C]
int8 (zero point 0), input [1, H, W, C] int8, bias [O] int32 or absent.

Rows y of one remainder of (y + pt) / sh meet the same taps, columns likewise: each of the sh * sw phases
is a dense convolution with weights and folded bias of its own, and the kernel is that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from edgekit import fixed
from edgekit.cases import weighted_case
from edgekit.families import weighted
from edgekit.families.nibbles import suffix
from edgekit.families.window import (
    activation_range,
    by_sample,
    channels_first,
    real_activation,
    spatial,
    tflite_axis,
)
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import (
    Array,
    Case,
    Const,
    Cost,
    Op,
    Params,
    Shape,
    c_field,
    int8_pair,
    load_ops,
    require,
)

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class TransposeWindowParams(Params):
    """The geometry of a transposed convolution."""

    in_h: int = c_field("int32_t", "input rows")
    in_w: int = c_field("int32_t", "input columns")
    in_c: int = c_field("int32_t", "input channels")
    out_w: int = c_field("int32_t", "output columns")
    out_c: int = c_field("int32_t", "output channels")
    kernel_h: int = c_field("int32_t", "window rows")
    kernel_w: int = c_field("int32_t", "window columns")
    stride_h: int = c_field("int32_t", "output rows per input row")
    stride_w: int = c_field("int32_t", "output columns per input column")
    pad_top: int = c_field("int32_t", "rows cut off above")
    pad_left: int = c_field("int32_t", "columns cut off at the left")
    out_h: int = field(default=0, kw_only=True)

    def reads(self, row: int) -> range:
        last = (row + self.pad_top) // self.stride_h
        taps = -(-(self.kernel_h - (row + self.pad_top) % self.stride_h) // self.stride_h)
        low = min(max(last - max(taps, 0) + 1, 0), self.in_h)
        return range(low, max(low, min(last + 1, self.in_h)))

    def strip(self, rows: range, inputs: range) -> TransposeWindowParams:
        top = self.pad_top + rows.start - inputs.start * self.stride_h
        return replace(self, in_h=len(inputs), out_h=len(rows), pad_top=top)


@dataclass(frozen=True)
class TransposeConvParams(TransposeWindowParams):
    input_zero: int = c_field("int32_t", "zero point of the input")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


def transpose_window(node: Node, graph: Graph) -> dict[str, int]:
    """The fields of `TransposeWindowParams`."""
    x, w, out = (graph.value(n).shape for n in (*node.inputs[:2], node.outputs[0]))
    names = ("stride_h", "stride_w", "pad_top", "pad_left")
    return {
        "in_h": x[1], "in_w": x[2], "in_c": x[3], "out_w": out[2], "out_c": w[0], "kernel_h": w[1],
        "kernel_w": w[2], **{name: node.attrs[name] for name in names}, "out_h": out[1],
    }  # fmt: skip


class TransposeConv(Op):
    name = "transpose_conv"
    kernel = "transpose_conv"
    wide = "transpose_conv_s16"
    signature = "rows"
    Params = TransposeConvParams
    consts: ClassVar[tuple[Const, ...]] = (
        Const(
            "weights",
            "int8_t",
            "phase by phase, [out_c][its rows][its columns][in_c]",
            weights=True,
        ),
        Const("bias", "int32_t", "[stride_h * stride_w][out_c], input zero point folded in"),
        Const("multiplier", "int32_t", "[out_c]"),
        Const("shift", "int8_t", "[out_c], positive is left"),
    )
    tflite: ClassVar[tuple[str, ...]] = ("TRANSPOSE_CONV",)
    instead: ClassVar[Mapping[str, str]] = {
        "CONV_3D_TRANSPOSE": "fold the depth into the channels, or work slice by slice",
    }
    onnx: ClassVar[tuple[str, ...]] = ("ConvTranspose",)
    channel_axis = 0
    coupling = "mix"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        require(len(node.inputs) in (3, 4), "shape, weights, input and an optional bias", node,
                len(node.inputs))  # fmt: skip
        _, weights, data, *bias = node.inputs
        operands = (data, weights, *bias)
        weighted.check_operands(replace(node, inputs=operands), graph)
        x, w, out = (graph.value(n).shape for n in (data, weights, node.outputs[0]))
        require(
            len(x) == len(out) == 4 and x[0] == 1, "an input of shape [1, H, W, C]", node, (x, out)
        )
        a = node.attrs
        strides = a["stride_h"], a["stride_w"]
        require(min(strides) >= 1, "strides of at least 1", node, strides)
        axes = [tflite_axis(a["padding"], out[i + 1], w[i + 1], strides[i]) for i in (0, 1)]
        require(all(axis.out == n for axis, n in zip(axes, x[1:3], strict=True)),
                "an output whose windows are the input's cells", node, (x, out))  # fmt: skip
        attrs = {
            "stride_h": strides[0], "stride_w": strides[1], "pad_top": axes[0].before,
            "pad_left": axes[1].before, "shape": out, "activation": a["fused_activation_function"],
        }  # fmt: skip
        return [Node(node.name, cls.name, operands, node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        x, w = draft.shape(node.inputs[0]), draft.shape(node.inputs[1])
        require(draft.const(node.inputs[1]) is not None, "constant weights", node, node.inputs[1])
        require(len(x) in (3, 4) and len(w) == len(x), "an input of shape [N, C, L] or [N, C, H, W]", node,
                (x, w))  # fmt: skip
        axes = _onnx_axes(node, x[2:], w[2:])
        by_sample(node, draft, lambda data, output: _onnx_layer(node, draft, axes, data, output))

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, w = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
        require(w[3] == x[3], "weights with the input's channels", node, (x, w))
        _, height, width, _ = node.attrs["shape"]
        return [(1, height, width, w[0])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x, a = inputs[0], node.attrs
        w = weighted.real_weights(node, graph, x.dtype)
        total = scattered(
            x, w, a["shape"][1:3], (a["stride_h"], a["stride_w"]), (a["pad_top"], a["pad_left"])
        )
        return [real_activation(node, total + weighted.real_bias(node, graph, 0, x.dtype))]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, w, out = (graph.value(n) for n in (*node.inputs[:2], node.outputs[0]))
        low, high = activation_range(node, out)
        params = TransposeConvParams(
            **transpose_window(node, graph), input_zero=x.zero_point, output_zero=out.zero_point,
            out_min=low, out_max=high,
        )  # fmt: skip
        assert w.data is not None
        scales = weighted.effective_scales(node, graph, channel_axis=0)
        consts = weighted.integer_consts(node, graph, w.data, scales)
        plain = consts["bias"] + x.zero_point * w.data.reshape(len(w.data), -1).sum(1, np.int64)
        parts = phases(params, w.data)
        sums = np.stack([part.reshape(len(part), -1).sum(1, np.int64) for part in parts])
        consts["bias"] = (plain - x.zero_point * sums).astype(np.int32)
        consts["weights"] = np.concatenate([part.reshape(-1) for part in parts])
        op = load_ops()[f"transpose_conv{suffix(w)}"]
        return IntNode(node.name, op, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(
        cls, p: TransposeConvParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(len(inputs[0]), p.in_h, p.in_w, p.in_c).astype(np.int64)
        x = x - p.input_zero
        weights = unphased(p, consts["weights"])
        total = scattered(
            x, weights, (p.out_h, p.out_w), (p.stride_h, p.stride_w), (p.pad_top, p.pad_left)
        )
        # The bias of the first phase, its fold undone.
        first = weights[:, :: p.stride_h, :: p.stride_w].reshape(p.out_c, -1).sum(1, np.int64)
        total = total + consts["bias"][0] + p.input_zero * first
        scaled = fixed.requantize(total, consts["multiplier"], consts["shift"]) + p.output_zero
        return [fixed.saturate(scaled, p.out_min, p.out_max)[:, None]]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, TransposeConvParams)
        rows, columns = -(-p.kernel_h // p.stride_h), -(-p.kernel_w // p.stride_w)
        macs = p.in_h * p.in_w * p.in_c * p.kernel_h * p.kernel_w * p.out_c
        return Cost(macs, rows * columns * p.in_c)

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, w: Shape, stride: int, padding: str = "SAME", act: str = "NONE",
                 **options: int) -> Case:  # fmt: skip
            grown = [
                n * stride if padding == "SAME" else (n - 1) * stride + k
                for n, k in zip(x, w[1:3], strict=False)
            ]
            axes = [tflite_axis(padding, n, k, stride) for n, k in zip(grown, w[1:3], strict=True)]
            attrs = {
                "stride_h": stride, "stride_w": stride, "pad_top": axes[0].before, "pad_left": axes[1].before,
                "shape": (1, *grown, w[0]), "activation": act,
            }  # fmt: skip
            return weighted_case(cls, name, (1, *x), w, attrs, **options)  # type: ignore[arg-type]

        return [
            case("two_by_two", (3, 4, 5), (4, 2, 2, 5), 2),
            case("three_by_three", (4, 3, 3), (5, 3, 3, 3), 2, input_zero=127),
            case("valid", (3, 3, 2), (3, 4, 4, 2), 2, "VALID", bias=False),
            case("stride_one", (4, 5, 3), (2, 3, 3, 3), 1, act="RELU"),
            case("wide_stride", (2, 3, 4), (3, 2, 2, 4), 3, "VALID", input_zero=-128),
            case("single", (1, 1, 1), (1, 3, 3, 1), 2, act="RELU6", per_channel=False),
        ]


class _Axis(NamedTuple):
    """One spatial axis of a transposed convolution: elements before it, cut off in front, and made."""

    stride: int
    dilation: int
    before: int
    out: int


def _onnx_axes(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> list[_Axis]:
    """ONNX's pads, output_padding, output_shape and auto_pad. What an output shape leaves to be cut off
    is divided evenly, an odd one in front but for SAME_UPPER."""
    a, n = node.attrs, len(sizes)
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    extra, pads = a.get("output_padding", [0] * n), a.get("pads", [0] * (2 * n))
    auto, wanted = a.get("auto_pad", "NOTSET"), a.get("output_shape")
    made = []
    for i in range(n):
        full = (sizes[i] - 1) * strides[i] + extra[i] + (kernel[i] - 1) * dilations[i] + 1
        out, before = full - pads[i] - pads[n + i], pads[i]
        if wanted or auto.startswith("SAME"):
            out = int(wanted[-n:][i]) if wanted else sizes[i] * strides[i]
            cut = max(full - out, 0)
            before = cut // 2 if auto == "SAME_UPPER" else cut - cut // 2
        require(
            out >= 1 and before >= 0, "an output with elements, and pads from 0", node, (out, pads)
        )
        made.append(_Axis(strides[i], dilations[i], before, out))
    return made


def _onnx_layer(node: Node, draft: Draft, axes: list[_Axis], data: str, output: str) -> str:
    if int(node.attrs.get("group", 1)) > 1:
        make = partial(_onnx_group, node, draft, axes)
        return weighted.in_groups(node, draft, data, 0, output, make)
    return _onnx_group(node, draft, axes, data, [n for n in node.inputs[1:] if n], output)


def _onnx_group(
    node: Node, draft: Draft, axes: list[_Axis], data: str, constants: Sequence[str], output: str
) -> str:
    rank, (weights, *bias) = len(draft.shape(data)), constants
    w = draft.shape(weights)
    if rank == 3:
        weights, axes = draft.reshape(node, weights, (*w, 1)), [*axes, _Axis(1, 1, 0, 1)]
    weights = _dilated(draft, draft.permute(node, weights, (1, 2, 3, 0)), axes)
    rows, columns = axes
    attrs = {
        "stride_h": rows.stride, "stride_w": columns.stride, "pad_top": rows.before,
        "pad_left": columns.before, "shape": (1, rows.out, columns.out, w[1]), "activation": "NONE",
    }  # fmt: skip
    operands = [spatial(node, draft, data), weights, *bias]
    made = draft.add("transpose_conv", node, operands, attrs)
    return channels_first(node, draft, made, rank, output)


def _dilated(draft: Draft, name: str, axes: list[_Axis]) -> str:
    """Weights [O, H, W, I] with zeros between the taps."""
    value = draft.value(name)
    assert value.data is not None
    steps = [axis.dilation for axis in axes]
    if steps == [1, 1]:
        return name
    o, h, w, i = value.shape
    wide = np.zeros((o, (h - 1) * steps[0] + 1, (w - 1) * steps[1] + 1, i), value.data.dtype)
    wide[:, :: steps[0], :: steps[1]] = value.data
    return draft.constant(name, wide, value.quant)


def phases(p: TransposeWindowParams, weights: Array) -> list[Array]:
    """Per remainder of rows and of columns the taps that meet there, last first: as the input runs."""
    return [
        weights[:, i :: p.stride_h, j :: p.stride_w][:, ::-1, ::-1]
        for i in range(p.stride_h)
        for j in range(p.stride_w)
    ]


def unphased(p: TransposeWindowParams, packed: Array) -> Array:
    """The weights [O, KH, KW, C] whose phases lie one behind the other in `packed`."""
    weights, at = np.zeros((p.out_c, p.kernel_h, p.kernel_w, p.in_c), np.int8), 0
    for part in phases(p, weights):
        part[:] = packed[at : at + part.size].reshape(part.shape)
        at += part.size
    return weights


def scattered(x: Array, w: Array, out: tuple[int, int], stride: tuple[int, int],
               pad: tuple[int, int]) -> Array:  # fmt: skip
    """Sums [N, *out, O]: every input cell adds its window. x [N, H, W, C], w [O, KH, KW, C]."""
    n, height, width, _ = x.shape
    out_c, kernel_h, kernel_w, in_c = w.shape
    products = _product(x.reshape(-1, in_c), w.reshape(-1, in_c))
    products = products.reshape(n, height, width, out_c, kernel_h, kernel_w)
    total = np.zeros((n, *out, out_c), products.dtype)
    for i in range(kernel_h):
        for j in range(kernel_w):
            for row in range(height):
                y = row * stride[0] - pad[0] + i
                columns = np.arange(width) * stride[1] - pad[1] + j
                inside = (columns >= 0) & (columns < out[1])
                if 0 <= y < out[0]:
                    total[:, y, columns[inside]] += products[:, row, ..., i, j][:, inside]
    return total


def _product(x: Array, w: Array) -> Array:
    """``x @ w.T`` in the type of x: of integers in float64, which holds the sums exactly."""
    if x.dtype.kind == "f":
        return x @ w.T
    return np.asarray((x.astype(np.float64) @ w.T.astype(np.float64)).astype(np.int64))
