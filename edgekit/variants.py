"""Which kernel runs each node: of the variants that core and numbers allow, the quickest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from edgekit.graph import IntGraph, IntNode
from edgekit.instructions import of_node
from edgekit.op import Variant


def choose(graph: IntGraph, isa: Collection[str]) -> IntGraph:
    """Every node with the variants it may have and the best of them, none where only the portable
    kernel can run it.

    isa: words of the target.
    """
    nodes = (replace(node, variants=tuple(fitting(node, isa))) for node in graph.nodes)
    chosen = tuple(with_best(node, graph) for node in nodes)
    return replace(graph, nodes=chosen, isa=tuple(isa))


def fitting(node: IntNode, isa: Collection[str]) -> list[Variant]:
    """The variants that may run a node on a core with these words, in the order of the class."""
    return [
        variant
        for variant in node.op.variants
        if set(variant.isa) <= set(isa) and variant.fits(node.params, node.consts)
    ]


def with_best(
    node: IntNode, graph: IntGraph, *, calls: int = 1, scratch: int | None = None
) -> IntNode:
    """The node with the quickest of its variants for so many calls, the earlier one of equals.

    scratch: bytes at most, or what the portable kernel needs; where no variant keeps to them, that
    one stays.
    """
    values = graph.values
    portable = replace(node, variant=None)
    ways = [replace(node, variant=variant) for variant in node.variants]
    if scratch is not None:
        most = max(scratch, portable.scratch(values))
        ways = [way for way in ways if way.scratch(values) <= most]
    return min(ways, key=lambda way: of_node(way, values, calls), default=portable)
