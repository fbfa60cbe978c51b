"""Canonical nodes that stand for one node of a channel-last source, and the tensors between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.op import Array, Shape, load_ops


class Sketch:
    """Nodes in the making. New tensors go into the values of the graph that is being imported, which
    `passes/canonicalize.py` has copied for that; their types and numbers are those of `like`."""

    def __init__(self, node: Node, graph: Graph) -> None:
        assert isinstance(graph.values, dict)
        self.node, self.graph = node, graph
        self.values: dict[str, Value] = graph.values
        self.nodes: list[Node] = []

    def add(self, op: str, inputs: Sequence[str], attrs: Mapping[str, Any] | None = None,
            output: str = "", like: str = "") -> str:  # fmt: skip
        """A node; returns its output, a new tensor unless `output` names one of the source's."""
        label = self.node.name if output else f"{self.node.name}{TEMPORARY}{len(self.nodes)}"
        name = output or self._name()
        made = Node(label, op, tuple(inputs), (name,), attrs or {})
        if not output:
            (shape,) = load_ops()[op].shapes(made, self.graph)
            value = self.graph.value(like or inputs[0])
            self.values[name] = replace(value, name=name, shape=shape, data=None)
        self.nodes.append(made)
        return name

    def add_all(self, op: str, inputs: Sequence[str], attrs: Mapping[str, Any]) -> list[str]:
        """A node of several new outputs."""
        label = f"{self.node.name}{TEMPORARY}{len(self.nodes)}"
        probe = Node(label, op, tuple(inputs), (), attrs)
        value, names = self.graph.value(inputs[0]), []
        for shape in load_ops()[op].shapes(probe, self.graph):
            names.append(self._name())
            self.values[names[-1]] = replace(value, name=names[-1], shape=shape, data=None)
        self.nodes.append(replace(probe, outputs=tuple(names)))
        return names

    def constant(self, data: Array, quant: Quant | None = None) -> str:
        """A new constant."""
        name = self._name()
        self.values[name] = Value(name, data.shape, str(data.dtype), quant, data)
        return name

    def reshape(self, name: str, shape: Sequence[int], output: str = "") -> str:
        return self.add("reshape", [name], {"shape": tuple(shape)}, output)

    def permute(self, name: str, perm: Sequence[int], output: str = "") -> str:
        return self.add("transpose", [name], {"perm": tuple(perm)}, output)

    def part(self, name: str, part: Sequence[range], output: str = "") -> str:
        """The indices `part` of a tensor, a range per axis."""
        attrs = {"part": tuple(part), "shape": tuple(map(len, part))}
        return self.add("slice", [name], attrs, output)

    def broadcast(self, name: str, shape: Shape) -> str:
        """The tensor repeated to `shape`; itself where it has as many elements."""
        value = self.graph.value(name)
        if value.shape == shape:
            return name
        if value.elements == int(np.prod(shape)):
            return self.reshape(name, shape)
        return self.add("broadcast", [name], {"shape": shape})

    def _name(self) -> str:
        count = 0
        while (name := f"{self.node.outputs[0]}{TEMPORARY}{count}") in self.values:
            count += 1
        return name
