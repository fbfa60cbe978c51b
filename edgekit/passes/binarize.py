"""Elementwise operators that together are a step function become one `binarize`.

Sign, comparisons that choose between two numbers, and what straight-through estimators leave behind
(``x + (sign(x) - x)``), whatever the pattern: the chain is evaluated. A step between -1 and 1, or 0
and 1, is one. Where the function has a third value at its edge, as sign has at 0, that counts as the
upper one if nobody but layers with weights reads it: networks trained so meet the edge nowhere but by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from edgekit.families.steps import Step, step_of
from edgekit.families.window import bounds
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, load_ops
from edgekit.ops.lut import Lut
from edgekit.passes.drop_dead import drop_dead

_CHOICES = ("compare", "select", "as_real", "logical_not")
_SUMS = tuple(f"{op}{form}" for op in ("add", "sub", "mul") for form in ("", "_broadcast"))
_KEEPING = ("max_pool", "avg_pool", "mean", "reshape")
_PASSING = ("max_pool", "reshape", "pad")


def binarize(graph: Graph) -> Graph:
    """Only over real tensors: numbers of the source are kept."""
    chains: dict[str, _Chain] = {}
    readers = graph.consumers()
    nodes = []
    for node in graph.nodes:
        chain = _chain(node, graph, chains)
        step = None if chain is None else _step(chain, graph)
        if chain is not None:
            chains[node.outputs[0]] = chain
        if step is not None and step.third and not _only_layers(node.outputs[0], graph, readers):
            step = None
        if chain is not None and step is not None:
            attrs = {"edge": (step.edge,), "rising": (step.rising,), "low": step.low}
            node = replace(node, op="binarize", inputs=(chain.root,), attrs=attrs)
        nodes.append(node)
    return drop_dead(graph.with_nodes(nodes))


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
    function = _function(chain, graph)
    if _never_negative(chain.root, graph):
        return step_of(lambda x: function(np.maximum(x, 0.0)))
    return step_of(function)


def _only_layers(name: str, graph: Graph, readers: Mapping[str, Sequence[Node]]) -> bool:
    """Do layers with weights alone read a tensor, perhaps pooled?"""
    if name in graph.outputs or not readers.get(name):
        return False
    return all(
        _only_layers(node.outputs[0], graph, readers)
        if node.op in _PASSING
        else load_ops()[node.op].channel_axis is not None
        for node in readers[name]
    )


def _never_negative(name: str, graph: Graph) -> bool:
    """Is a tensor the result of a rectifier, perhaps pooled? Its zeros are no accident then."""
    node = graph.producers().get(name)
    while (
        node is not None and node.op in _KEEPING and node.attrs.get("activation", "NONE") == "NONE"
    ):
        node = graph.producers().get(node.inputs[0])
    if node is None:
        return False
    return node.op == "relu" or ("activation" in node.attrs and bounds(node)[0] == 0)


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
