"""Layers of int16 activations: their operators, and the conversions where they meet those of int8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from edgekit.draft import TEMPORARY
from edgekit.graph import Graph, Node, Value
from edgekit.op import Op, load_ops

WIDE = "int16"


def form(node: Node, wide: Iterable[str]) -> type[Op]:
    """The class that a node is quantized by, where those named in `wide` are of int16."""
    op = load_ops()[node.op]
    return load_ops()[op.wide] if op.wide and node.name in wide else op


def data_operands(node: Node, values: Mapping[str, Value]) -> list[str]:
    """The operands that have a quantization of their own: all but weights and bias, and plain integers
    such as indices and conditions."""
    weighted = load_ops()[node.op].channel_axis is not None
    named = [name for name in (node.inputs[:1] if weighted else node.inputs) if name]
    return [n for n in named if values[n].dtype == "float32" or values[n].quant is not None]


def converted(graph: Graph, wide: frozenset[str]) -> Graph:
    """A requantize wherever a tensor is made in one width and read in the other, one a tensor.

    An input of the network has the width of its readers, int8 where they differ.
    """
    values, nodes = dict(graph.values), []
    made = {name: node.name in wide for node in graph.nodes for name in node.outputs}
    for name in graph.inputs:
        readers = [node for node in graph.nodes if name in data_operands(node, graph.values)]
        made[name] = bool(readers) and all(node.name in wide for node in readers)
    moved: dict[str, str] = {}
    for node in graph.nodes:
        inputs = list(node.inputs)
        for i, name in enumerate(inputs):
            if (
                name not in data_operands(node, graph.values)
                or name not in made
                or made[name] == (node.name in wide)
            ):
                continue
            if name not in moved:
                moved[name] = f"{name}{TEMPORARY}{'int8' if made[name] else WIDE}"
                values[moved[name]] = Value(moved[name], values[name].shape, "float32")
                nodes.append(Node(moved[name], "requantize", (name,), (moved[name],)))
            inputs[i] = moved[name]
        nodes.append(replace(node, inputs=tuple(inputs)))
    return graph.with_nodes(nodes, values=values)


def wide_tensors(graph: Graph, wide: frozenset[str]) -> frozenset[str]:
    """The real tensors of a prepared graph that become int16."""
    around = (
        n
        for node in graph.nodes
        if node.name in wide
        for n in (*data_operands(node, graph.values), *node.outputs)
    )
    return frozenset(name for name in around if graph.value(name).dtype == "float32")
