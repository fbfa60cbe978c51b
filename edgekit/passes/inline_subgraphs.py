"""IF and WHILE become the nodes of the graphs that they call; what they compute is in `control_flow.py`."""

from __future__ import annotations

from edgekit.control_flow import CALLS, Inliner
from edgekit.graph import Graph


def inline_subgraphs(graph: Graph) -> Graph:
    """Raises EK202 for a graph that is not in the file, keeps state, or has other operands, and for a loop
    whose end is not known."""
    if not any(node.op in CALLS for node in graph.nodes):
        return graph
    inliner = Inliner(graph)
    nodes = inliner.inlined(graph.nodes, 0)
    return graph.with_nodes(nodes, values=inliner.values)
