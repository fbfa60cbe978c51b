"""Cross-layer equalisation: ranges of channels between two layers are evened out.

A factor per channel moves from one layer's weights to the next one's, through operators for which
f(c x) = c f(x). Factors are powers of two, so that the network computes the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node, Value
from edgekit.op import load_ops
from edgekit.window import bounds

Array = NDArray[Any]

_BETWEEN = ("max_pool", "avg_pool", "mean", "pad", "relu", "reshape")
_ROUNDS = 12


def equalized(graph: Graph, largest: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """The same function with evened channels, and the factor per channel of every tensor that
    changed (new = old / factor).

    graph: prepared. largest: greatest magnitude per channel (last axis) of the layers' outputs on
    calibration data.
    """
    values = dict(graph.values)
    pairs = _pairs(graph)
    total: dict[str, Array] = {}
    for _ in range(_ROUNDS):
        moved = False
        for first, between, second in pairs:
            factor = _factor(first, second, values, largest[first.outputs[0]], total)
            if (factor == 1).all():
                continue
            moved = True
            _scale(first, second, values, factor)
            for name in (first.outputs[0], *(n.outputs[0] for n in between)):
                total[name] = total.get(name, np.ones(len(factor))) * factor
        if not moved:
            break
    return replace(graph, values=values), total


def _pairs(graph: Graph) -> list[tuple[Node, list[Node], Node]]:
    """(layer, what lies between, next layer), where nothing else reads what lies between."""
    consumers, found = graph.consumers(), []
    for node in graph.nodes:
        if not _takes_part(node, graph) or not _homogeneous(node):
            continue
        between: list[Node] = []
        name, channels = node.outputs[0], graph.value(node.outputs[0]).shape[-1]
        while len(consumers.get(name, ())) == 1 and name not in graph.outputs:
            (reader,) = consumers[name]
            if _takes_part(reader, graph) and _input_channels(reader, graph) == channels:
                found.append((node, between, reader))
                break
            value = graph.value(reader.outputs[0])
            kept = value.shape[-1:] == (channels,) and value.quant is None
            kept = kept and len(graph.value(name).shape) - 1 not in reader.attrs.get("axes", ())
            if not (reader.op in _BETWEEN and kept and _homogeneous(reader)):
                break
            between = [*between, reader]
            name = reader.outputs[0]
    return found


def _takes_part(node: Node, graph: Graph) -> bool:
    """A layer whose weights and output the source has not quantized."""
    if load_ops()[node.op].channel_axis is None:
        return False
    real = [graph.value(name) for name in (*node.inputs[1:], node.outputs[0]) if name]
    return all(value.dtype == "float32" for value in real)


def _homogeneous(node: Node) -> bool:
    if node.op == "pad":
        return bool(node.attrs["value"] == 0)
    low, high = bounds(node)
    return low in (None, 0) and high is None


def _input_channels(node: Node, graph: Graph) -> int:
    weights = graph.value(node.inputs[1]).shape
    if node.op == "depthwise":
        return graph.value(node.inputs[0]).shape[-1]
    return weights[-1]


def _per_input(node: Node, weights: Array, channels: int) -> Array:
    """Weights as [the rest, input channel]: what every input channel is multiplied with."""
    if node.op == "depthwise":
        return np.moveaxis(weights.reshape(-1, channels, weights.shape[3] // channels), 2, 0).reshape(-1, channels)  # fmt: skip
    return weights.reshape(-1, channels)


def _factor(
    first: Node,
    second: Node,
    values: Mapping[str, Value],
    largest: Array,
    total: Mapping[str, Array],
) -> Array:
    """sqrt(range of the channel / weight of the channel in the next layer), a power of two.

    The next layer's weights count relative to their own output channel's largest, which is what
    its steps are made for.
    """
    weights = values[second.inputs[1]].data
    assert weights is not None
    range_ = largest / total.get(first.outputs[0], np.ones(len(largest)))
    axis = load_ops()[second.op].channel_axis
    assert axis is not None
    others = tuple(a for a in range(weights.ndim) if a != axis)
    relative = np.abs(weights) / np.maximum(np.abs(weights).max(axis=others, keepdims=True), 1e-30)
    weight = _per_input(second, relative, len(largest)).max(axis=0)
    usable = (range_ > 0) & (weight > 0)
    whole = range_.max(initial=0)
    ratio = np.sqrt(np.where(usable, range_ / max(whole, 1e-30) / np.maximum(weight, 1e-30), 1.0))
    return np.asarray(np.exp2(np.rint(np.log2(np.clip(ratio, 2.0**-6, 2.0**6)))))


def _scale(first: Node, second: Node, values: dict[str, Value], factor: Array) -> None:
    axis = load_ops()[first.op].channel_axis
    assert axis is not None
    w1, b1, w2 = (values[name] for name in (*first.inputs[1:3], second.inputs[1]))
    assert w1.data is not None
    assert b1.data is not None
    assert w2.data is not None
    shape = [1] * w1.data.ndim
    shape[axis] = -1
    f32 = factor.astype(np.float32)
    values[w1.name] = replace(w1, data=w1.data / f32.reshape(shape))
    values[b1.name] = replace(b1, data=b1.data / f32)
    repeat = w2.data.shape[-1] // len(factor)
    values[w2.name] = replace(w2, data=w2.data * np.repeat(f32, repeat))
