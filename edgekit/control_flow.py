"""What IF and WHILE mean in a program without jumps.

A static program has no use for a jump that saves time only sometimes: its memory and its time are those
of the worst case. IF is both of its branches and a choice between their results; graphs are functions of their
inputs, so that computing both changes nothing else. A condition that is known leaves one branch.

WHILE is its body as many times as it can run. Counters are constants of each time. Where the condition also
depends on data, every time is computed, and a choice keeps the values of the last that should have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from edgekit.draft import TEMPORARY
from edgekit.errors import EdgekitError
from edgekit.folding import fold_integers, fold_node
from edgekit.graph import Graph, Node, Value
from edgekit.op import Array, require, tflite_ops

CALLS = ("IF", "WHILE")
_EFFECTS = (
    "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM",
)  # fmt: skip
_DEEPEST = 8
_MOST_TIMES = 256
_MOST_NODES = 20_000


class Inliner:
    """The nodes of called graphs under names of their own; their tensors go to `values`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: dict[str, Value] = dict(graph.values)
        self._made = 0

    def inlined(self, nodes: Iterable[Node], depth: int) -> list[Node]:
        made: list[Node] = []
        for node in nodes:
            if node.op not in CALLS:
                made.append(node)
                continue
            require(depth < _DEEPEST, f"at most {_DEEPEST} calls inside each other", node, depth)
            made += (self._chosen if node.op == "IF" else self._repeated)(node, depth)
        return made

    def _chosen(self, node: Node, depth: int) -> list[Node]:
        require(bool(node.inputs) and bool(node.inputs[0]), "a condition", node, node.inputs)
        condition = self.values[node.inputs[0]]
        _require_condition(node, condition)
        labels = ["then", "else"]
        if condition.data is not None:
            labels = ["then" if condition.data.reshape(-1)[0] else "else"]
        nodes: list[Node] = []
        results: list[Sequence[str]] = []
        for label in labels:
            branch = self._called(node, label, len(node.inputs) - 1, len(node.outputs))
            made, outputs = self._copied(node, label, branch, node.inputs[1:], depth)
            nodes += made
            results.append(outputs)
        for i, (output, parts) in enumerate(
            zip(node.outputs, zip(*results, strict=True), strict=True)
        ):
            name = f"{node.name}_{i}"
            if len(parts) == 1:
                nodes.append(self._renamed(name, parts[0], output))
            else:
                nodes.append(Node(name, "SELECT_V2", (condition.name, *parts), (output,)))
        return nodes

    def _repeated(self, node: Node, depth: int) -> list[Node]:
        count = len(node.inputs)
        require("" not in node.inputs, "a value for every operand", node, node.inputs)
        condition = self._called(node, "cond", count, 1)
        body = self._called(node, "body", count, count)
        require(len(node.outputs) == count, "as many results as values", node, len(node.outputs))
        _require_condition(node, condition.value(condition.outputs[0]))
        for given, made in zip(node.inputs, body.outputs, strict=True):
            before, after = _kind(self.values[given]), _kind(body.value(made))
            require(before == after, "a body that keeps its values' types", node, (before, after))
        loop = _Loop(self, node, condition, body, depth)
        while loop.goes_on():
            loop.run()
        pairs = zip(loop.current, node.outputs, strict=True)
        return loop.nodes + [
            self._renamed(f"{node.name}_{i}", *pair) for i, pair in enumerate(pairs)
        ]

    def _called(self, node: Node, label: str, inputs: int, outputs: int) -> Graph:
        index = int(node.attrs[f"{label}_subgraph_index"])
        require(0 < index < len(self.graph.subgraphs), "graphs of the file to call", node, index)
        called = self.graph.subgraphs[index]
        sizes = (len(called.inputs), len(called.outputs)), (inputs, outputs)
        require(sizes[0] == sizes[1], "a called graph with the operands of its node", node, sizes)
        effects = [each.op for each in called.nodes if each.op in _EFFECTS]
        require(
            not effects and not called.states, "called graphs that keep no state", node, effects
        )
        return called

    def _copied(
        self, node: Node, label: str, called: Graph, operands: Sequence[str], depth: int
    ) -> tuple[list[Node], list[str]]:
        """A graph's nodes, reading these operands; and its outputs."""
        self._made += len(called.nodes)
        require(
            self._made <= _MOST_NODES, f"at most {_MOST_NODES} nodes in all calls", node, self._made
        )
        prefix = f"{node.name}{TEMPORARY}{label}{TEMPORARY}"
        names = {name: prefix + name for name in called.values}
        names |= {"": "", **dict(zip(called.inputs, operands, strict=True))}
        for name, value in called.values.items():
            if name not in called.inputs:
                self.values[names[name]] = replace(value, name=names[name])
        moved = [
            replace(
                inner,
                name=prefix + inner.name,
                inputs=tuple(names[n] for n in inner.inputs),
                outputs=tuple(names[n] for n in inner.outputs),
            )
            for inner in called.nodes
        ]
        return self.inlined(moved, depth + 1), [names[name] for name in called.outputs]

    def _renamed(self, name: str, old: str, new: str) -> Node:
        return Node(name, "RESHAPE", (old,), (new,), {"new_shape": self.values[new].shape})


class _Loop:
    """A WHILE as far as it has been unrolled.

    current: the names of its values. known: those of them that are constants as long as the loop has not
    been left, by what the body computes. active: the tensor that says whether it has, "" where it cannot.
    """

    def __init__(self, to: Inliner, node: Node, condition: Graph, body: Graph, depth: int) -> None:
        self.to, self.node, self.condition, self.body, self.depth = to, node, condition, body, depth
        self.current = list(node.inputs)
        self.known = [to.values[name].data for name in node.inputs]
        self.active, self.times = "", 0
        self.nodes: list[Node] = []

    def goes_on(self) -> bool:
        """Whether the body may run once more."""
        (answer,) = computed(self.condition, self.known)
        return answer is None or bool(answer.reshape(-1)[0])

    def run(self) -> None:
        """Once more, if the condition still holds."""
        require(self.times < _MOST_TIMES, f"a loop that surely ends within {_MOST_TIMES} times", self.node,
                "more, or a number that depends on data alone")  # fmt: skip
        operands = [self._operand(i) for i in range(len(self.current))]
        (answer,) = computed(self.condition, self.known)
        if answer is None:
            self._test(operands)
        results = self._called("body", self.body, operands)
        self.known = computed(self.body, self.known)
        self.times += 1
        for i, result in enumerate(results):
            after = self._operand(i, result)
            self.current[i] = self._kept(i, after) if self.active else after

    def _operand(self, i: int, name: str = "") -> str:
        """A value's tensor; a constant of its own where it is known."""
        name = name or self.current[i]
        data = self.known[i]
        if data is None or self.to.values[name].data is not None:
            return name
        made = f"{self.node.name}{TEMPORARY}{self.times}{TEMPORARY}{i}"
        self.to.values[made] = replace(self.to.values[name], name=made, data=data)
        return made

    def _test(self, operands: Sequence[str]) -> None:
        (holds,) = self._called("cond", self.condition, operands)
        if self.active:
            name = f"{self.node.name}{TEMPORARY}{self.times}{TEMPORARY}active"
            self.to.values[name] = replace(self.to.values[holds], name=name)
            self.nodes.append(Node(name, "LOGICAL_AND", (self.active, holds), (name,)))
            holds = name
        self.active = holds

    def _kept(self, i: int, after: str) -> str:
        """The value that the loop has now: the new one if it was still active."""
        before = self.current[i]
        if before == after:
            return before
        name = f"{self.node.name}{TEMPORARY}{self.times}{TEMPORARY}kept_{i}"
        self.to.values[name] = replace(self.to.values[after], name=name, data=None)
        self.nodes.append(Node(name, "SELECT_V2", (self.active, after, before), (name,)))
        return name

    def _called(self, label: str, graph: Graph, operands: Sequence[str]) -> list[str]:
        made, outputs = self.to._copied(
            self.node, f"{self.times} {label}", graph, operands, self.depth
        )
        self.nodes += made
        return outputs


def computed(graph: Graph, given: Sequence[Array | None]) -> list[Array | None]:
    """The outputs of a graph that follow from these of its inputs alone, None for the others."""
    values = dict(graph.values)
    for name, data in zip(graph.inputs, given, strict=True):
        values[name] = replace(values[name], data=data)
    # As no output of its own a tensor may become a constant.
    probe = replace(graph, values=values, outputs=())
    for node in graph.nodes:
        known = [probe.const(name) for name in node.inputs if name]
        if node.op == "LOGICAL_AND" and any(x is not None and not x.any() for x in known):
            out = node.outputs[0]
            values[out] = replace(values[out], data=np.zeros(values[out].shape, np.bool_))
        elif known and all(x is not None for x in known) and not fold_integers(node, probe):
            _fold(node, probe)
    return [values[name].data for name in graph.outputs]


def _fold(node: Node, graph: Graph) -> None:
    """A node on constants; what is wrong with it is said where the copy is imported."""
    op = tflite_ops().get(node.op)
    try:
        for made in op.import_tflite(node, graph) if op else ():
            fold_node(made, graph)
    except (EdgekitError, ArithmeticError, LookupError, TypeError, ValueError, NotImplementedError):
        return


def _require_condition(node: Node, condition: Value) -> None:
    require(condition.dtype == "bool" and condition.elements == 1, "one boolean as condition", node,
            (condition.dtype, condition.shape))  # fmt: skip


def _kind(value: Value) -> tuple[object, ...]:
    return value.dtype, value.shape, value.quant
