"""Changes of a canonical graph's structure, each a pure function of the graph and a few numbers.

Names that an edit adds follow from those it finds, so that constants stored under them find their place
when the edits are made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.draft import TEMPORARY
from edgekit.families.window import Axis, window_attrs
from edgekit.graph import Graph, Node, Value
from edgekit.passes.drop_dead import drop_dead

Array = NDArray[Any]
# Layers whose matrix of weights [output channels, taps] can be a product of two.
FACTORED = ("conv2d", "fully_connected")


@dataclass(frozen=True)
class Factor:
    """Layer `node` becomes `rank` filters of its own shape and a pointwise (dense) layer behind them."""

    node: str
    rank: int

    def names(self, graph: Graph) -> tuple[str, str]:
        """Of the weights of both."""
        weights = node_of(graph, self.node).inputs[1]
        return f"{weights}{TEMPORARY}first", f"{weights}{TEMPORARY}second"

    def applied(self, graph: Graph) -> Graph:
        """With weights of zeros. Raises ValueError where the layer cannot be one of these."""
        node = node_of(graph, self.node)
        weights = graph.value(node.inputs[1])
        if node.op not in FACTORED or not 0 < self.rank <= weights.shape[0]:
            raise ValueError(f"rank {self.rank} of {node.op} {node.name}")
        first, second = self.names(graph)
        output, between = graph.value(node.outputs[0]), f"{node.outputs[0]}{TEMPORARY}first"
        taps, channels = weights.shape[1:], weights.shape[0]
        spatial = (1,) * (len(taps) - 1)
        values = dict(graph.values)
        for name, shape in ((first, (self.rank, *taps)), (second, (channels, *spatial, self.rank))):
            values[name] = Value(name, shape, "float32", None, np.zeros(shape, np.float32))
        shape = (*output.shape[:-1], self.rank)
        values[between] = replace(output, name=between, shape=shape)
        pair = (
            Node(f"{node.name}{TEMPORARY}first", node.op, (node.inputs[0], first), (between,),
                 {**node.attrs, "activation": "NONE"}),
            replace(node, inputs=(between, second, *node.inputs[2:]), attrs=_pointwise(node)),
        )  # fmt: skip
        nodes = [n for old in graph.nodes for n in (pair if old is node else (old,))]
        return drop_dead(graph.with_nodes(nodes, values=values))


def _pointwise(node: Node) -> Mapping[str, Any]:
    """The attributes of a layer that reads each pixel alone."""
    if node.op != "conv2d":
        return node.attrs
    return {**node.attrs, **window_attrs(Axis(1, 1, 1), Axis(1, 1, 1))}


@dataclass(frozen=True)
class Bypass:
    """What reads the output of `node` reads its operand `operand` instead; nobody reads the node."""

    node: str
    operand: int = 0

    def applied(self, graph: Graph) -> Graph:
        """Raises ValueError where the operand is not of the output's shape or the graph's output."""
        node = node_of(graph, self.node)
        (output,) = node.outputs
        given = node.inputs[self.operand]
        shapes = graph.value(output).shape, graph.value(given).shape
        if shapes[0] != shapes[1] or output in graph.outputs:
            raise ValueError(f"operand {self.operand} of {node.name} cannot stand for its output")
        nodes = [
            replace(n, inputs=tuple(given if name == output else name for name in n.inputs))
            for n in graph.nodes
            if n is not node
        ]
        return drop_dead(graph.with_nodes(nodes))


Edit = Factor | Bypass
KINDS: dict[str, type[Edit]] = {"factor": Factor, "bypass": Bypass}


def node_of(graph: Graph, name: str) -> Node:
    """Raises ValueError where the graph has no such node."""
    for node in graph.nodes:
        if node.name == name:
            return node
    raise ValueError(f"no layer {name}")
