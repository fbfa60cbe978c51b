"""A reshape of a reshape is one reshape; one that keeps the shape is none."""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph


def collapse_reshapes(graph: Graph) -> Graph:
    """What is no longer read is left for `drop_dead`; tensors with other numbers stay apart."""
    origin: dict[str, str] = {}
    same: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        node = replace(node, inputs=tuple(same.get(name, name) for name in node.inputs))
        if node.op == "reshape":
            (output,), first = node.outputs, origin.get(node.inputs[0], node.inputs[0])
            kept, made = graph.value(first), graph.value(output)
            if (kept.quant, kept.dtype) == (made.quant, made.dtype):
                origin[output] = first
                node = replace(node, inputs=(first,))
                if kept.shape == made.shape and output not in graph.outputs:
                    same[output] = first
                    continue
        nodes.append(node)
    return graph.with_nodes(nodes)
