"""A number that multiplies a product of two matrices becomes part of that product's rescaling.

Attention scales its scores so: neither a kernel nor a rounding of its own is left.
"""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import Graph, Node, dequantized


def fold_factor(graph: Graph) -> Graph:
    """Only positive numbers, behind a product that is real and that nobody else reads."""
    readers = graph.consumers()
    scaled: dict[str, Node] = {}
    dropped: set[str] = set()
    for node in graph.nodes:
        if node.op != "batch_matmul":
            continue
        (product,) = node.outputs
        value, reading = graph.value(product), readers.get(product, [])
        if len(reading) != 1 or value.quant is not None or product in graph.outputs:
            continue
        factor = _factor(reading[0], graph)
        if factor is not None and graph.value(reading[0].outputs[0]).shape == value.shape:
            attrs = {**node.attrs, "factor": factor * node.attrs.get("factor", 1.0)}
            scaled[product] = replace(node, attrs=attrs, outputs=reading[0].outputs)
            dropped.add(reading[0].outputs[0])
    return graph.with_nodes(
        scaled.get(node.outputs[0], node) for node in graph.nodes if node.outputs[0] not in dropped
    )


def _factor(node: Node, graph: Graph) -> float | None:
    """The one positive number by which a node multiplies."""
    if node.op not in ("mul", "mul_broadcast") or node.attrs["activation"] != "NONE":
        return None
    constants = [graph.value(name) for name in node.inputs if graph.const(name) is not None]
    if len(constants) != 1 or constants[0].elements != 1:
        return None
    number = float(dequantized(constants[0]).reshape(-1)[0])
    return number if number > 0 else None
