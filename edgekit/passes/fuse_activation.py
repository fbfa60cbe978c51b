"""A rectifier or clamp behind an operator that can clamp its own result becomes that clamp."""

from __future__ import annotations

from dataclasses import replace

from edgekit.families.window import bounds
from edgekit.graph import Graph, Node


def fuse_activation(graph: Graph) -> Graph:
    """Only where nobody else reads the value before it, and where that value has no numbers of its
    own: what a source quantizes before its rectifier stays so."""
    readers, producers = graph.consumers(), graph.producers()
    fused: dict[str, Node] = {}
    dropped: set[str] = set()
    for node in graph.nodes:
        if node.op != "relu":
            continue
        inner = node.inputs[0]
        producer = fused.get(inner, producers.get(inner))
        if (
            producer is not None
            and producer.attrs.get("activation") == "NONE"
            and len(readers[inner]) == 1
            and inner not in graph.outputs
            and graph.value(inner).quant is None
            and bounds(node) != (None, None)
        ):
            attrs = {**producer.attrs, "activation": node.attrs["activation"]}
            fused[producer.outputs[0]] = replace(producer, outputs=node.outputs, attrs=attrs)
            dropped.add(node.outputs[0])
    nodes = [
        fused.get(node.outputs[0], node) for node in graph.nodes if node.outputs[0] not in dropped
    ]
    return graph.with_nodes(nodes)
