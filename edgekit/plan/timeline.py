"""When each row of each tensor is alive, under a schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgekit.graph import IntGraph
from edgekit.plan.stages import Stage, is_map
from edgekit.plan.storage import Storage
from edgekit.program import ARENA, CONST, Turn


@dataclass(frozen=True)
class Root:
    """A storage: `rows` rows (one where it is not a map) of `row_bytes` in the arena, 0 elsewhere."""

    name: str
    rows: int
    row_bytes: int


@dataclass
class Span:
    """Per row of a storage: the row step that writes it first, and the last that needs it."""

    born: list[int]
    dies: list[int]


class Timeline:
    """What nodes read and write in terms of storages and their rows.

    Row steps count from 1; whatever the caller hands over is born at 0. `first` and `last` hold the
    nodes that use a storage first and last: -1 for inputs, len(nodes) for what must survive.
    """

    def __init__(self, graph: IntGraph, storage: Storage, stages: Sequence[Stage]) -> None:
        self.graph, self.storage, self.stages = graph, storage, stages
        self.roots = {
            name: _root(graph, storage, name)
            for name in storage.members
            if storage.space[name] != CONST
        }
        self._divide()
        self.reads = [
            self._uses(k, node.inputs, stages[k].pieces) for k, node in enumerate(graph.nodes)
        ]
        self.writes = [self._uses(k, node.outputs) for k, node in enumerate(graph.nodes)]
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.users: dict[str, set[int]] = {}
        for name in graph.inputs:
            self.first[storage.place(name).root] = -1
        for k in range(len(graph.nodes)):
            for root, _ in (*self.writes[k], *self.reads[k]):
                self.first.setdefault(root, k)
                self.last[root] = k
                self.users.setdefault(root, set()).add(k)
        for name in self.roots:
            self.first.setdefault(name, -1)
            self.last.setdefault(name, -1)
        for name, end in storage.last_use.items():
            root = storage.place(name).root
            if end == len(graph.nodes) and root in self.roots:
                self.last[root] = end

    def _divide(self) -> None:
        """Storages whose only reader counts pieces instead of rows are kept in those pieces."""
        readers: dict[str, set[int]] = {}
        for k, node in enumerate(self.graph.nodes):
            for name in node.inputs:
                readers.setdefault(self.storage.place(name).root, set()).add(k)
        for name, nodes in readers.items():
            pieces = self.stages[min(nodes)].pieces
            if len(nodes) == 1 and pieces and name in self.roots:
                root = self.roots[name]
                self.roots[name] = Root(name, pieces, root.rows * root.row_bytes // pieces)

    def _uses(self, k: int, names: Sequence[str], pieces: int = 0) -> list[tuple[str, bool]]:
        """The storages behind tensors, each with whether it is used row by row."""
        if k in self.storage.dropped:
            return []
        found = []
        for name in dict.fromkeys(names):
            root = self.storage.place(name).root
            if root in self.roots:
                shape, own = (self.graph.values[n].shape for n in (name, root))
                rows = pieces or (shape[1] if shape == own and is_map(shape) else 1)
                found.append((root, rows == self.roots[root].rows > 1))
        return found

    def events(self, turns: Sequence[Turn]) -> Iterator[tuple[int, int, int, Turn]]:
        """(time, node, row, its turn) of every row step."""
        time = 0
        for turn in turns:
            for row in range(turn.first, turn.first + turn.n):
                time += 1
                yield time, turn.step, row, turn

    def left_to(self, k: int, root: str, nodes: Sequence[int]) -> bool:
        """Does no other node use a storage once node `k` has begun? nodes: those of the row steps."""
        return (self.users[root] - {k}).isdisjoint(nodes[nodes.index(k) :])

    def spans(self, turns: Sequence[Turn]) -> tuple[dict[str, Span], int]:
        """The spans of all storages that `turns` use, and the number of row steps.

        What a turn has made stands until the turn is over, for whoever looks in between turns.
        """
        spans: dict[str, Span] = {}
        time = 0
        for time, k, row, turn in self.events(turns):
            stage = self.stages[k]
            over = time + turn.first + turn.n - 1 - row
            for root, by_rows in self.reads[k]:
                span = spans.get(root) or self._new_span(root, spans)
                if by_rows and stage.rows:
                    rows, last = stage.read(row, turn.first), over if stage.together else time
                    span.dies[rows.start : rows.stop : rows.step] = [last] * len(rows)
                else:
                    span.dies[:] = [time] * len(span.dies)
            if stage.sums and row < stage.rows - 1:
                continue
            for root, by_rows in self.writes[k]:
                span = spans.get(root) or self._new_span(root, spans)
                single = by_rows and stage.rows and not stage.sums
                rows = range(row, row + 1) if single else range(len(span.born))
                begin = time + turn.first - row if stage.together else time
                for r in rows:
                    span.born[r] = span.born[r] or begin
                    span.dies[r] = max(span.dies[r], over)
        return spans, time

    def _new_span(self, root: str, spans: dict[str, Span]) -> Span:
        rows = self.roots[root].rows
        spans[root] = Span([0] * rows, [0] * rows)
        return spans[root]

    def scratch(self, turns: Sequence[Turn]) -> dict[int, list[tuple[int, int]]]:
        """Per node with scratch the times at which it holds it; sums hold theirs throughout."""
        held: dict[int, list[tuple[int, int]]] = {}
        for time, k, _, _ in self.events(turns):
            if not self.graph.nodes[k].scratch(self.graph.values):
                continue
            if self.graph.nodes[k].op.feeds:  # the cursor stands until the next inference begins
                held[k] = [(0, sum(turn.n for turn in turns) + 1)]
                continue
            spans = held.setdefault(k, [])
            if spans and (spans[-1][1] == time - 1 or self.stages[k].sums):
                spans[-1] = (spans[-1][0], time)
            else:
                spans.append((time, time))
        return held


def _root(graph: IntGraph, storage: Storage, name: str) -> Root:
    """A storage keeps rows where every tensor in it has the same size and place."""
    value, members = graph.values[name], storage.members[name]
    alike = all(
        storage.place(m).offset == 0 and graph.values[m].nbytes == value.nbytes for m in members
    )
    rows = value.shape[1] if alike and is_map(value.shape) else 1
    return Root(name, rows, value.nbytes // rows if storage.space[name] == ARENA else 0)
