"""What several elementwise operators make of one tensor: one table of the 256 results.

    out = the output step nearest to the composed function, ties to even

Made by `passes/fuse_pointwise.py`, never by an import: nothing between input and output is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.fixed import Int
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, Case, load_ops
from edgekit.ops.lut import Lut, case
from edgekit.ops.real_function import nearest


@dataclass(frozen=True, eq=False)
class Function:
    """A function of one real number: a graph with one input and one output."""

    graph: Graph

    def __repr__(self) -> str:
        return " ".join(node.op for node in self.graph.nodes)

    def __call__(self, x: Array) -> Array:
        """Its values for the elements of `x`, in its shape."""
        live = dict.fromkeys(self.graph.inputs, x)
        for node in self.graph.nodes:
            operands = [live[name] for name in node.inputs if name in live]
            (live[node.outputs[0]],) = load_ops()[node.op].real(node, self.graph, *operands)
        return np.asarray(live[self.graph.outputs[0]], np.float64).reshape(x.shape)


class Pointwise(Lut):
    """Attribute `function`."""

    name = "pointwise"
    saturation = 0.5

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [node.attrs["function"](inputs[0].astype(np.float64))]

    @classmethod
    def levels(cls, node: Node, x: Value, out: Value, difference: Int) -> Int:
        return nearest(cls, node, x, out, difference)

    @classmethod
    def cases(cls) -> list[Case]:
        shape = (1, 5, 7, 3)
        values = {name: Value(name, shape, "float32") for name in "xsy"}
        nodes = (
            Node("s", "logistic", ("x",), ("s",)),
            Node("y", "mul", ("x", "s"), ("y",), {"activation": "NONE"}),
        )
        silu = Function(Graph("silu", values, nodes, ("x",), ("y",)))
        made = case(cls, "silu", (0.05, 4), (0.03, -110), shape)
        made.graph.nodes[0].attrs["function"] = silu  # type: ignore[index]
        return [made]
