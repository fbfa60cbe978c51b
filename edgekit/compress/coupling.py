"""Which channels go together: groups of channels of a canonical graph's tensors.

Channels are indices of the last axis. Channel c of an operator that works channel by channel is its
inputs' channel c; an addition makes one group of the channels that it adds; a layer that mixes channels
begins groups of its own. What an operator does otherwise with its channels fixes them: inputs, outputs
and variables of the graph are fixed, too, and so is whatever the integer form of an operator cannot do
without (`Op.spare`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.graph import Graph, Node
from edgekit.op import Op, load_ops

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]
MIXING = ("conv2d", "fully_connected")
_FOLLOWING = ("concat", "slice", "reshape", "depthwise", "transpose", "pad")


@dataclass(frozen=True, eq=False)
class Coupling:
    """labels: per tensor the group of each channel, -1 for a fixed one. families: per group its family:
    groups that one layer makes, of which a number divisible by some multiple should be left."""

    labels: Mapping[str, Labels]
    families: NDArray[np.int64]

    @property
    def count(self) -> int:
        return len(self.families)

    def alive(self, name: str, gone: Mask) -> Mask:
        """Of a tensor, the channels that are left where the groups `gone` are removed."""
        labels = self.labels[name]
        return np.asarray((labels < 0) | ~gone[labels] if len(gone) else labels < 0)

    def empties(self, gone: Mask) -> bool:
        """Is there a tensor that would have no channel left? The integer graph keeps one then, and with
        it the whole group."""
        return any(not self.alive(name, gone).any() for name in self.labels)


def coupling(graph: Graph) -> Coupling:
    """The groups of a graph whose layers have constants of their own (`prepare.own_constants`)."""
    made = _Union(graph)
    for node in graph.nodes:
        made.follow(node)
    for name in (*graph.inputs, *graph.outputs, *(state.value for state in graph.states)):
        made.fix(name)
    return made.coupling()


def layers(graph: Graph) -> list[Node]:
    """The nodes that make groups or have weights in them."""
    return [node for node in graph.nodes if node.op in (*MIXING, "depthwise")]


class _Union:
    """Disjoint sets of channels; each tensor has an array of their numbers."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._parent: list[int] = []
        self._fixed: set[int] = set()
        self._labels: dict[str, Labels] = {}
        self._made: list[Labels] = []  # what each layer with weights makes
        shared = _shared_constants(graph)
        self._usable = {n.name for n in layers(graph) if shared.isdisjoint(n.inputs[1:])}

    def coupling(self) -> Coupling:
        roots = {name: self._roots(labels) for name, labels in self._labels.items()}
        free = sorted(
            {r for labels in roots.values() for r in labels.tolist()} - self._fixed_roots()
        )
        number = np.full(len(self._parent) + 1, -1, np.int64)
        number[free] = np.arange(len(free))
        tensors = {name: number[labels] for name, labels in roots.items()}
        return Coupling(tensors, _families(len(free), [number[self._roots(m)] for m in self._made]))

    def follow(self, node: Node) -> None:
        """Labels of the node's outputs."""
        data = [n for n in node.inputs if n and self._graph.const(n) is None]
        for name in data:
            if name not in self._labels:  # an input or a variable
                self._labels[name] = self._new(_channels(self._graph, name))
        op = load_ops()[node.op]
        found = self._rule(node, op, data)
        if found is None or len(node.outputs) != 1:
            for name in data:
                self.fix(name)
            for name in node.outputs:
                self._labels[name] = self._new(_channels(self._graph, name))
                self.fix(name)
        else:
            self._labels[node.outputs[0]] = found

    def _rule(self, node: Node, op: type[Op], data: list[str]) -> Labels | None:
        """The output's labels; None where the operator is not understood."""
        count = _channels(self._graph, node.outputs[0])
        if node.op in MIXING:
            return self._begun(node, count)
        if not _can_spare(node.op):
            return None
        if node.op in _FOLLOWING:
            return getattr(self, f"_{node.op}")(node, data, count)  # type: ignore[no-any-return]
        last = len(self._graph.value(data[0]).shape) - 1 if data else 0
        if last in node.attrs.get("axes", ()) or op.coupling != "same":
            return None
        return self._joined(data, count)

    def _begun(self, node: Node, count: int) -> Labels:
        labels = self._new(count)
        if node.name in self._usable:
            self._made.append(labels)
        else:
            self._fixed.update(labels.tolist())
        return labels

    def _joined(self, data: list[str], count: int) -> Labels | None:
        """Channel c of all tensors is one channel."""
        labels = [self._labels[name] for name in data]
        if not labels or any(len(own) != count for own in labels):
            return None
        for own in labels[1:]:
            for a, b in zip(labels[0].tolist(), own.tolist(), strict=True):
                self._join(a, b)
        return labels[0]

    def _depthwise(self, node: Node, data: list[str], count: int) -> Labels | None:
        x = self._labels[data[0]]
        if len(x) == 1:
            return self._begun(node, count)
        if len(x) != count or node.name not in self._usable:
            return None
        return x

    def _concat(self, node: Node, data: list[str], count: int) -> Labels | None:
        if len(data) != len(node.inputs):
            return None
        rank = len(self._graph.value(node.outputs[0]).shape)
        if node.attrs["axis"] % rank != rank - 1:
            return self._joined(data, count)
        return np.concatenate([self._labels[name] for name in data])

    def _slice(self, node: Node, data: list[str], count: int) -> Labels | None:
        x = self._labels[data[0]]
        if len(x) == count:
            return x
        part = list(node.attrs["part"])[-1]
        if not isinstance(part, range) or part.step != 1:
            return None
        return x[part.start : part.stop]

    def _reshape(self, node: Node, data: list[str], count: int) -> Labels | None:
        """Elements keep their order: of more channels, each c, c + C, ... holds channel c's."""
        x = self._labels[data[0]]
        if count % len(x) == 0:
            return np.tile(x, count // len(x))
        if len(x) % count:
            return None
        for first, *others in x.reshape(-1, count).T.tolist():
            for other in others:
                self._join(first, other)
        return x[:count]

    def _transpose(self, node: Node, data: list[str], count: int) -> Labels | None:
        perm = tuple(node.attrs["perm"])
        return self._labels[data[0]] if perm[-1] == len(perm) - 1 else None

    def _pad(self, node: Node, data: list[str], count: int) -> Labels | None:
        x = self._labels[data[0]]
        return x if len(x) == count else None

    def fix(self, name: str) -> None:
        self._fixed.update(self._labels.get(name, np.zeros(0, np.int64)).tolist())

    def _new(self, count: int) -> Labels:
        start = len(self._parent)
        self._parent += range(start, start + count)
        return np.arange(start, start + count)

    def _root(self, label: int) -> int:
        while self._parent[label] != label:
            self._parent[label] = self._parent[self._parent[label]]
            label = self._parent[label]
        return label

    def _roots(self, labels: Labels) -> Labels:
        return np.array([self._root(label) for label in labels.tolist()], np.int64)

    def _fixed_roots(self) -> set[int]:
        return {self._root(label) for label in self._fixed}

    def _join(self, a: int, b: int) -> None:
        self._parent[self._root(b)] = self._root(a)


def _can_spare(op: str) -> bool:
    """Can the operator's integer form do without channels? Broadcasting strides are of whole tensors."""
    own = load_ops()[op].spare.__func__  # type: ignore[attr-defined]
    return own is not Op.spare.__func__ and not op.endswith("_broadcast")  # type: ignore[attr-defined]


def _channels(graph: Graph, name: str) -> int:
    shape = graph.value(name).shape
    return shape[-1] if shape else 1


def _shared_constants(graph: Graph) -> set[str]:
    """Constants that more than one operand reads."""
    seen: set[str] = set()
    shared: set[str] = set()
    for node in graph.nodes:
        for name in node.inputs:
            if name and graph.const(name) is not None:
                (shared if name in seen else seen).add(name)
    return shared


def _families(count: int, made: list[Labels]) -> NDArray[np.int64]:
    """Per group a number; groups that one layer makes have the same one."""
    family = np.arange(count)
    for labels in made:
        own = np.unique(labels[labels >= 0])
        if len(own):
            family[np.isin(family, family[own])] = family[own].min()
    return np.unique(family, return_inverse=True)[1].astype(np.int64)
