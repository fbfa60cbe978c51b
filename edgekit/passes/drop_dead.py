"""Nodes whose results nobody reads, and tensors that nobody names, are dropped."""

from __future__ import annotations

from edgekit.graph import Graph


def drop_dead(graph: Graph) -> Graph:
    """What is alive: the outputs, the states, and whatever they are computed from."""
    alive = set(graph.outputs) | {state.value for state in graph.states}
    kept = []
    for node in reversed(graph.nodes):
        if not alive.isdisjoint(node.outputs):
            kept.append(node)
            alive.update(name for name in node.inputs if name)
    named = alive | set(graph.inputs) | {name for node in kept for name in node.outputs}
    values = {name: value for name, value in graph.values.items() if name in named}
    return graph.with_nodes(kept[::-1], values=values)
