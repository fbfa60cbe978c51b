"""Layers as matrices: weights [output channel, tap], what they are multiplied with, and their MACs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.compress.coupling import Coupling, Mask
from edgekit.graph import Graph, Node, dequantized
from edgekit.op import load_ops

Array = NDArray[Any]


def weights_of(node: Node, graph: Graph) -> Array:
    """Real weights [output channels, taps], float64; taps in the order of `Op.windows`."""
    axis = load_ops()[node.op].channel_axis
    assert axis is not None
    real = dequantized(graph.value(node.inputs[1])).astype(np.float64)
    return np.moveaxis(real, axis, 0).reshape(real.shape[axis], -1)


def as_stored(node: Node, graph: Graph, weights: Array) -> Array:
    """The inverse of `weights_of`: in the shape of the constant."""
    axis, shape = load_ops()[node.op].channel_axis, graph.value(node.inputs[1]).shape
    assert axis is not None
    moved = (shape[axis], *(n for i, n in enumerate(shape) if i != axis))
    return np.moveaxis(weights.reshape(moved), 0, axis)


def bias_of(node: Node, graph: Graph) -> Array:
    """Real bias [output channels], zeros where there is none."""
    if len(node.inputs) > 2 and node.inputs[2]:
        bias = dequantized(graph.value(node.inputs[2])).astype(np.float64).reshape(-1)
        return bias * _sum_scale(node, graph)
    return np.zeros(weights_of(node, graph).shape[0])


def constants(
    node: Node, graph: Graph, weights: Array, bias: Array | None = None
) -> dict[str, Array]:
    """New constants of a layer as `State.with_real` takes them, by tensor; a bias only where it has one."""
    made = {node.inputs[1]: as_stored(node, graph, weights)}
    if bias is not None and len(node.inputs) > 2 and node.inputs[2]:
        shape = graph.value(node.inputs[2]).shape
        made[node.inputs[2]] = (bias / _sum_scale(node, graph)).reshape(shape)
    return made


def _sum_scale(node: Node, graph: Graph) -> Array:
    """What a step of the bias is worth where it is integers that carry no scale of their own."""
    x, w, bias = (graph.value(name) for name in node.inputs[:3])
    if bias.quant is not None or bias.dtype.startswith("float") or w.quant is None:
        return np.ones(1)
    return x.scale * np.array(w.quant.scale)


def windows(node: Node, graph: Graph, x: Array) -> Array:
    """What the weights are multiplied with on one inference's input, [groups, positions, taps]."""
    found = load_ops()[node.op].windows(node, graph, x)
    assert found is not None, node.op
    return found.astype(np.float64)


def plain(node: Node) -> Node:
    """The layer without its activation."""
    return replace(node, attrs={**node.attrs, "activation": "NONE"})


def alive_taps(node: Node, graph: Graph, made: Coupling, gone: Mask) -> Mask:
    """Of a layer's taps, those whose input channel is left; a depthwise layer's all are."""
    taps = weights_of(node, graph).shape[1]
    if node.op == "depthwise":
        return np.ones(taps, bool)
    alive = made.alive(node.inputs[0], gone)
    return np.tile(alive, taps // len(alive)) if taps % len(alive) == 0 else np.ones(taps, bool)


def macs_of(node: Node, graph: Graph, made: Coupling, gone: Mask) -> int:
    """Multiply-accumulates of a layer without the groups that are gone."""
    shape = graph.value(node.outputs[0]).shape
    outputs = int(made.alive(node.outputs[0], gone).sum())
    return math.prod(shape[:-1]) * outputs * int(alive_taps(node, graph, made, gone).sum())


def weights_left(node: Node, graph: Graph, made: Coupling, gone: Mask) -> int:
    """Weights of a layer without the groups that are gone."""
    outputs = int(made.alive(node.outputs[0], gone).sum())
    return outputs * int(alive_taps(node, graph, made, gone).sum())
