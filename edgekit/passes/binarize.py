"""Elementwise operators that together are a step function become one `binarize`.

Sign, comparisons that choose between two numbers, and what straight-through estimators leave behind
(``x + (sign(x) - x)``), whatever the pattern: the chain is evaluated. A step between -1 and 1, or 0
and 1, is one; where the function has a third value at its edge, as sign has at 0, that counts as the
upper one, since networks trained with it meet the edge nowhere but by accident.

A factor and an offset per channel in front of a step move its edge (batch normalization behind a pool),
a step behind a pool of maxima moves in front of it, and its edge into the bias of the layer that
it then follows, so that in the end it asks for the sign of that layer's sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.families.steps import Step, step_of
from edgekit.graph import Graph, Node, Value, dequantized
from edgekit.op import Array, load_ops
from edgekit.ops.lut import Lut
from edgekit.passes.drop_dead import drop_dead

_CHOICES = ("compare", "select", "as_real", "logical_not")
_SUMS = tuple(f"{op}{form}" for op in ("add", "sub", "mul") for form in ("", "_broadcast"))
_LAYERS = ("conv2d", "depthwise", "fully_connected")


def binarize(graph: Graph) -> Graph:
    """Only over real tensors: numbers of the source are kept."""
    chains: dict[str, _Chain] = {}
    nodes = []
    for node in graph.nodes:
        chain = _chain(node, graph, chains)
        step = None if chain is None else _step(chain, graph)
        if chain is not None:
            chains[node.outputs[0]] = chain
        if chain is not None and step is not None:
            attrs = {"edge": (step.edge,), "rising": (step.rising,), "low": step.low}
            node = replace(node, op="binarize", inputs=(chain.root,), attrs=attrs)
        nodes.append(node)
    graph = drop_dead(graph.with_nodes(nodes))
    for move in (_over_affine, _over_pool, _over_affine, _into_layer):
        graph = move(graph)
    return drop_dead(graph)


class _Chain(NamedTuple):
    """Nodes, in order, that compute one tensor from `root` alone."""

    root: str
    nodes: tuple[Node, ...]


def _chain(node: Node, graph: Graph, chains: dict[str, _Chain]) -> _Chain | None:
    """The longest chain that ends in `node`; its constants hold one number each."""
    op = load_ops().get(node.op)
    if op is None or not (issubclass(op, Lut) or node.op in (*_CHOICES, *_SUMS, "extremum")):
        return None
    shape, tensors = graph.value(node.outputs[0]).shape, []
    for name in node.inputs:
        value = graph.value(name)
        if value.data is None:
            tensors.append(name)
        if value.quant is not None or (value.data is not None and _number(value) is None):
            return None
        if value.data is None and value.shape != shape:
            return None
    parts = [chains.get(name, _Chain(name, ())) for name in dict.fromkeys(tensors)]
    roots = {part.root for part in parts}
    if len(roots) != 1 or graph.value(node.outputs[0]).quant is not None:
        return None
    inner = dict.fromkeys(n for part in parts for n in part.nodes)
    return _Chain(roots.pop(), (*inner, node))


def _number(value: Value) -> float | None:
    """The only number of a constant."""
    assert value.data is not None
    first = value.data.reshape(-1)[:1]
    return float(first[0]) if first.size and (value.data == first[0]).all() else None


def _step(chain: _Chain, graph: Graph) -> Step | None:
    ends = [graph.value(name) for name in (chain.root, chain.nodes[-1].outputs[0])]
    if any(value.dtype != "float32" or value.quant is not None for value in ends):
        return None
    return step_of(_function(chain, graph))


def _function(chain: _Chain, graph: Graph) -> Callable[[Array], Array]:
    """The chain as a function of one real number."""

    def function(x: Array) -> Array:
        values, live = dict(graph.values), {chain.root: x}
        for name in {name for node in chain.nodes for name in (*node.inputs, *node.outputs)}:
            value, data = graph.value(name), graph.value(name).data
            data = None if data is None else np.full(x.shape, _number(value), data.dtype)
            values[name] = replace(value, shape=x.shape, data=data)
        for node in chain.nodes:
            operands = [live[name] for name in node.inputs if name in live]
            (made,) = load_ops()[node.op].real(node, replace(graph, values=values), *operands)
            live[node.outputs[0]] = np.asarray(made).reshape(x.shape)
        return live[chain.nodes[-1].outputs[0]].astype(np.float64)

    return function


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
    return drop_dead(graph.with_nodes(nodes))


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
            readers = _layers_behind(out, graph) if node.attrs["low"] == -1 else None
            if readers is None:
                continue
            for reader in readers:
                turned = _turned(replace(graph, values=values).value(reader.inputs[1]), ~rising)
                turned = replace(turned, name=f"{reader.outputs[0]}{TEMPORARY}turned")
                values[turned.name] = turned
                inputs = (reader.inputs[0], turned.name, *reader.inputs[2:])
                replaced[reader.name] = replace(reader, inputs=inputs)
        # Beyond a falling edge, the first number that is not at or below it.
        edge = np.where(rising, edge, np.nextafter(edge, np.inf))
        steps = f"{out}{TEMPORARY}steps"
        values[steps] = replace(graph.value(x), name=steps)
        first = _with_numbers(node, edge, np.ones_like(rising), x)
        replaced[pool.name] = replace(first, name=steps, outputs=(steps,))
        replaced[node.name] = replace(pool, inputs=(steps,), outputs=(out,))
    nodes = [replaced.get(node.name, node) for node in graph.nodes]
    return graph.with_nodes(nodes, values=values)


def _layers_behind(name: str, graph: Graph) -> list[Node] | None:
    """The layers with real weights that alone read a tensor, through reshapes; None where others do."""
    found: list[Node] = []
    if name in graph.outputs:
        return None
    channels = graph.value(name).shape[-1]
    for node in graph.consumers().get(name, ()):
        if node.op == "reshape":
            inner = _layers_behind(node.outputs[0], graph)
            if inner is None:
                return None
            found += inner
            continue
        weights = graph.value(node.inputs[1]) if node.op in ("conv2d", "fully_connected") else None
        if weights is None or weights.data is None or weights.dtype != "float32":
            return None
        if weights.shape[-1] % channels:
            return None
        found.append(node)
    return found


def _turned(weights: Value, falling: Array) -> Value:
    """The weights with the sign of some input channels changed."""
    assert weights.data is not None
    signs = np.where(falling, -1, 1).astype(np.float32)
    return replace(weights, data=weights.data * np.tile(signs, weights.shape[-1] // len(signs)))


def _into_layer(graph: Graph) -> Graph:
    """The edge of a step right behind a layer becomes part of its bias, a falling one turns the layer's
    sign: what is left asks whether the sums are at least 0."""
    made, values = graph.producers(), dict(graph.values)
    replaced: dict[str, Node] = {}
    for node in graph.nodes:
        layer = made.get(node.inputs[0]) if node.op == "binarize" else None
        if layer is None or layer.op not in _LAYERS or layer.attrs["activation"] != "NONE":
            continue
        operands = [values[name] for name in layer.inputs[1:] if name]
        real = all(v.dtype == "float32" and v.quant is None for v in operands)
        if not real or not _only_reader(graph, layer.outputs[0]) or operands[0].data is None:
            continue
        axis = load_ops()[layer.op].channel_axis
        assert axis is not None
        edge, rising = _numbers(node, operands[0].shape[axis])
        signs = np.where(rising, 1.0, -1.0)
        shape = [1] * len(operands[0].shape)
        shape[axis] = -1
        old = operands[1].data.reshape(-1) if len(operands) > 1 else np.zeros(len(edge))  # type: ignore[union-attr]
        if not np.isfinite(edge).all():
            continue
        name = f"{layer.outputs[0]}{TEMPORARY}signed"
        data = (operands[0].data * signs.reshape(shape)).astype(np.float32)
        bias = ((old - edge) * signs).astype(np.float32)
        values[f"{name}_weights"] = replace(operands[0], name=f"{name}_weights", data=data)
        values[f"{name}_bias"] = Value(f"{name}_bias", bias.shape, "float32", None, bias)
        inputs = (layer.inputs[0], f"{name}_weights", f"{name}_bias")
        replaced[layer.name] = replace(layer, inputs=inputs)
        zero, up = np.zeros(1), np.ones(1, bool)
        replaced[node.name] = _with_numbers(node, zero, up, node.inputs[0])
    nodes = [replaced.get(node.name, node) for node in graph.nodes]
    return graph.with_nodes(nodes, values=values)
