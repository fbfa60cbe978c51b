"""What a canonical graph needs before its tensors can get numbers; depends on the graph alone.

Conversions between real and integer tensors become plain copies, layers get constants of their own,
and where numbers of the source meet that an operator cannot tell apart, a requantize stands between.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.op import load_ops, require
from edgekit.ops.lut import Lut
from edgekit.quantize.widths import converted, data_operands, form


def has_reals(graph: Graph) -> bool:
    """Whether any node reads or writes a real tensor."""
    return any(
        is_real(graph, name) for node in graph.nodes for name in (*node.inputs, *node.outputs)
    )


def is_real(graph: Graph, name: str) -> bool:
    return bool(name) and graph.value(name).dtype == "float32"


def prepared(graph: Graph, wide: frozenset[str] = frozenset()) -> Graph:
    """wide: the nodes of int16 activations. Raises EK304 for a constant that is not finite."""
    _check_constants(graph)
    graph = own_constants(graph)
    graph = graph.with_nodes(_copied(node, graph) for node in graph.nodes)
    graph = converted(graph, wide)
    graph = _with_fixed_outputs(graph, wide)
    graph = _bridged(graph, wide)
    graph.verify()
    return graph


def _check_constants(graph: Graph) -> None:
    for node in graph.nodes:
        for name in node.inputs:
            data = graph.const(name)
            if data is None or data.dtype.kind != "f":
                continue
            bad = ~np.isfinite(data)
            if bad.any():
                raise EdgekitError(
                    "EK304", "a constant holds values that are not finite", where=f"node {node.name}, tensor {name}",
                    found=f"{int(bad.sum())} of {data.size} are NaN or infinite", help="train or export the model again",
                )  # fmt: skip


def _copied(node: Node, graph: Graph) -> Node:
    """A conversion to or from reals as a copy: its two sides are then one tensor's numbers."""
    if node.op != "requantize" or not any(is_real(graph, n) for n in (*node.inputs, *node.outputs)):
        return node
    return replace(node, op="reshape", attrs={"shape": graph.value(node.outputs[0]).shape})


def own_constants(graph: Graph) -> Graph:
    """Real constants that two nodes share become one each; layers with real weights get a bias."""
    values, nodes = dict(graph.values), []
    taken: set[str] = set()
    for node in graph.nodes:
        inputs = list(node.inputs)
        for i, name in enumerate(inputs):
            if not name or values[name].data is None or not is_real(graph, name):
                continue
            if name in taken or name in graph.outputs:
                inputs[i] = _unused(values, f"{name}{TEMPORARY}{node.name}")
                values[inputs[i]] = replace(values[name], name=inputs[i])
            taken.add(name)
        axis = load_ops()[node.op].channel_axis
        if axis is not None and is_real(graph, node.inputs[1]) and not ([*inputs, ""])[2]:
            channels = values[inputs[1]].shape[axis]
            name = _unused(values, f"{node.outputs[0]}{TEMPORARY}bias")
            values[name] = Value(name, (channels,), "float32", None, np.zeros(channels, np.float32))
            inputs[2:] = [name]
        nodes.append(replace(node, inputs=tuple(inputs)))
    return graph.with_nodes(nodes, values=values)


def _unused(values: dict[str, Value], name: str) -> str:
    while name in values:
        name += "'"
    return name


def _with_fixed_outputs(graph: Graph, wide: frozenset[str]) -> Graph:
    """An operator that has one output quantization only keeps it; the source's own follows. Tables
    of our own numbers have any."""
    values, nodes = dict(graph.values), []
    for node in graph.nodes:
        op = form(node, wide)
        fixed = None if issubclass(op, Lut) else op.output_quant
        quant = values[node.outputs[0]].quant if fixed else None
        if fixed is None or quant is None or quant == Quant((fixed[0],), (fixed[1],)):
            nodes.append(node)
            continue
        nodes += _requantized_output(node, values)
    return graph.with_nodes(nodes, values=values)


def _requantized_output(node: Node, values: dict[str, Value]) -> list[Node]:
    """The node with a new output, which a requantize turns into the one it had."""
    name = _unused(values, f"{node.outputs[0]}{TEMPORARY}unscaled")
    values[name] = replace(values[node.outputs[0]], name=name, dtype="float32", quant=None)
    return [
        replace(node, outputs=(name,)),
        Node(f"{node.name}{TEMPORARY}requantize", "requantize", (name,), node.outputs),
    ]


class Groups:
    """Tensors that share one scale and zero point; `fixed` has the numbers that are given."""

    def __init__(self, graph: Graph, wide: frozenset[str]) -> None:
        self._parent: dict[str, str] = {}
        self.fixed: dict[str, Quant] = {}
        self.long: set[str] = set()  # roots of those that are kept as int16
        self.values = graph.values
        for name in dict.fromkeys((*graph.inputs, *(n for x in graph.nodes for n in x.outputs))):
            self.add(name)
        for node in graph.nodes:
            fixed = form(node, wide).output_quant
            if fixed and self.values[node.outputs[0]].quant is None:
                self.fixed[node.outputs[0]] = Quant((fixed[0],), (fixed[1],))
            for name in data_operands(node, self.values):
                self.add(name)

    def add(self, name: str) -> None:
        value = self.values[name]
        if name not in self._parent:
            self._parent[name] = name
            if value.quant is not None and not value.quant.per_channel:
                self.fixed[name] = value.quant

    def root(self, name: str) -> str:
        while self._parent[name] != name:
            self._parent[name] = self._parent[self._parent[name]]
            name = self._parent[name]
        return name

    def quant(self, name: str) -> Quant | None:
        """The numbers that are given to the tensor's group."""
        return self.fixed.get(self.root(name))

    def join(self, a: str, b: str) -> bool:
        """Make one group of two; False, and nothing done, where both have numbers that differ."""
        quants = [q for q in (self.quant(a), self.quant(b)) if q is not None]
        if len(quants) == 2 and quants[0] != quants[1]:
            return False
        first, second = self.root(a), self.root(b)
        self._parent[second] = first
        if quants:
            self.fixed[first] = quants[0]
        return True

    def members(self) -> dict[str, list[str]]:
        """Every group by its root, in a fixed order."""
        table: dict[str, list[str]] = {}
        for name in self._parent:
            table.setdefault(self.root(name), []).append(name)
        return table


def groups_of(graph: Graph, wide: frozenset[str], *, calibrated: bool) -> Groups:
    """The groups of a prepared graph; without calibration data those are one too that may be."""
    groups = Groups(graph, wide)
    for node in graph.nodes:
        if form(node, wide).same_scale:
            for name in data_operands(node, graph.values):
                joined = groups.join(node.outputs[0], name)
                assert joined, node.name
    for node in graph.nodes:
        for first, second in load_ops()[node.op].ties(node):
            joined = groups.join(first, second)
            require(joined, "one scale and zero point for what is carried along a sequence", node,
                    (groups.quant(first), groups.quant(second)))  # fmt: skip
    groups.long = {groups.root(name) for node in graph.nodes for name in _accumulating(node)}
    for node in graph.nodes:
        if form(node, wide).keeps_range and not calibrated:
            groups.join(node.outputs[0], node.inputs[0])
    return groups


def _accumulating(node: Node) -> list[str]:
    """The tensors of a node that are kept as int16."""
    op = load_ops()[node.op]
    names = [*zip(op.inputs, node.inputs, strict=False)]
    names += zip(("output", *op.more), node.outputs, strict=False)
    return [name for role, name in names if role in op.accumulates]


def accumulated(graph: Graph, wide: frozenset[str]) -> set[str]:
    """The real tensors of a prepared graph that are kept as int16, whatever the scheme."""
    if not any(load_ops()[node.op].accumulates for node in graph.nodes):
        return set()
    groups = groups_of(graph, wide, calibrated=True)
    return {
        name for root, names in groups.members().items() if root in groups.long for name in names
    }


def _bridged(graph: Graph, wide: frozenset[str]) -> Graph:
    """A requantize wherever one group would get two different numbers, on the smaller side."""
    values = dict(graph.values)
    graph = replace(graph, values=values)
    groups, nodes = Groups(graph, wide), []
    groups.values = values
    for node in graph.nodes:
        if not form(node, wide).same_scale:
            nodes.append(node)
        elif len(data_operands(node, values)) == 1:
            nodes += _one_operand(node, values, groups)
        else:
            nodes += _many_operands(node, values, groups)
    return graph.with_nodes(nodes)


def _one_operand(node: Node, values: dict[str, Value], groups: Groups) -> list[Node]:
    name, output = data_operands(node, values)[0], node.outputs[0]
    if groups.join(output, name):
        return [node]
    if values[name].elements <= values[output].elements:
        bridge, moved = _bridge(node, name, values, groups)
        groups.join(output, moved)
        return [bridge, replace(node, inputs=tuple(moved if n == name else n for n in node.inputs))]
    made = _requantized_output(node, values)
    groups.add(made[0].outputs[0])
    groups.join(name, made[0].outputs[0])
    return made


def _many_operands(node: Node, values: dict[str, Value], groups: Groups) -> list[Node]:
    """What has numbers of its own is requantized, unless all of them and the output have the same."""
    given = [groups.quant(name) for name in data_operands(node, values)]
    kept = groups.quant(node.outputs[0])
    if kept is None and len(set(given)) == 1:
        kept = given[0]
    bridges: list[Node] = []
    moved: dict[str, str] = {}
    for name, quant in zip(data_operands(node, values), given, strict=True):
        if quant is not None and quant != kept and name not in moved:
            bridge, moved[name] = _bridge(node, name, values, groups)
            bridges.append(bridge)
        groups.join(node.outputs[0], moved.get(name, name))
    return [*bridges, replace(node, inputs=tuple(moved.get(n, n) for n in node.inputs))]


def _bridge(node: Node, name: str, values: dict[str, Value], groups: Groups) -> tuple[Node, str]:
    """A requantize of `name` for `node`, and its output, whose numbers are still open."""
    made = _unused(values, f"{name}{TEMPORARY}{node.name}")
    values[made] = replace(values[name], name=made, dtype="float32", quant=None, data=None)
    groups.add(made)
    return Node(made, "requantize", (name,), (made,)), made
