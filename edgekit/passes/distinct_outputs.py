"""Every output is a tensor of its own: no input, no constant, and no other output.

A copy takes its place. Where inputs and outputs lie in the arena the planner makes it a view.
"""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph, Node


def distinct_outputs(graph: Graph) -> Graph:
    """The copies are named after the tensor and the output's place."""
    values, layouts = dict(graph.values), dict(graph.layouts)
    copies: list[Node] = []
    outputs: list[str] = []
    for place, name in enumerate(graph.outputs):
        value = graph.value(name)
        if name not in (*graph.inputs, *outputs) and value.data is None:
            outputs.append(name)
            continue
        copy = f"{name}~output{place}"
        values[copy] = replace(value, name=copy, data=None)
        if name in layouts:
            layouts[copy] = layouts[name]
        copies.append(Node(copy, "reshape", (name,), (copy,), {"shape": value.shape}))
        outputs.append(copy)
    if not copies:
        return graph
    return replace(
        graph, nodes=(*graph.nodes, *copies), values=values, outputs=tuple(outputs), layouts=layouts
    )
