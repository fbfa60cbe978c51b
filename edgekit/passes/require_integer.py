"""A network with floating-point activations is refused before anything else is said about it."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.graph import Graph


def require_integer(graph: Graph) -> Graph:
    """Raises EK203 naming the first node that computes in floating point."""
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
    return graph
