"""A RESHAPE whose target is computed in the graph takes the shape that the file declares.

All shapes are static here, so SHAPE, STRIDED_SLICE and PACK in front of a RESHAPE only find again
what its output declares. Without that operand they are dead. A tensor without elements is refused.
"""

from __future__ import annotations

from dataclasses import replace

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node


def static_shapes(graph: Graph) -> Graph:
    """A constant target stays, and is checked against the declared shape later. Raises EK105 where a
    tensor that is computed or handed over has a size of 0."""
    computed = (out for node in graph.nodes for out in node.outputs)
    for name in (*graph.inputs, *graph.outputs, *computed):
        if 0 in graph.value(name).shape:
            raise EdgekitError(
                "EK105", "a tensor has no elements", where=f"graph {graph.name}, tensor {name}",
                found=f"shape {list(graph.value(name).shape)}, wanted sizes from 1",
                help="export the model with the shapes that it runs with",
            )  # fmt: skip

    def rewritten(node: Node) -> Node:
        targets = [name for name in node.inputs[1:] if name and graph.const(name) is None]
        if node.op != "RESHAPE" or not targets:
            return node
        shape = graph.value(node.outputs[0]).shape
        return replace(node, inputs=node.inputs[:1], attrs={**node.attrs, "new_shape": shape})

    return graph.with_nodes(map(rewritten, graph.nodes))
