"""Geometry of sliding windows and the clamp of fused activations: shared by spatial operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.channels import Bounds
from edgekit.errors import EdgekitError
from edgekit.fixed import round_half_away
from edgekit.graph import Node, Value, limits
from edgekit.op import Params, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class WindowParams(Params):
    """Run-time parameters of every kernel with a window; taps are neighbours unless a subclass
    says otherwise."""

    in_h: int = c_field("int32_t", "input rows")
    in_w: int = c_field("int32_t", "input columns")
    in_c: int = c_field("int32_t", "input channels")
    out_h: int = c_field("int32_t", "output rows")
    out_w: int = c_field("int32_t", "output columns")
    kernel_h: int = c_field("int32_t", "window rows")
    kernel_w: int = c_field("int32_t", "window columns")
    stride_h: int = c_field("int32_t", "rows between windows")
    stride_w: int = c_field("int32_t", "columns between windows")
    pad_top: int = c_field("int32_t", "padding rows above")
    pad_left: int = c_field("int32_t", "padding columns at the left")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")

    dilation_h = 1
    dilation_w = 1

    @property
    def covers_input(self) -> bool:
        """Whether the only window holds all of the input."""
        rows, columns = self.kernel_h - self.pad_top, self.kernel_w - self.pad_left
        return self.out_h == self.out_w == 1 and rows >= self.in_h and columns >= self.in_w

    def reads(self, row: int) -> range:
        top = row * self.stride_h - self.pad_top
        end = top + (self.kernel_h - 1) * self.dilation_h + 1
        low = max(top, 0)
        return range(low, max(low, min(end, self.in_h)))

    def strip(self, rows: range, inputs: range) -> WindowParams:
        top = rows.start * self.stride_h - self.pad_top
        return replace(self, in_h=len(inputs), out_h=len(rows), pad_top=inputs.start - top)


@dataclass(frozen=True)
class ConvolutionParams(WindowParams):
    """What convolutions have beside their window."""

    dilation_h: int = c_field("int32_t", "rows between taps")
    dilation_w: int = c_field("int32_t", "columns between taps")
    input_zero: int = c_field("int32_t", "zero point of the input")
    output_zero: int = c_field("int32_t", "zero point of the output")


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a window: sizes in elements, padding before and after."""

    size: int
    kernel: int
    stride: int
    dilation: int = 1
    before: int = 0
    after: int = 0
    # Of `after`, what the source declares; the rest is reached by rounding up.
    declared: int = 0

    @property
    def out(self) -> int:
        """Number of window positions (floor form)."""
        extent = (self.kernel - 1) * self.dilation + 1
        return (self.size + self.before + self.after - extent) // self.stride + 1


def tflite_axis(padding: str, size: int, kernel: int, stride: int, dilation: int = 1) -> Axis:
    """TensorFlow's SAME (``out = ceil(size / stride)``, odd cell at the end) or VALID."""
    if padding == "VALID":
        return Axis(size, kernel, stride, dilation)
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return Axis(size, kernel, stride, dilation, total // 2, total - total // 2)


def onnx_axes(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> list[Axis]:
    """The spatial axes of an ONNX window: pads, auto_pad, strides, dilations, ceil_mode.

    With ceil_mode a window may hang over the end, but never starts behind the input's own padding.
    """
    n, a = len(sizes), node.attrs
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    pads, auto = a.get("pads", [0] * (2 * n)), a.get("auto_pad", "NOTSET")
    require(len(strides) == len(dilations) == n and len(pads) == 2 * n and len(kernel) == n,
            "one kernel size, stride and dilation, and two pads per spatial axis", node, dict(a))  # fmt: skip
    require(min(pads) >= 0, "pads from 0", node, pads)
    require(min(*strides, *dilations, *kernel) >= 1, "kernel, stride and dilation of at least 1", node,
            dict(a))  # fmt: skip
    axes = []
    for i in range(n):
        axis = Axis(
            sizes[i], kernel[i], strides[i], dilations[i], pads[i], pads[n + i], pads[n + i]
        )
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            axis = tflite_axis("SAME", sizes[i], kernel[i], strides[i], dilations[i])
            if auto == "SAME_LOWER":
                axis = replace(axis, before=axis.after, after=axis.before)
        elif auto == "VALID":
            axis = replace(axis, before=0, after=0)
        axes.append(_ceiled(axis) if a.get("ceil_mode", 0) else axis)
    return axes


def _ceiled(axis: Axis) -> Axis:
    extent = (axis.kernel - 1) * axis.dilation + 1
    out = -(-(axis.size + axis.before + axis.after - extent) // axis.stride) + 1
    if (out - 1) * axis.stride >= axis.size + axis.before:
        out -= 1
    reach = (out - 1) * axis.stride + extent - axis.size - axis.before
    return replace(axis, after=max(axis.after, reach))


def spatial(node: Node, draft: Draft, name: str) -> str:
    """A channel-first tensor [1, C, L] or [1, C, H, W] as [1, H, W, C]; L becomes H, W is 1."""
    x = draft.shape(name)
    require(len(x) in (3, 4) and x[0] == 1, "an input of shape [1, C, L] or [1, C, H, W]", node, x)
    if len(x) == 3:
        name = draft.reshape(node, name, (*x, 1))
    return draft.permute(node, name, (0, 2, 3, 1))


def channels_first(
    node: Node, draft: Draft, name: str, rank: int, output: str | None = None
) -> str:
    """A tensor from its [1, H, W, C] form, in the rank of the node's input; the node's output unless
    `output` is another, "" a new one."""
    output = node.outputs[0] if output is None else output
    if rank == 4:
        return draft.permute(node, name, (0, 3, 1, 2), output)
    back = draft.permute(node, name, (0, 3, 1, 2))
    return draft.reshape(node, back, draft.shape(back)[:3], output)


def by_sample(node: Node, draft: Draft, make: Callable[[str, str], object]) -> None:
    """Write a layer that takes one sample for each of the input's: `make` adds it for a tensor of one,
    with a name for its output or ""; it returns that output."""
    name, output = node.inputs[0], node.outputs[0]
    count, *rest = draft.shape(name)
    if count == 1:
        make(name, output)
        return
    whole = [range(n) for n in rest]
    parts = [str(make(draft.part(node, name, [range(i, i + 1), *whole]), "")) for i in range(count)]
    draft.add("concat", node, parts, {"axis": 0}, output)


def window_attrs(rows: Axis, columns: Axis) -> dict[str, int]:
    """The canonical attributes of a window, as the canonical node keeps them."""
    return {
        "stride_h": rows.stride,
        "stride_w": columns.stride,
        "dilation_h": rows.dilation,
        "dilation_w": columns.dilation,
        "pad_top": rows.before,
        "pad_bottom": rows.after,
        "pad_left": columns.before,
        "pad_right": columns.after,
    }


def window_axes(
    node: Node, in_shape: tuple[int, ...], kernel: tuple[int, int]
) -> tuple[Axis, Axis]:
    """Rows and columns of a canonical windowed node on an NHWC input."""
    a = node.attrs
    rows = Axis(
        in_shape[1], kernel[0], a["stride_h"], a["dilation_h"], a["pad_top"], a["pad_bottom"]
    )
    columns = Axis(in_shape[2], kernel[1], a["stride_w"], a["dilation_w"], a["pad_left"], a["pad_right"])  # fmt: skip
    for axis in (rows, columns):
        require(axis.kernel >= 1 and axis.stride >= 1 and axis.dilation >= 1,
                "kernel, stride and dilation of at least 1", node, axis)  # fmt: skip
        require(axis.out >= 1, "an input at least as large as the window", node, axis)
    return rows, columns


def window_params(node: Node, x: Value, output: Value, rows: Axis, columns: Axis) -> dict[str, int]:
    """The fields of `WindowParams`."""
    low, high = activation_range(node, output)
    return {
        "in_h": x.shape[1],
        "in_w": x.shape[2],
        "in_c": x.shape[3],
        "out_h": rows.out,
        "out_w": columns.out,
        "kernel_h": rows.kernel,
        "kernel_w": columns.kernel,
        "stride_h": rows.stride,
        "stride_w": columns.stride,
        "pad_top": rows.before,
        "pad_left": columns.before,
        "out_min": low,
        "out_max": high,
    }


def convolution_params(
    node: Node, x: Value, output: Value, rows: Axis, columns: Axis
) -> dict[str, int]:
    """The fields of `ConvolutionParams`."""
    return window_params(node, x, output, rows, columns) | {
        "dilation_h": rows.dilation,
        "dilation_w": columns.dilation,
        "input_zero": x.zero_point,
        "output_zero": output.zero_point,
    }


def axes_of(p: WindowParams) -> tuple[Axis, Axis]:
    """Rows and columns of a windowed kernel's Params; padding after is what the outputs reach."""

    def axis(size: int, out: int, kernel: int, stride: int, dilation: int, before: int) -> Axis:
        reach = (out - 1) * stride + (kernel - 1) * dilation + 1
        return Axis(size, kernel, stride, dilation, before, max(reach - before - size, 0))

    return (
        axis(p.in_h, p.out_h, p.kernel_h, p.stride_h, p.dilation_h, p.pad_top),
        axis(p.in_w, p.out_w, p.kernel_w, p.stride_w, p.dilation_w, p.pad_left),
    )


def tap_bounds(p: ConvolutionParams, x: Bounds) -> Bounds:
    """What each tap can read, [kernel_h, kernel_w, in_c], for an input inside `x`, [in_c].

    A tap that lies outside the input for some output reads the zero point there.
    """
    (row_in, row_out), (column_in, column_out) = map(_reach, axes_of(p))
    inside = (row_in[:, None] & column_in)[:, :, None]
    outside = (row_out[:, None] | column_out)[:, :, None]
    low, high = (np.where(inside, end, p.input_zero) for end in (x.low, x.high))
    padded = Bounds(low, high).hull(p.input_zero)
    return Bounds(np.where(outside, padded.low, low), np.where(outside, padded.high, high))


def _reach(axis: Axis) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Per tap: is it inside the input for some output, is it outside for some."""
    first = np.arange(axis.out)[:, None] * axis.stride - axis.before
    at = first + np.arange(axis.kernel) * axis.dilation
    inside = (at >= 0) & (at < axis.size)
    return np.any(inside, axis=0), np.any(~inside, axis=0)


def patches(x: NDArray[Any], rows: Axis, columns: Axis, fill: int) -> NDArray[Any]:
    """Windows of an [N, H, W, C] array as a view [N, out_h, out_w, kernel_h, kernel_w, C]."""
    pads = ((0, 0), (rows.before, rows.after), (columns.before, columns.after), (0, 0))
    if any(p for pair in pads for p in pair):
        x = np.pad(x, pads, constant_values=fill)
    n, h, w, c = x.strides
    shape = (x.shape[0], rows.out, columns.out, rows.kernel, columns.kernel, x.shape[3])
    strides = (n, h * rows.stride, w * columns.stride, h * rows.dilation, w * columns.dilation, c)
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


_BOUNDS: Mapping[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


def bounds(node: Node) -> tuple[float | None, float | None]:
    """The fused activation's clamp in real values: by TensorFlow's name, or a pair of bounds."""
    activation = node.attrs.get("activation", "NONE")
    if isinstance(activation, tuple):
        return activation
    require(activation in _BOUNDS, "a fused activation of NONE, RELU, RELU6 or RELU_N1_TO_1", node,
            activation)  # fmt: skip
    return _BOUNDS[activation]


def activation_range(node: Node, output: Value) -> tuple[int, int]:
    """Clamp bounds of the fused activation in the output's steps.

    As TensorFlow Lite: bound = zero_point + round(value / scale), computed in float32.
    """
    low, high = bounds(node)
    least, most = limits(output.dtype)

    def step(value: float | None, default: int) -> int:
        if value is None:
            return default
        ratio = np.float32(value) / np.float32(output.scale)
        return int(np.clip(int(round_half_away(ratio)) + output.zero_point, least, most))

    return step(low, least), step(high, most)


def real_activation(node: Node, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fused activation on real values."""
    low, high = bounds(node)
    return x if low is None and high is None else np.clip(x, low, high)


def exact_matmul(x: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.int64]:
    """Integer [..., K] @ [channels, K]^T through floating-point BLAS, exact by bound.

    float32 where ``max|x| * sum|w|`` stays below 2^24, else float64 (2^53).
    """
    bound = 256 * int(np.abs(weights.astype(np.int64)).sum(axis=1).max(initial=0))
    if bound >= 2**53:
        raise EdgekitError("EK901", "exact_matmul beyond 2^53", found=str(bound))
    ftype = np.float32 if bound < 2**24 else np.float64
    # OpenBLAS fills its last vectors up with what lies there, and drops those lanes; numpy sees the flag.
    with np.errstate(invalid="ignore", over="ignore"):
        product = x.astype(ftype) @ weights.T.astype(ftype)
    return np.asarray(product.astype(np.int64))
