"""Conversions at the edges of the network become its integer interface.

A QUANTIZE from a floating-point input, and a DEQUANTIZE to an output, are removed: the input or
output becomes the integer tensor, under the name that the source model gives it.
"""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph, Node, Value


def bind_edges(graph: Graph) -> Graph:
    """Only a conversion that is alone at its edge is taken; others stay and are judged later."""
    renamed: dict[str, str] = {}
    values = dict(graph.values)
    kept = []
    consumers = graph.consumers()
    for node in graph.nodes:
        edge = _edge(graph, node, consumers)
        # A tensor between both edges has one name only; the second conversion stays.
        if edge is None or edge[1] in renamed:
            kept.append(node)
            continue
        public, inner = edge
        renamed[inner] = public
        values[public] = replace(graph.value(inner), name=public)
        del values[inner]
    if not renamed:
        return graph

    def names(old: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(renamed.get(name, name) for name in old)

    nodes = [replace(n, inputs=names(n.inputs), outputs=names(n.outputs)) for n in kept]
    return graph.with_nodes(nodes, values=values)


def _edge(graph: Graph, node: Node, consumers: dict[str, list[Node]]) -> tuple[str, str] | None:
    """(public floating-point tensor, inner integer tensor) of a conversion at an edge, or None."""
    if node.op not in ("QUANTIZE", "DEQUANTIZE") or len(node.inputs) != 1:
        return None
    source, result = graph.value(node.inputs[0]), graph.value(node.outputs[0])
    if node.op == "QUANTIZE" and source.name in graph.inputs and _converts(source, result):
        alone = consumers[source.name] == [node] and result.name not in graph.outputs
        return (source.name, result.name) if alone else None
    if node.op == "DEQUANTIZE" and result.name in graph.outputs and _converts(result, source):
        inner = source.name not in graph.inputs and source.name not in graph.outputs
        once = graph.outputs.count(result.name) == 1 and result.name not in consumers
        others = [n for n in consumers[source.name] if n is not node and n.op == "DEQUANTIZE"]
        return (result.name, source.name) if inner and once and not others else None
    return None


def _converts(real: Value, integer: Value) -> bool:
    return (
        real.dtype == "float32"
        and integer.dtype in ("int8", "uint8", "int16")
        and integer.data is None
        and real.shape == integer.shape
        and integer.quant is not None
    )
