"""What operators with weights share: operand checks, multipliers, the folded bias."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit import fixed
from edgekit.errors import EdgekitError
from edgekit.families.window import (
    Axis,
    by_sample,
    channels_first,
    onnx_axes,
    spatial,
    window_attrs,
)
from edgekit.graph import Graph, Node, Quant, Value, dequantized
from edgekit.op import Array, require

if TYPE_CHECKING:
    from edgekit.draft import Draft
    from edgekit.sketch import Sketch


def check_operands(node: Node, graph: Graph, rank: int = 4) -> None:
    """Constant int8 weights of the given rank and a constant int32 bias or none."""
    require(
        len(node.inputs) in (2, 3),
        "input, weights and an optional bias",
        node,
        f"{len(node.inputs)} inputs",
    )
    w = graph.value(node.inputs[1])
    require(w.data is not None, "constant weights", node, f"{w.name} is computed")
    require(len(w.shape) == rank, f"weights of rank {rank}", node, f"shape {w.shape}")
    require(0 not in w.shape, "weights with elements", node, f"shape {w.shape}")
    if bias := bias_of(node, graph):
        require(bias.data is not None, "a constant bias", node, f"{bias.name} is computed")


def import_conv(node: Node, draft: Draft) -> None:
    """ONNX Conv in one or two spatial dimensions: dense, depthwise or in groups."""
    require(
        len(node.inputs) in (2, 3), "input, weights and an optional bias", node, len(node.inputs)
    )
    x, w = draft.shape(node.inputs[0]), draft.shape(node.inputs[1])
    require(draft.const(node.inputs[1]) is not None, "constant weights", node, node.inputs[1])
    require(len(w) == len(x), "weights of the input's rank", node, (x, w))
    groups = int(node.attrs.get("group", 1))
    require(w[1] * groups == x[1] and w[0] % max(groups, 1) == 0, "weights that fit the input's channels",
            node, (x, w, groups))  # fmt: skip
    axes = onnx_axes(node, x[2:], w[2:])
    by_sample(node, draft, lambda data, output: _onnx_layer(node, draft, axes, data, output))


def _onnx_layer(node: Node, draft: Draft, axes: list[Axis], data: str, output: str) -> str:
    groups, w = int(node.attrs.get("group", 1)), draft.shape(node.inputs[1])
    if groups != 1 and w[1] != 1:
        return in_groups(node, draft, data, 0, output, partial(_convolved, node, draft, axes))
    return _convolved(node, draft, axes, data, list(node.inputs[1:]), output)


def _convolved(
    node: Node, draft: Draft, axes: list[Axis], data: str, constants: Sequence[str], output: str
) -> str:
    """One convolution, its weights and bias in `constants`."""
    rank, (weights, *bias) = len(draft.shape(data)), constants
    w = draft.shape(weights)
    op, order = ("conv2d", (0, 2, 3, 1))
    if w[1] == 1 and draft.shape(data)[1] != 1:
        op, order = ("depthwise", (1, 2, 3, 0))
    rows, columns = axes if len(axes) == 2 else (axes[0], Axis(1, 1, 1))
    if len(w) == 3:
        weights = draft.reshape(node, weights, (*w, 1))
    operands = [spatial(node, draft, data), draft.permute(node, weights, order), *bias]
    attrs = {**window_attrs(rows, columns), "activation": "NONE"}
    return channels_first(node, draft, draft.add(op, node, operands, attrs), rank, output)


def in_groups(
    node: Node, draft: Draft, data: str, axis: int, output: str,
    make: Callable[[str, Sequence[str], str], str],
) -> str:  # fmt: skip
    """A channel-first layer whose groups of channels do not meet: `make` adds it for the channels of a
    tensor, with their weights and bias, and a name for its output. axis: of the weights, the one that
    the groups divide; the bias has the output's channels."""
    groups, shape = int(node.attrs["group"]), draft.shape(data)
    deep, made = shape[1] // groups, []
    for g in range(groups):
        part = [range(n) for n in shape]
        part[1] = range(g * deep, (g + 1) * deep)
        constants = [
            _share(draft, name, axis if i == 0 else 0, g, groups)
            for i, name in enumerate(node.inputs[1:])
            if name
        ]
        made.append(make(draft.part(node, data, part), constants, ""))
    return draft.add("concat", node, made, {"axis": 1}, output)


def _share(draft: Draft, name: str, axis: int, group: int, groups: int) -> str:
    """The part of a constant that belongs to a group."""
    value = draft.value(name)
    assert value.data is not None
    wide = value.shape[axis] // groups
    channels = slice(group * wide, (group + 1) * wide)
    data = value.data[(slice(None),) * axis + (channels,)]
    quant = value.quant
    if quant is not None and quant.axis == axis:
        quant = _part(quant, channels)
    return draft.constant(name, data, quant)


def grouped(sketch: Sketch, op: str, attrs: Mapping[str, Any], groups: int) -> list[Node]:
    """A layer whose groups of channels do not meet: a slice, a layer of its own for each, and their
    outputs side by side. Operands as in the source, output channels first in the weights."""
    node, graph = sketch.node, sketch.graph
    x, w = graph.value(node.inputs[0]), graph.value(node.inputs[1])
    deep, wide = x.shape[-1] // groups, w.shape[0] // groups
    made = []
    for g in range(groups):
        channels = slice(g * wide, (g + 1) * wide)
        whole = [range(n) for n in x.shape[:-1]]
        operands = [sketch.part(x.name, [*whole, range(g * deep, (g + 1) * deep)])]
        for value in (w, bias_of(node, graph)):
            if value is not None and value.data is not None:
                operands.append(sketch.constant(value.data[channels], _part(value.quant, channels)))
        made.append(sketch.add(op, operands, attrs, like=node.outputs[0]))
    sketch.add("concat", made, {"axis": len(x.shape) - 1}, node.outputs[0])
    return sketch.nodes


def _part(quant: Quant | None, channels: slice) -> Quant | None:
    """The numbers of some output channels; one that is left has no axis."""
    if quant is None or not quant.per_channel:
        return quant
    scale, zero = quant.scale[channels], quant.zero_point[channels]
    return replace(quant, scale=scale, zero_point=zero, axis=quant.axis if len(scale) > 1 else None)


def bias_of(node: Node, graph: Graph) -> Value | None:
    """The bias operand, None where it is absent."""
    has_bias = len(node.inputs) > 2 and node.inputs[2]
    return graph.value(node.inputs[2]) if has_bias else None


def weight_scales(
    node: Node, graph: Graph, channel_axis: int, types: Sequence[str] = ("int8",)
) -> NDArray[np.float64]:
    """One scale per output channel; raises EK202/EK301 where weights are not symmetric int8. `types`
    has int16 where legacy weights of nine bits are supported, too."""
    w = graph.value(node.inputs[1])
    require(w.dtype in types, "int8 weights", node, f"{w.name} is {w.dtype}")
    if w.quant is None:
        raise EdgekitError(
            "EK301",
            "weights carry no scale",
            where=f"node {node.name}, tensor {w.name}",
            help="convert the model with full integer quantization",
        )
    require(not any(w.quant.zero_point), "weights with zero point 0", node, w.quant.zero_point)
    if w.quant.per_channel:
        require(w.quant.axis == channel_axis, f"scales along axis {channel_axis}", node,
                f"axis {w.quant.axis}")  # fmt: skip
    return np.broadcast_to(np.array(w.quant.scale, np.float64), w.shape[channel_axis])


def effective_scales(
    node: Node, graph: Graph, channel_axis: int, types: Sequence[str] = ("int8",)
) -> NDArray[np.float64]:
    """``scale_in * scale_w / scale_out`` per output channel, in float64; the product in float32 where
    the node says so (``float32_product``)."""
    x, out = graph.value(node.inputs[0]), graph.value(node.outputs[0])
    product = x.scale * weight_scales(node, graph, channel_axis, types)
    if node.attrs.get("float32_product"):
        product = product.astype(np.float32).astype(np.float64)
    return np.asarray(product / out.scale)


def integer_consts(
    node: Node, graph: Graph, weights: Array, scales: NDArray[np.float64]
) -> dict[str, Array]:
    """The constants of a kernel with weights: weights, folded bias, multiplier, shift.

    weights: int8 with the output channel first; scales: effective scale per output channel.
    Raises EK302 when a sum could overflow, EK303 when a scale cannot be split.
    """
    x, bias = graph.value(node.inputs[0]), bias_of(node, graph)
    channels = weights.shape[0]
    raw = np.zeros(channels, np.int32)
    if bias is not None and bias.data is not None:
        require(bias.dtype == "int32", "an int32 bias", node, f"{bias.name} is {bias.dtype}")
        require(bias.elements == channels, "one bias per output channel", node, bias.shape)
        raw = bias.data.reshape(channels)
    multiplier, shift = fixed.quantize_multipliers(scales, graph.one_rounding)
    fixed.prove_accumulator(weights, raw, shift, x.zero_point, f"node {node.name}")
    sums = weights.astype(np.int64).reshape(channels, -1).sum(axis=1)
    folded = raw.astype(np.int64) - x.zero_point * sums
    return {
        "weights": np.ascontiguousarray(weights),
        "bias": folded.astype(np.int32),
        "multiplier": multiplier,
        "shift": shift,
    }


def real_weights(node: Node, graph: Graph, dtype: np.dtype[Any]) -> Array:
    """Weights as real numbers of `dtype`, in their source layout."""
    return dequantized(graph.value(node.inputs[1])).astype(dtype, copy=False)


def real_bias(node: Node, graph: Graph, channel_axis: int, dtype: np.dtype[Any]) -> Array:
    """The bias as real numbers of `dtype`, zeros where it is absent; shape [out_c]."""
    bias, w = bias_of(node, graph), graph.value(node.inputs[1])
    if bias is None or bias.data is None:
        return np.zeros(w.shape[channel_axis], dtype)
    data = dequantized(bias).reshape(-1)
    if bias.quant is None and bias.dtype in ("int32", "int64") and w.quant is not None:
        data = data * (graph.value(node.inputs[0]).scale * np.array(w.quant.scale))
    return np.asarray(data, dtype)
