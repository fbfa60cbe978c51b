"""IF becomes both of its branches and a choice between their results.

A static program has no use for a jump that saves time only sometimes: its memory and its time are those
of the worst case. Branches are functions of their inputs, so that computing both changes nothing else.
A condition that is known leaves one branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgekit.draft import TEMPORARY
from edgekit.graph import Graph, Node, Value
from edgekit.op import require

_EFFECTS = (
    "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM",
)  # fmt: skip
_DEEPEST = 8


def inline_branches(graph: Graph) -> Graph:
    """Raises EK202 for a branch that is not in the file, keeps state, or has other operands."""
    if not any(node.op == "IF" for node in graph.nodes):
        return graph
    values, nodes = dict(graph.values), []
    for node in graph.nodes:
        nodes += _inlined(node, graph, values, 0) if node.op == "IF" else [node]
    return graph.with_nodes(nodes, values=values)


def _inlined(node: Node, graph: Graph, values: dict[str, Value], depth: int) -> list[Node]:
    """The nodes for one IF; the tensors of its branches go to `values`."""
    require(depth < _DEEPEST, f"at most {_DEEPEST} branches inside each other", node, depth)
    require(bool(node.inputs) and bool(node.inputs[0]), "a condition", node, node.inputs)
    condition = values[node.inputs[0]]
    require(condition.dtype == "bool" and condition.elements == 1, "one boolean as condition", node,
            (condition.dtype, condition.shape))  # fmt: skip
    labels = ["then", "else"]
    if condition.data is not None:
        labels = ["then" if condition.data.reshape(-1)[0] else "else"]
    nodes: list[Node] = []
    results: list[Sequence[str]] = []
    for label in labels:
        branch = _branch(node, graph, label)
        made, outputs = _copied(node, label, branch, graph, values, depth)
        nodes += made
        results.append(outputs)
    for i, (output, parts) in enumerate(zip(node.outputs, zip(*results, strict=True), strict=True)):
        name = f"{node.name}_{i}"
        if len(parts) == 1:
            shape = {"new_shape": values[output].shape}
            nodes.append(Node(name, "RESHAPE", parts, (output,), shape))
        else:
            nodes.append(Node(name, "SELECT_V2", (condition.name, *parts), (output,)))
    return nodes


def _branch(node: Node, graph: Graph, label: str) -> Graph:
    index = int(node.attrs[f"{label}_subgraph_index"])
    require(0 < index < len(graph.subgraphs), "graphs of the file as branches", node, index)
    branch = graph.subgraphs[index]
    sizes = (len(branch.inputs) + 1, len(branch.outputs)), (len(node.inputs), len(node.outputs))
    require(sizes[0] == sizes[1], "a branch with the operands of its node", node, sizes)
    effects = [each.op for each in branch.nodes if each.op in _EFFECTS]
    require(not effects and not branch.states, "branches that keep no state", node, effects)
    return branch


def _copied(
    node: Node, label: str, branch: Graph, graph: Graph, values: dict[str, Value], depth: int
) -> tuple[list[Node], list[str]]:
    """A branch's nodes under names of their own, reading the node's operands; and its outputs."""
    prefix = f"{node.name}{TEMPORARY}{label}{TEMPORARY}"
    names = {name: prefix + name for name in branch.values}
    names |= {"": "", **dict(zip(branch.inputs, node.inputs[1:], strict=True))}
    for name, value in branch.values.items():
        if name not in branch.inputs:
            values[names[name]] = replace(value, name=names[name])
    made: list[Node] = []
    for inner in branch.nodes:
        moved = replace(
            inner, name=prefix + inner.name, inputs=tuple(names[n] for n in inner.inputs),
            outputs=tuple(names[n] for n in inner.outputs),
        )  # fmt: skip
        made += _inlined(moved, graph, values, depth + 1) if inner.op == "IF" else [moved]
    return made, [names[name] for name in branch.outputs]
