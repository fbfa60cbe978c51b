"""Cross-layer equalisation: ranges of channels between two layers are evened out.

A factor per channel moves from one layer's weights to the next one's, through operators for which
f(c x) = c f(x). Factors are powers of two, so that the network computes the same numbers; they are
taken where they lower the noise that rounding is expected to add to the next layer's result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.families.window import bounds
from edgekit.graph import Graph, Node, Value
from edgekit.op import load_ops
from edgekit.quantize.low_bits import span

Array = NDArray[Any]

_BETWEEN = ("max_pool", "avg_pool", "mean", "pad", "relu", "reshape")
_ROUNDS = 4
_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
_MOST = 6  # a factor lies within 2^-6 and 2^6
_TINY = 1e-30


@dataclass
class Spread:
    """Per channel (last axis) of a tensor: greatest magnitude and mean square."""

    largest: Array
    square: Array

    def divided(self, factor: Array) -> Spread:
        return Spread(self.largest / factor, self.square / factor**2)


def equalized(
    graph: Graph,
    spreads: Mapping[str, Spread],
    wide: frozenset[str] = frozenset(),
    few: Mapping[str, int] | None = None,
) -> tuple[Graph, dict[str, Array]]:
    """The same function with evened channels, and the factor per channel of every tensor that
    changed (new = old / factor).

    graph: prepared. spreads: of the layers' outputs on calibration data. wide: the layers of int16
    activations, whose rounding is next to none, so that their weights alone are evened. few: bits of the weights of layers that have fewer than eight.
    """
    values = dict(graph.values)
    pairs = _pairs(graph)
    total: dict[str, Array] = {}
    for _ in range(_ROUNDS):
        moved = False
        for first, between, second in pairs:
            before = total.get(first.outputs[0], np.ones(1))
            steps = 65535 if second.name in wide else 255
            bits = (few or {}).get(second.name, 8)
            spread = spreads[first.outputs[0]].divided(before)
            factor = _factor(second, values, spread, steps, bits)
            if (factor == 1).all():
                continue
            moved = True
            _scale(first, second, values, factor)
            for name in (first.outputs[0], *(n.outputs[0] for n in between)):
                total[name] = total.get(name, np.ones(len(factor))) * factor
        if not moved:
            break
    return replace(graph, values=values), total


def rescaled(graph: Graph, factors: Mapping[str, Array]) -> Graph:
    """What `equalized` made of the same prepared graph, from the factors that it returned."""
    values = dict(graph.values)
    for node in graph.nodes:
        axis = load_ops()[node.op].channel_axis
        if axis is None or graph.value(node.inputs[1]).dtype != "float32":
            continue
        made, read = (factors.get(name) for name in (node.outputs[0], node.inputs[0]))
        if made is not None:
            _divide(node, axis, values, made.astype(np.float32))
        if read is not None:
            _multiply(node, values, read.astype(np.float32))
    return replace(graph, values=values)


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


def _reads(node: Node, weights: Array, channels: int) -> tuple[Array, Array]:
    """Weights as [output channel, what it reads, tap], and the input channels that are read,
    [output channel or 1, what it reads]."""
    if node.op != "depthwise":
        dense = np.moveaxis(weights.reshape(len(weights), -1, channels), 1, 2)
        return dense, np.arange(channels)[None]
    outputs = weights.shape[3]
    reads = np.arange(outputs)[:, None] // (outputs // channels)
    return weights.reshape(-1, outputs).T[:, None], reads


def _factor(
    second: Node, values: Mapping[str, Value], spread: Spread, steps: int, bits: int
) -> Array:
    """The factor per channel, of some that even out the ranges more or less, with least noise where
    the layer's input has so many steps."""
    data = values[second.inputs[1]].data
    assert data is not None
    weights, reads = _reads(second, data.astype(np.float64), len(spread.largest))
    largest = np.abs(weights).max(axis=2)
    strength = np.zeros(len(spread.largest))
    np.maximum.at(strength, np.broadcast_to(reads, largest.shape), largest)
    relative, strength = (v / max(float(v.max()), _TINY) for v in (spread.largest, strength))
    usable = (relative > 0) & (strength > 0)
    relative, strength = (np.where(usable, v, 1.0) for v in (relative, strength))
    tried = [relative**p for p in _POWERS] + [np.sqrt(relative / strength)]
    rounded = [np.exp2(np.clip(np.rint(np.log2(f)), -_MOST, _MOST)) for f in tried]
    return min(rounded, key=lambda f: _noise(weights, reads, spread.divided(f), f, steps, bits))


def _noise(
    weights: Array, reads: Array, spread: Spread, factor: Array, steps: int, bits: int
) -> float:
    """Expected squared error of the layer's results, up to a constant: of rounding its input to
    `steps` steps of the largest range, and its weights of `bits` to steps of each output channel's largest."""
    scaled = weights * factor[reads][:, :, None]
    activations = (scaled**2).sum() * (float(spread.largest.max()) / steps) ** 2
    power = spread.square[reads].sum(axis=1) * weights.shape[2]
    step = np.abs(scaled).max(axis=(1, 2)) / span(bits)[1]
    return float(activations + (step**2 * power).sum())


def _scale(first: Node, second: Node, values: dict[str, Value], factor: Array) -> None:
    axis = load_ops()[first.op].channel_axis
    assert axis is not None
    _divide(first, axis, values, factor.astype(np.float32))
    _multiply(second, values, factor.astype(np.float32))


def _divide(layer: Node, axis: int, values: dict[str, Value], factor: Array) -> None:
    """By a factor for each channel that the layer makes."""
    weights, bias = (values[name] for name in layer.inputs[1:3])
    assert weights.data is not None
    assert bias.data is not None
    shape = [1] * weights.data.ndim
    shape[axis] = -1
    values[weights.name] = replace(weights, data=weights.data / factor.reshape(shape))
    values[bias.name] = replace(bias, data=bias.data / factor)


def _multiply(layer: Node, values: dict[str, Value], factor: Array) -> None:
    """By a factor for each channel that the layer reads."""
    weights = values[layer.inputs[1]]
    assert weights.data is not None
    repeat = weights.data.shape[-1] // len(factor)
    values[weights.name] = replace(weights, data=weights.data * np.repeat(factor, repeat))
