"""What average and max pooling share: parameters, import, shapes, windows without padding cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.channels import Bounds, Spare
from edgekit.errors import EdgekitError
from edgekit.families import axis_pools
from edgekit.families.window import (
    Axis,
    WindowParams,
    axes_of,
    by_sample,
    channels_first,
    onnx_axes,
    patches,
    real_activation,
    spatial,
    tflite_axis,
    window_attrs,
    window_axes,
    window_params,
)
from edgekit.graph import Graph, IntNode, Node, plain
from edgekit.op import Case, Op, Shape, int8_pair, int16_pair, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


def import_tflite(op: type[Op], node: Node, graph: Graph) -> list[Node]:
    """A TFLite pool to its canonical node."""
    x, a = graph.value(node.inputs[0]).shape, node.attrs
    require(len(x) == 4 and x[0] == 1, "an input of shape [1, H, W, C]", node, x)
    require(a["filter_height"] > 0 and a["filter_width"] > 0 and a["stride_h"] > 0 and a["stride_w"] > 0,
            "a window and a stride of at least 1", node, dict(a))  # fmt: skip
    rows = tflite_axis(a["padding"], x[1], a["filter_height"], a["stride_h"])
    columns = tflite_axis(a["padding"], x[2], a["filter_width"], a["stride_w"])
    attrs = {
        **window_attrs(rows, columns),
        "kernel_h": rows.kernel,
        "kernel_w": columns.kernel,
        "activation": a["fused_activation_function"],
    }
    return [Node(node.name, op.name, node.inputs, node.outputs, attrs)]


def import_onnx(op: type[Op], node: Node, draft: Draft) -> None:
    """ONNX MaxPool and AveragePool; what the kernels do not have is made along one axis at a time."""
    x, kernel = draft.shape(node.inputs[0]), list(node.attrs.get("kernel_shape", ()))
    require(
        len(node.outputs) == 1 or not node.outputs[1], "no indices as output", node, node.outputs
    )
    axes, average = onnx_axes(node, x[2:], kernel), op.name == "avg_pool"
    counted = average and bool(node.attrs.get("count_include_pad", 0))
    if _has_kernel(node, draft, axes, counted):
        by_sample(node, draft, lambda data, out: _windowed(op, node, draft, axes, data, out))
    elif average:
        axis_pools.average(node, draft, axes, counted)
    else:
        axis_pools.max_pool(node, draft, axes)


def _has_kernel(node: Node, draft: Draft, axes: list[Axis], counted: bool) -> bool:
    """Real numbers in one or two dimensions, without dilation, every window with a cell inside; counted
    padding only where the rows and columns are not rounded up."""
    inside = all(a.before < a.kernel and a.after < a.kernel for a in axes)
    reached = all((a.out - 1) * a.stride - a.before < a.size for a in axes)
    straight = not (counted and node.attrs.get("ceil_mode", 0))
    real = not plain(draft.value(node.inputs[0]))
    return (
        real
        and len(axes) < 3
        and inside
        and reached
        and straight
        and all(a.dilation == 1 for a in axes)
    )


def _windowed(
    op: type[Op], node: Node, draft: Draft, axes: list[Axis], name: str, output: str
) -> str:
    """One sample's pool. An average over the whole map is a mean, which may change the scale; one that
    counts its padding gets the padding as cells of the input."""
    rank, data = len(draft.shape(name)), spatial(node, draft, name)
    rows, columns = axes if len(axes) == 2 else (axes[0], Axis(1, 1, 1))
    average, padded = op.name == "avg_pool", any(a.before or a.after for a in axes)
    if average and not padded and all(a.out == 1 and a.kernel == a.size for a in axes):
        made = draft.add("mean", node, [data], {"axes": [1, 2], "keep_dims": True})
        return channels_first(node, draft, made, rank, output)
    if average and padded and node.attrs.get("count_include_pad", 0):
        border = ((0, 0), (rows.before, rows.after), (columns.before, columns.after), (0, 0))
        data = draft.add("pad", node, [data], {"border": border, "value": 0.0})
        size = draft.shape(data)
        rows = replace(rows, size=size[1], before=0, after=0)
        columns = replace(columns, size=size[2], before=0, after=0)
    attrs = {**window_attrs(rows, columns), "kernel_h": rows.kernel, "kernel_w": columns.kernel}
    made = draft.add(op.name, node, [data], {**attrs, "activation": "NONE"})
    return channels_first(node, draft, made, rank, output)


def shapes(node: Node, graph: Graph) -> list[Shape]:
    x = graph.value(node.inputs[0]).shape
    rows, columns = window_axes(node, x, (node.attrs["kernel_h"], node.attrs["kernel_w"]))
    return [(x[0], rows.out, columns.out, x[3])]


def average(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    """Means of the windows of real values [N, H, W, C], over their cells inside the input."""
    axes = window_axes(node, x.shape, (node.attrs["kernel_h"], node.attrs["kernel_w"]))
    total = patches(x, *axes, 0).sum(axis=(3, 4))
    count = patches(np.ones_like(x[:1, :, :, :1]), *axes, 0).sum(axis=(3, 4))
    return real_activation(node, total / count)


def rescales(node: Node, graph: Graph) -> bool:
    """Whether the output has another quantization than the input."""
    x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
    return (x.scale, x.zero_point) != (out.scale, out.zero_point)


def params(node: Node, graph: Graph) -> WindowParams:
    """Integer parameters, of int16 activations where the input has them. Raises EK202 where input and
    output are not of one type and quantization."""
    wide = graph.value(node.inputs[0]).dtype == "int16"
    (int16_pair if wide else int8_pair)(node, graph)
    if rescales(node, graph):
        x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
        raise EdgekitError(
            "EK202", "a pool that also changes the scale", where=f"node {node.name}",
            found=f"{x.scale:g}/{x.zero_point} to {out.scale:g}/{out.zero_point}, wanted equal",
            help="convert the model with the standard int8 converter",
        )  # fmt: skip
    return WindowParams(**window_fields(node, graph))


def window_fields(node: Node, graph: Graph) -> dict[str, int]:
    """The fields of `WindowParams`, every window having a cell inside the input."""
    x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
    rows, columns = window_axes(node, x.shape, (node.attrs["kernel_h"], node.attrs["kernel_w"]))
    for axis in (rows, columns):
        require(axis.before < axis.kernel and axis.after < axis.kernel,
                "padding smaller than the window", node, axis)  # fmt: skip
    return window_params(node, x, out, rows, columns)


def windows(p: WindowParams, x: NDArray[Any], fill: int) -> NDArray[Any]:
    """[N, out_h, out_w, kernel_h, kernel_w, C] as int32; cells outside the input hold `fill`."""
    x = x.reshape(-1, p.in_h, p.in_w, p.in_c).astype(np.int32)
    return patches(x, *axes_of(p), fill)


def bounds(node: IntNode, x: Bounds) -> list[Bounds]:
    """Averages and maxima of values in a range lie in it."""
    p = node.params
    assert isinstance(p, WindowParams)
    return [x.clip(p.out_min, p.out_max)]


def without(node: IntNode, spare: Spare) -> IntNode:
    p = node.params
    assert isinstance(p, WindowParams)
    return replace(node, params=replace(p, in_c=int((~spare.inputs[0]).sum())))


def counts(p: WindowParams) -> NDArray[np.int32]:
    """Cells of each window that lie inside the input, [out_h, out_w, 1]."""
    ones = np.ones((1, p.in_h, p.in_w, 1), np.int32)
    return np.asarray(patches(ones, *axes_of(p), 0).sum(axis=(3, 4), dtype=np.int32)[0])


def cases(op: type[Op]) -> list[Case]:
    """Pools at the edges: windows larger than the input, single cells, odd sizes."""
    from edgekit.cases import activation, single

    def case(
        name: str, x: Shape, kernel: Shape, stride: int, padding: str, fused: str, zero: int
    ) -> Case:
        rows, columns = (tflite_axis(padding, x[i], kernel[i], stride) for i in (0, 1))
        attrs = {
            **window_attrs(rows, columns),
            "kernel_h": kernel[0],
            "kernel_w": kernel[1],
            "activation": fused,
        }
        shape = (1, rows.out, columns.out, x[2])
        ins, outs = (
            [activation("input", (1, *x), 0.05, zero)],
            [activation("output", shape, 0.05, zero)],
        )
        return single(op, name, ins, outs, attrs)

    return [
        case("global", (6, 5, 4), (6, 5), 1, "VALID", "NONE", 3),
        case("same3x3_stride2", (7, 8, 3), (3, 3), 2, "SAME", "NONE", -128),
        case("valid2x2", (8, 9, 5), (2, 2), 2, "VALID", "RELU6", 10),
        case("larger_than_input", (2, 3, 2), (5, 5), 1, "SAME", "NONE", 127),
        case("blocks_of_11", (5, 6, 11), (3, 3), 2, "SAME", "NONE", -128),
        case("blocks_of_16", (4, 4, 16), (2, 2), 2, "VALID", "RELU6", 4),
        case("one_cell", (1, 1, 7), (1, 1), 1, "VALID", "RELU", 0),
        case("time_axis", (30, 1, 4), (4, 1), 3, "SAME", "NONE", 0),
    ]
