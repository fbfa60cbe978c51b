"""Which tensors share storage: views, concatenation in place, outputs that take over an input."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from edgekit.graph import IntGraph, IntNode
from edgekit.op import Alias
from edgekit.program import ARENA, CALLER, CONST, STATE


@dataclass(frozen=True)
class Place:
    """A tensor's position: the tensor that owns the storage, and the byte offset inside it."""

    root: str
    offset: int


class Storage:
    """The growing assignment of tensors to storages; `place` answers for any tensor.

    A node whose aliases are all granted is in `dropped`: it needs no code.
    """

    def __init__(
        self,
        graph: IntGraph,
        *,
        keep_input: bool,
        caller_io: bool,
        overwrites: Callable[[int, str], bool] = lambda time, name: True,
        droppable: Collection[int] | None = None,
    ) -> None:
        """overwrites: may node number `time` write over its input `name`, as far as the order in
        which rows are made goes? droppable: the copies that may become views, None for any."""
        self.graph = graph
        self._overwrites, self._droppable = overwrites, droppable
        self.keep_input = keep_input
        self.fed = {n for node in graph.nodes if node.op.feeds for n in node.inputs}
        # What comes from outside stays where it comes to.
        self._given = {
            *graph.inputs,
            *(n for node in graph.nodes if node.op.feeds for n in node.outputs),
        }
        self.space = {name: self._space(name, caller_io) for name in graph.values}
        self.places = {name: Place(name, 0) for name in graph.values}
        self.members = {name: [name] for name in graph.values}
        self.last_use = self._last_uses()
        self.dropped: set[int] = set()
        for time, node in enumerate(graph.nodes):
            self._assign(time, node)

    def _space(self, name: str, caller_io: bool) -> str:
        if name in {state.value for state in self.graph.states}:
            return STATE
        if self.graph.values[name].data is not None:
            return CONST
        edge = name in self.graph.inputs or name in self.graph.outputs
        return CALLER if name in self.fed or (caller_io and edge) else ARENA

    def _last_uses(self) -> dict[str, int]:
        """Index of the last node that reads a tensor; the end for outputs and kept inputs."""
        end = len(self.graph.nodes)
        last = dict.fromkeys(self.graph.values, -1)
        for time, node in enumerate(self.graph.nodes):
            for name in (*node.inputs, *node.outputs):
                last[name] = max(last[name], time)
        for name in (*self.graph.outputs, *(self.graph.inputs if self.keep_input else ())):
            last[name] = end
        return last

    def place(self, name: str) -> Place:
        return self.places[name]

    def _space_of(self, name: str) -> str:
        """Where a tensor lives now; a read variable may have stayed in the state."""
        return self.space[self.places[name].root]

    def size(self, root: str) -> int:
        return self.graph.values[root].nbytes

    def _assign(self, time: int, node: IntNode) -> None:
        aliases = node.op.aliases(node, self.graph.values)
        # Two operands of one concatenation that share a storage cannot both move.
        roots = {self.places[alias.inner].root for alias in aliases}
        apart = aliases and len(roots) == len(aliases)
        apart = apart and (self._droppable is None or time in self._droppable)
        if apart and all(self._can_merge(node, alias) for alias in aliases):
            for alias in aliases:
                self._merge(alias)
            self.dropped.add(time)
            return
        for index in node.op.inplace:
            if index < len(node.inputs) and self._can_overwrite(time, node, node.inputs[index]):
                self._merge(Alias(node.outputs[0], node.inputs[index], 0))
                return

    def _can_merge(self, node: IntNode, alias: Alias) -> bool:
        inner_space, outer_space = self._space_of(alias.inner), self._space_of(alias.outer)
        if outer_space == STATE and inner_space == ARENA:
            return self._reads_end_before_assignment(alias)
        if inner_space != ARENA or outer_space != ARENA:
            return False
        if alias.inner in node.outputs:
            return True
        # Concatenation: an input moves into the output, so it must own all of its storage and
        # have been written by a node that computes.
        place = self.places[alias.inner]
        whole = place.offset == 0 and self.size(place.root) == self.size(alias.inner)
        return whole and place.root not in self._given

    def _reads_end_before_assignment(self, alias: Alias) -> bool:
        """A read variable may stay in its state while only plain reads precede the assignment."""
        if alias.inner in self.graph.outputs:
            return False
        for node in self.graph.nodes:
            if alias.inner in node.inputs and node.op.aliases(node, self.graph.values):
                return False
        writes = [t for t, n in enumerate(self.graph.nodes) if alias.outer in n.outputs]
        return all(t > self.last_use[alias.inner] for t in writes)

    def _can_overwrite(self, time: int, node: IntNode, name: str) -> bool:
        """May the node's output take over the bytes of input `name`?"""
        values, out = self.graph.values, node.outputs[0]
        if self._space_of(name) != ARENA or self._space_of(out) != ARENA:
            return False
        if not self._overwrites(time, name):
            return False
        if values[name].nbytes != values[out].nbytes or node.inputs.count(name) > 1:
            return False
        place, size = self.places[name], values[name].nbytes
        for member in self.members[place.root]:
            other = self.places[member]
            overlap = (
                other.offset < place.offset + size
                and place.offset < other.offset + values[member].nbytes
            )
            if overlap and self.last_use[member] > time:
                return False
            # Another operand of this very node in the same bytes would be destroyed half-way.
            if overlap and member != name and member in node.inputs and other != place:
                return False
        return True

    def _merge(self, alias: Alias) -> None:
        """Move the storage of `inner` into the storage of `outer`."""
        inner, outer = self.places[alias.inner], self.places[alias.outer]
        base = outer.offset + alias.offset - inner.offset
        for member in self.members.pop(inner.root):
            self.places[member] = Place(outer.root, self.places[member].offset + base)
            self.members[outer.root].append(member)
