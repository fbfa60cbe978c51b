"""Steps move to the layers whose sums they are of, until they ask for nothing but a sign.

A factor and an offset per channel in front of a step move its edge (batch normalization behind a pool),
a step behind a pool of maxima moves in front of it, and its edge into the bias of the layer that
it then follows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.graph import Graph, Node, Value, dequantized
from edgekit.op import Array, load_ops
from edgekit.passes.drop_dead import drop_dead

_LAYERS = ("conv2d", "depthwise", "fully_connected")


def sign_of_sums(graph: Graph) -> Graph:
    """Only over real tensors: numbers of the source are kept."""
    if not any(node.op == "binarize" for node in graph.nodes):
        return graph
    for move in (_over_affine, _over_pool, _over_affine, _into_layer):
        graph = drop_dead(move(graph))
    return graph


def _only_reader(graph: Graph, name: str) -> bool:
    return len(graph.consumers().get(name, ())) == 1 and name not in graph.outputs


def _over_affine(graph: Graph) -> Graph:
    """Steps behind a factor and an offset per channel read what those read."""
    made, nodes = graph.producers(), []
    for node in graph.nodes:
        front = made.get(node.inputs[0]) if node.op == "binarize" else None
        while front is not None and (affine := _affine(front, graph)) is not None:
            factor, offset = affine
            edge, rising = _numbers(node, len(factor))
            # An edge of a channel that is one number for any input lies beyond everything.
            beyond = np.where((offset >= edge) == rising, -np.inf, np.inf)
            with np.errstate(all="ignore"):
                moved = np.where(factor == 0, beyond, (edge - offset) / factor)
            rising = np.where(factor == 0, True, rising == (factor > 0))
            node = _with_numbers(node, moved, rising, front.inputs[0])
            front = made.get(node.inputs[0])
        nodes.append(node)
    return graph.with_nodes(nodes)


def _affine(node: Node, graph: Graph) -> tuple[Array, Array] | None:
    """Factor and offset [C] of a layer of one tap on single channels."""
    if node.op != "depthwise" or node.attrs["activation"] != "NONE":
        return None
    x, weights, *bias = (graph.value(name) for name in node.inputs if name)
    real = all(v.dtype == "float32" and v.quant is None for v in (x, weights, *bias))
    same = x.shape == graph.value(node.outputs[0]).shape
    if not real or not same or weights.data is None or weights.shape != (1, 1, 1, x.shape[-1]):
        return None
    factor = weights.data.reshape(-1).astype(np.float64)
    offset = dequantized(bias[0]).reshape(-1).astype(np.float64) if bias else 0 * factor
    return factor, offset


def _numbers(node: Node, channels: int) -> tuple[Array, Array]:
    """Edge and direction of each channel."""
    edge, rising = np.array(node.attrs["edge"], np.float64), np.array(node.attrs["rising"], bool)
    return np.broadcast_to(edge, channels).copy(), np.broadcast_to(rising, channels).copy()


def _with_numbers(node: Node, edge: Array, rising: Array, x: str) -> Node:
    attrs = {**node.attrs, "edge": tuple(edge.tolist()), "rising": tuple(rising.tolist())}
    return replace(node, inputs=(x, *node.inputs[1:]), attrs=attrs)


def _over_pool(graph: Graph) -> Graph:
    """A step of a maximum is the maximum of steps. Where it falls it is the least of them, or the
    greatest of their opposites, whose sign the layers that read it then turn."""
    made, values = graph.producers(), dict(graph.values)
    replaced: dict[str, Node] = {}
    for node in graph.nodes:
        pool = made.get(node.inputs[0]) if node.op == "binarize" else None
        if pool is None or pool.op != "max_pool" or pool.attrs["activation"] != "NONE":
            continue
        x, out = pool.inputs[0], node.outputs[0]
        edge, rising = _numbers(node, graph.value(x).shape[-1])
        if not _only_reader(graph, pool.outputs[0]) or graph.value(x).quant is not None:
            continue
        if not rising.all():
            behind = _behind(out, len(rising), graph) if node.attrs["low"] == -1 else None
            if behind is None:
                continue
            for reader in behind:
                replaced[reader.name] = _turned(reader, ~rising, values)
            out = f"{out}{TEMPORARY}turned"
            values[out] = replace(graph.value(node.outputs[0]), name=out)
        # Beyond a falling edge, the first number that is not at or below it.
        edge = np.where(rising, edge, np.nextafter(edge, np.inf))
        steps = f"{out}{TEMPORARY}steps"
        values[steps] = replace(graph.value(x), name=steps)
        first = _with_numbers(node, edge, np.ones_like(rising), x)
        replaced[pool.name] = replace(first, name=steps, outputs=(steps,))
        replaced[node.name] = replace(pool, inputs=(steps,), outputs=(out,))
    nodes = [replaced.get(node.name, node) for node in graph.nodes]
    return graph.with_nodes(nodes, values=values)


def _behind(name: str, channels: int, graph: Graph) -> list[Node] | None:
    """The layers with real weights that alone read a tensor, and reshapes between; None where others do."""
    found: list[Node] = []
    if name in graph.outputs:
        return None
    for node in graph.consumers().get(name, ()):
        found.append(node)
        if node.op == "reshape":
            inner = _behind(node.outputs[0], channels, graph)
            if inner is None:
                return None
            found += inner
            continue
        weights = graph.value(node.inputs[1]) if node.op in ("conv2d", "fully_connected") else None
        if weights is None or weights.data is None or weights.dtype != "float32":
            return None
        if weights.shape[-1] % channels:
            return None
    return found


def _turned(node: Node, falling: Array, values: dict[str, Value]) -> Node:
    """A node behind a tensor whose falling channels have the other sign; a layer's weights make up for it."""
    x = f"{node.inputs[0]}{TEMPORARY}turned"
    if node.op == "reshape":
        out = f"{node.outputs[0]}{TEMPORARY}turned"
        values[out] = replace(values[node.outputs[0]], name=out)
        return replace(node, inputs=(x, *node.inputs[1:]), outputs=(out,))
    weights = values[node.inputs[1]]
    assert weights.data is not None
    signs = np.where(falling, -1, 1).astype(np.float32)
    data = weights.data * np.tile(signs, weights.shape[-1] // len(signs))
    made = replace(weights, name=f"{node.outputs[0]}{TEMPORARY}turned_weights", data=data)
    values[made.name] = made
    return replace(node, inputs=(x, made.name, *node.inputs[2:]))


def _into_layer(graph: Graph) -> Graph:
    """The edge of a step right behind a layer becomes part of its bias, a falling one turns the layer's
    sign: what is left asks whether the sums are at least 0. Channels are made of one size, which changes
    no sign, so that one scale serves all."""
    made, values = graph.producers(), dict(graph.values)
    replaced: dict[str, Node] = {}
    for node in graph.nodes:
        layer = made.get(node.inputs[0]) if node.op == "binarize" else None
        if layer is None or not _takes(layer, graph):
            continue
        axis = load_ops()[layer.op].channel_axis
        assert axis is not None
        weights, *bias = (graph.value(name) for name in layer.inputs[1:] if name)
        assert weights.data is not None
        edge, rising = _numbers(node, weights.shape[axis])
        if not np.isfinite(edge).all():
            continue
        size = np.abs(np.moveaxis(weights.data, axis, 0).reshape(len(edge), -1)).max(axis=1)
        factor = np.where(rising, 1.0, -1.0) / np.where(size > 0, size, 1.0)
        shape = [1] * len(weights.shape)
        shape[axis] = -1
        old = dequantized(bias[0]).reshape(-1) if bias else np.zeros(len(edge))
        name = f"{layer.outputs[0]}{TEMPORARY}signed"
        data = (weights.data * factor.reshape(shape)).astype(np.float32)
        moved = ((old - edge) * factor).astype(np.float32)
        values[f"{name}_weights"] = replace(weights, name=f"{name}_weights", data=data)
        values[f"{name}_bias"] = Value(f"{name}_bias", moved.shape, "float32", None, moved)
        values[name] = replace(graph.value(layer.outputs[0]), name=name)
        inputs = (layer.inputs[0], f"{name}_weights", f"{name}_bias")
        replaced[layer.name] = replace(layer, inputs=inputs, outputs=(name,))
        replaced[node.name] = _with_numbers(node, np.zeros(1), np.ones(1, bool), name)
    nodes = [replaced.get(node.name, node) for node in graph.nodes]
    return graph.with_nodes(nodes, values=values)


def _takes(layer: Node, graph: Graph) -> bool:
    """A layer with real weights whose results only the step reads, and no activation."""
    if layer.op not in _LAYERS or layer.attrs["activation"] != "NONE":
        return False
    operands = [graph.value(name) for name in (*layer.inputs[1:], layer.outputs[0]) if name]
    real = all(v.dtype == "float32" and v.quant is None for v in operands)
    return real and operands[0].data is not None and _only_reader(graph, layer.outputs[0])
