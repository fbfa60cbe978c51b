"""A network with one layer changed at a time: what the outputs lose, the layers before it computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node
from edgekit.quantize.evaluate import Live, run_together

Array = NDArray[Any]
# What a layer's inputs and its outputs are [N, ...], by tensor -> ways to change its constants.
Changes = Callable[[Node, Mapping[str, Array], Mapping[str, Array]], Iterator[tuple[Any, Mapping[str, Array]]]]  # fmt: skip

_LEAST = 1e-9  # a probability below it is taken for it


def outputs(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Real outputs [N, ...] for inputs [N, ...], by tensor."""
    return _rest(graph, 0, {}, dict(inputs))


def changed(
    graph: Graph, inputs: Mapping[str, Array], changes: Changes
) -> Iterator[tuple[Node, Any, dict[str, Array]]]:
    """(node, what `changes` calls it, the network's outputs) for every way to change every node."""
    live, ends = Live(graph, inputs), {n: x for n, x in inputs.items() if n in graph.outputs}
    for at, node in enumerate(graph.nodes):
        made = dict(zip(node.outputs, run_together(node, graph, live), strict=True))
        for label, constants in changes(node, live, made):
            other = with_constants(graph, constants)
            yield node, label, _rest(other, at, ends, live)
        live |= made
        ends |= {name: x for name, x in made.items() if name in graph.outputs}
        live.done(node)


def with_constants(graph: Graph, constants: Mapping[str, Array]) -> Graph:
    """The graph with other constants, by tensor."""
    values = dict(graph.values)
    for name, data in constants.items():
        values[name] = replace(values[name], data=data)
    return replace(graph, values=values)


def _rest(graph: Graph, at: int, ends: Mapping[str, Array], live: Mapping[str, Array]) -> dict[str, Array]:  # fmt: skip
    """All outputs, from what is there before the node number `at`."""
    here, found = Live(graph, live), dict(ends)
    for node in graph.nodes[at:]:
        made = dict(zip(node.outputs, run_together(node, graph, here), strict=True))
        found |= {name: x for name, x in made.items() if name in graph.outputs}
        here |= made
        here.done(node)
    return found


def loss(graph: Graph, wanted: Mapping[str, Array], found: Mapping[str, Array]) -> float:
    """How far outputs are from others: of probabilities the Kullback-Leibler divergence in nats a sample, of other
    numbers the squared error in parts of the signal; summed over the outputs."""
    made_by = {name: node.op for node in graph.nodes for name in node.outputs}
    total = 0.0
    for name in graph.outputs:
        p, q = (np.asarray(x[name], np.float64).reshape(len(x[name]), -1) for x in (wanted, found))
        if made_by.get(name) == "softmax":
            p, q = np.maximum(p, _LEAST), np.maximum(q, _LEAST)
            total += float((p * np.log(p / q)).sum(axis=1).mean())
        else:
            power = float((p**2).sum())
            total += float(((p - q) ** 2).sum()) / (power if power > 0 else 1.0)
    return max(total, 0.0)
