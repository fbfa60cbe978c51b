"""A RESHAPE whose target is computed in the graph takes the shape that the file declares.

All shapes are static here, so SHAPE, STRIDED_SLICE and PACK in front of a RESHAPE only find again
what its output declares. Without that operand they are dead.
"""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph, Node


def static_shapes(graph: Graph) -> Graph:
    """A constant target stays, and is checked against the declared shape later."""

    def rewritten(node: Node) -> Node:
        computed = [name for name in node.inputs[1:] if name and graph.const(name) is None]
        if node.op != "RESHAPE" or not computed:
            return node
        shape = graph.value(node.outputs[0]).shape
        return replace(node, inputs=node.inputs[:1], attrs={**node.attrs, "new_shape": shape})

    return graph.with_nodes(map(rewritten, graph.nodes))
