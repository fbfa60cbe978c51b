"""Elementwise operators that together are a function of one tensor become one table of it.

GELU, SiLU, mish and hard swish as exporters write them, chains of functions, sums and products with
single numbers: whatever lies between is then never rounded to integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from edgekit.graph import Graph, Node
from edgekit.op import load_ops
from edgekit.ops.lut import Lut
from edgekit.ops.pointwise import Function

_BINARY = {
    f"{op}{form}" for op in ("add", "sub", "mul") for form in ("", "_broadcast")
} | {"squared_difference", "quotient", "extremum"}  # fmt: skip


class _Chain(NamedTuple):
    """Nodes, in order, that compute one tensor from `root` alone."""

    root: str
    nodes: tuple[Node, ...]


def fuse_pointwise(graph: Graph) -> Graph:
    """Only over real tensors that nobody else reads: numbers of the source are kept."""
    readers = graph.consumers()
    chains: dict[str, _Chain] = {}
    for node in graph.nodes:
        chain = _chain(node, graph, chains, readers)
        if chain is not None:
            chains[node.outputs[0]] = chain
    taken: set[str] = set()
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        chain = chains.get(node.outputs[0]) if node.outputs else None
        if node.outputs and node.outputs[0] in taken:
            continue
        if chain is not None and len(chain.nodes) > 1:
            taken.update(inner.outputs[0] for inner in chain.nodes)
            node = _fused(node, chain, graph)
        kept.append(node)
    return graph.with_nodes(kept[::-1])


def _chain(
    node: Node, graph: Graph, chains: Mapping[str, _Chain], readers: Mapping[str, list[Node]]
) -> _Chain | None:
    """The longest chain that ends in `node`."""
    operands = _operands(node, graph)
    if not operands:
        return None
    parts = {
        name: chains[name] if name in chains and _inner(name, [node], graph, readers) else _Chain(name, ())
        for name in operands
    }  # fmt: skip
    roots = {part.root for part in parts.values()}
    if len(roots) > 1:
        return None
    inner = dict.fromkeys(n for part in parts.values() for n in part.nodes)
    chain = _Chain(roots.pop(), (*inner, node))
    while chain.root in chains and _inner(chain.root, chain.nodes, graph, readers):
        front = chains[chain.root]
        chain = _Chain(front.root, (*front.nodes, *chain.nodes))
    return chain


def _operands(node: Node, graph: Graph) -> list[str]:
    """The tensors that an elementwise node reads, each once; none where it is something else."""
    op = load_ops().get(node.op)
    if op is None or not (issubclass(op, Lut) or node.op in _BINARY):
        return []
    shape = graph.value(node.outputs[0]).shape
    tensors = []
    for name in node.inputs:
        value = graph.value(name)
        if value.data is None:
            tensors.append(name)
        if value.elements != 1 if value.data is not None else value.shape != shape:
            return []
        if value.dtype not in ("float32", "int8"):
            return []
    return list(dict.fromkeys(tensors))


def _inner(
    name: str, nodes: list[Node] | tuple[Node, ...], graph: Graph, readers: Mapping[str, list[Node]]
) -> bool:
    """Whether a tensor has no numbers of its own and no reader but those nodes."""
    value = graph.value(name)
    alone = all(reader in nodes for reader in readers.get(name, ()))
    return value.dtype == "float32" and value.quant is None and alone and name not in graph.outputs


def _fused(node: Node, chain: _Chain, graph: Graph) -> Node:
    names = {name for inner in chain.nodes for name in (*inner.inputs, *inner.outputs)}
    values = {name: graph.value(name) for name in names}
    function = Graph(node.name, values, chain.nodes, (chain.root,), node.outputs)
    return replace(
        node, op="pointwise", inputs=(chain.root,), attrs={"function": Function(function)}
    )
