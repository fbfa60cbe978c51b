"""Which kernel runs each node: the first of its operator's variants that core and numbers allow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from edgekit.graph import IntGraph, IntNode
from edgekit.op import Variant


def choose(graph: IntGraph, isa: Collection[str]) -> IntGraph:
    """Every node with its variant, None where the portable kernel stays.

    isa: words of the target.
    """
    nodes = tuple(replace(node, variant=_best(node, isa)) for node in graph.nodes)
    return replace(graph, nodes=nodes)


def fitting(node: IntNode, isa: Collection[str]) -> list[Variant]:
    """The variants that may run a node on a core with these words, the best first."""
    return [
        variant
        for variant in node.op.variants
        if set(variant.isa) <= set(isa) and variant.fits(node.params, node.consts)
    ]


def _best(node: IntNode, isa: Collection[str]) -> Variant | None:
    return next(iter(fitting(node, isa)), None)
