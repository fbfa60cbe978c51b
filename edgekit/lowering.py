"""From the canonical to the integer graph: every node gets its integer parameters."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, IntGraph
from edgekit.op import load_ops


def lower(graph: Graph) -> IntGraph:
    """Quantize every node. Raises EK203 for a floating-point network, and what operators raise."""
    ours = load_ops()
    for node in graph.nodes:
        for name in (*node.inputs, *node.outputs):
            if name and graph.value(name).dtype.startswith("float"):
                raise EdgekitError(
                    "EK203",
                    "the model is not integer-only",
                    where=f"node {node.name} ({node.op}), tensor {name}",
                    found=f"{graph.value(name).dtype}, wanted int8",
                    help="convert the model with full integer quantization (int8 weights and activations)",
                )
    nodes = tuple(ours[node.op].quantize(node, graph) for node in graph.nodes)
    used = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    used |= {*graph.inputs, *graph.outputs, *(state.value for state in graph.states)}
    values = {name: value for name, value in graph.values.items() if name in used}
    integer = IntGraph(graph.name, values, nodes, graph.inputs, graph.outputs, graph.states)
    integer.verify()
    return integer
