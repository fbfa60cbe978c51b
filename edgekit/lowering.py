"""From the canonical to the integer graph: every node gets its integer parameters."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, IntGraph, IntNode, Node
from edgekit.op import Op, load_ops


def lower(graph: Graph) -> IntGraph:
    """Quantize every node. Raises EK203 where a value is no integer, and what operators raise."""
    ours = load_ops()
    nodes = tuple(_quantized(node, ours[node.op], graph) for node in graph.nodes)
    used = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    used |= {*graph.inputs, *graph.outputs, *(state.value for state in graph.states)}
    values = {name: value for name, value in graph.values.items() if name in used}
    integer = IntGraph(
        graph.name, values, nodes, graph.inputs, graph.outputs, graph.states, graph.layouts
    )
    integer.verify()
    return integer


def _quantized(node: Node, op: type[Op], graph: Graph) -> IntNode:
    """The integer node; an error that names a tensor only is told the node too."""
    try:
        return op.quantize(node, graph)
    except EdgekitError as error:
        if node.name not in error.where:
            error.where = f"node {node.name}, {error.where}".removesuffix(", ")
        raise
