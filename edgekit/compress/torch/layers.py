"""Layers with windows and weights in PyTorch: the real functions of the operators, with gradients.

Activations are [N, *shape] with the shape they have in the graph, one sample; constants have no N. Windows
are those of `families/window.py`, so padding is what the canonical node says, on each side its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from edgekit.families.window import Axis, bounds, window_axes
from edgekit.graph import Graph, Node


def activation(node: Node, x: Tensor) -> Tensor:
    """The fused activation."""
    low, high = bounds(node)
    return x if low is None and high is None else x.clamp(low, high)


def conv2d(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    x, w, *bias = operands
    axes = _axes(node, graph, (w.shape[1], w.shape[2]))
    return _convolved(node, graph, x, w.permute(0, 3, 1, 2), bias, axes, groups=1)


def depthwise(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    """Of C input channels, c makes the output channels c * m to c * m + m - 1."""
    x, w, *bias = operands
    axes = _axes(node, graph, (w.shape[1], w.shape[2]))
    kernel = w[0].permute(2, 0, 1)[:, None]
    return _convolved(node, graph, x, kernel, bias, axes, groups=x.shape[-1])


def fully_connected(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    x, w, *bias = operands
    total = F.linear(x.reshape(len(x), -1, w.shape[1]), w, bias[0].reshape(-1) if bias else None)
    return activation(node, _shaped(node, graph, total))


def transpose_conv(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    """What a transposed convolution cuts off its borders may differ from side to side, so all is made."""
    x, w, *bias = operands
    a = node.attrs
    _, height, width, _ = a["shape"]
    whole = F.conv_transpose2d(
        _planes(x), w.permute(3, 0, 1, 2), stride=(a["stride_h"], a["stride_w"])
    )
    bottom = a["pad_top"] + height - whole.shape[2]
    right = a["pad_left"] + width - whole.shape[3]
    made = F.pad(whole, (-a["pad_left"], right, -a["pad_top"], bottom)).permute(0, 2, 3, 1)
    total = made + bias[0].reshape(-1) if bias else made
    return activation(node, _shaped(node, graph, total))


def max_pool(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    rows, columns = _axes(node, graph, (node.attrs["kernel_h"], node.attrs["kernel_w"]))
    image = _padded(_planes(operands[0]), rows, columns, float("-inf"))
    made = F.max_pool2d(image, (rows.kernel, columns.kernel), (rows.stride, columns.stride))
    return activation(node, _shaped(node, graph, made.permute(0, 2, 3, 1)))


def avg_pool(node: Node, graph: Graph, operands: Sequence[Tensor]) -> Tensor:
    """Over the cells inside the input."""
    rows, columns = _axes(node, graph, (node.attrs["kernel_h"], node.attrs["kernel_w"]))
    planes = _planes(operands[0])
    inside = torch.ones_like(planes[:1, :1])
    kernel, stride = (rows.kernel, columns.kernel), (rows.stride, columns.stride)
    total, count = (
        F.avg_pool2d(_padded(x, rows, columns), kernel, stride) for x in (planes, inside)
    )
    return activation(node, _shaped(node, graph, (total / count).permute(0, 2, 3, 1)))


def _axes(node: Node, graph: Graph, kernel: tuple[int, int]) -> tuple[Axis, Axis]:
    return window_axes(node, graph.value(node.inputs[0]).shape, kernel)


def _convolved(
    node: Node,
    graph: Graph,
    x: Tensor,
    kernel: Tensor,
    bias: Sequence[Tensor],
    axes: tuple[Axis, Axis],
    groups: int,
) -> Tensor:
    rows, columns = axes
    total = F.conv2d(
        _padded(_planes(x), rows, columns),
        kernel,
        bias[0].reshape(-1) if bias else None,
        stride=(rows.stride, columns.stride),
        dilation=(rows.dilation, columns.dilation),
        groups=groups,
    )
    return activation(node, _shaped(node, graph, total.permute(0, 2, 3, 1)))


def _planes(x: Tensor) -> Tensor:
    """[N, 1, H, W, C] as [N, C, H, W], a view."""
    return x.reshape(-1, *x.shape[-3:]).permute(0, 3, 1, 2)


def _padded(planes: Tensor, rows: Axis, columns: Axis, value: float = 0.0) -> Tensor:
    border = (columns.before, columns.after, rows.before, rows.after)
    return F.pad(planes, border, value=value) if any(border) else planes


def _shaped(node: Node, graph: Graph, x: Tensor) -> Tensor:
    """In the shape of the node's output; the number of samples is what is left."""
    return x.reshape(-1, *graph.value(node.outputs[0]).shape)
