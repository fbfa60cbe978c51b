"""From the canonical to the integer graph: every node gets its integer parameters."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, IntGraph, IntNode, Node
from edgekit.op import Op, load_ops


def lower(graph: Graph) -> IntGraph:
    """Quantize every node. Raises EK203 where a value is no integer, and what operators raise."""
    nodes = tuple(integer_node(node, graph) for node in graph.nodes)
    used = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    used |= {*graph.inputs, *graph.outputs, *(state.value for state in graph.states)}
    values = {name: value for name, value in graph.values.items() if name in used}
    integer = IntGraph(
        graph.name, values, nodes, graph.inputs, graph.outputs, graph.states, graph.layouts
    )
    integer.verify()
    return integer


def operator(node: Node, graph: Graph) -> type[Op]:
    """The class that quantizes a node: its operator, or the one that does the same on int16."""
    op = load_ops()[node.op]
    sides = [graph.value(name) for name in (node.inputs[0], node.outputs[0])] if op.wide else []
    return load_ops()[op.wide] if any(value.dtype == "int16" for value in sides) else op


def integer_node(node: Node, graph: Graph) -> IntNode:
    """The integer node; an error that names a tensor only is told the node too."""
    try:
        return operator(node, graph).quantize(node, graph)
    except EdgekitError as error:
        if node.name not in error.where:
            error.where = f"node {node.name}, {error.where}".removesuffix(", ")
        raise
