"""Where to stream: runs of nodes between cut points, by exact simulation of their schedules.

At a cut everything that is still needed is complete, so what a run of nodes holds at most does not
depend on how the nodes before it were run. The smallest peak of a path through the cuts, and the
cheapest path below a given peak, are therefore shortest paths; runs are simulated only when the
search comes to them.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.instructions import of_node
from edgekit.plan.fed import first_end
from edgekit.plan.schedule import Order
from edgekit.plan.timeline import Span, Timeline
from edgekit.program import Turn

_LONGEST = 256  # layers in a stream

Run = tuple[int, ...]  # numbers of nodes that run as one stream, or of a single node


@dataclass(frozen=True)
class Choice:
    """A way through the network: its runs, the bytes alive at its peak, its extra instructions."""

    runs: tuple[Run, ...]
    peak: int
    cost: int


class Cuts:
    """The network as positions between nodes, and what the runs between two positions need.

    whole and streamed: the timeline of the nodes as they are, and as they run inside a stream.
    """

    def __init__(self, whole: Timeline, streamed: Timeline) -> None:
        self.whole, self.streamed = whole, streamed
        self.nodes = [k for k in range(len(whole.stages)) if k not in whole.storage.dropped]
        self._orders = {False: Order(whole), True: Order(streamed)}
        self._peaks: dict[tuple[int, int], int] = {}
        self._extra = {k: self._added(k) for k in self.nodes}
        self.alive = [self._alive(at) for at in range(len(self.nodes) + 1)]
        # By position the end of the longest run that begins there; a table names layers in a byte.
        self.reach = list(range(1, len(self.nodes) + 1))
        for at in range(len(self.nodes) - 2, -1, -1):
            pair = (self.nodes[at], self.nodes[at + 1])
            # A view between them ends a run: it stands for a whole tensor.
            if pair[1] == pair[0] + 1 and all(streamed.stages[k].rows for k in pair):
                self.reach[at] = min(self.reach[at + 1], at + _LONGEST)
        # Where the first run may end at the earliest: a fed input must not stand as a whole.
        self.first_end = first_end(streamed, self.nodes, self.reach[0]) if self.nodes else 1

    def _alive(self, at: int) -> int:
        """Bytes that stand complete at a cut."""
        w = self.whole
        node = self.nodes[at] if at < len(self.nodes) else len(w.stages)
        return sum(
            root.rows * root.row_bytes
            for name, root in w.roots.items()
            if w.first[name] < node <= w.last[name]
        )

    def run(self, i: int, j: int) -> Run:
        return tuple(self.nodes[i:j])

    def turns(self, run: Run) -> list[Turn]:
        return self._orders[len(run) > 1].segment(run)

    def peak(self, i: int, j: int) -> int:
        """Most bytes alive while the nodes between positions i and j run as one stream."""
        if (i, j) not in self._peaks:
            self._peaks[i, j] = self._simulate(self.run(i, j))
        return self._peaks[i, j]

    def cost(self, i: int, j: int) -> int:
        """Instructions that streaming adds to the nodes between two positions."""
        if j == i + 1:
            return 0
        return sum(self._extra[k] for k in self.run(i, j))

    def _added(self, k: int) -> int:
        """Instructions that node `k` takes more in a stream, which calls it for each row."""
        as_stream = of_node(
            self.streamed.graph.nodes[k],
            self.streamed.graph.values,
            max(1, self.streamed.stages[k].rows),
        )
        return max(0, as_stream - self._instructions(k))

    def _instructions(self, k: int) -> int:
        return of_node(self.whole.graph.nodes[k], self.whole.graph.values, 1)

    def _simulate(self, run: Run) -> int:
        line = self.streamed if len(run) > 1 else self.whole
        turns = self.turns(run)

        def before(root: str) -> bool:
            return line.first[root] < run[0]

        def after(root: str) -> bool:
            return line.last[root] > run[-1]

        constant = sum(
            root.rows * root.row_bytes for r, root in line.roots.items() if before(r) and after(r)
        )
        return constant + most_alive(line, turns, before, after)

    def largest(self) -> int:
        """The peak without any stream but that of a fed input."""
        return self.plainest().peak

    def plainest(self) -> Choice:
        """The way that adds the fewest instructions."""
        if not self.nodes:
            return Choice((), self.alive[0], 0)
        ends = range(self.first_end, len(self.nodes) + 1)
        cuts = list(itertools.pairwise((0, *ends)))
        return Choice(
            tuple(self.run(i, j) for i, j in cuts),
            max(self.peak(i, j) for i, j in cuts),
            self.cost(0, self.first_end),
        )

    def instructions(self) -> int:
        """A rough count for the network without streams."""
        return sum(map(self._instructions, self.nodes))

    def smallest(self) -> int:
        """The smallest peak of any way through."""
        return self._search(lambda peak, cost: (peak, 0), None).peak

    def cheapest(self, limit: int) -> Choice:
        """The way with a peak of at most `limit` that adds the fewest instructions."""
        return self._search(lambda peak, cost: (cost, peak), limit)

    def _search(self, rank: Callable[[int, int], tuple[int, int]], limit: int | None) -> Choice:
        """Shortest path. A run enters the queue with a bound of its peak and is simulated when its
        turn comes."""
        end = len(self.nodes)
        # (rank, position before, position, exact, peak, cost)
        queue: list[tuple[tuple[int, int], int, int, bool, int, int]] = [((0, 0), 0, 0, True, 0, 0)]
        came: dict[int, int] = {}
        reached: dict[int, tuple[int, int]] = {}
        while queue:
            _, i, j, exact, peak, cost = heapq.heappop(queue)
            if j in came:
                continue
            if not exact:
                peak = max(peak, self.peak(i, j))
                if limit is None or peak <= limit:
                    heapq.heappush(queue, (rank(peak, cost), i, j, True, peak, cost))
                continue
            came[j], reached[j] = i, (peak, cost)
            if j == end:
                break
            for k in range(j + 1 if j else self.first_end, self.reach[j] + 1):
                if k not in came:
                    bound = max(peak, self.alive[j], self.alive[k])
                    total = cost + self.cost(j, k)
                    if limit is None or bound <= limit:
                        heapq.heappush(queue, (rank(bound, total), j, k, False, bound, total))
        runs, at = [], end
        while at > 0:
            runs.append(self.run(came[at], at))
            at = came[at]
        return Choice(tuple(reversed(runs)), *reached[end])


def most_alive(
    line: Timeline,
    turns: Sequence[Turn],
    before: Callable[[str], bool],
    after: Callable[[str], bool],
) -> int:
    """Most bytes alive during `turns`, without those that stand before and after them: storages that
    live `before` or `after` hold their bytes up to the first row step or from the last."""
    spans, end = line.spans(turns)
    change = np.zeros(end + 3, np.int64)
    for r, span in spans.items():
        if before(r) and after(r):
            continue
        size = line.roots[r].row_bytes
        np.add.at(change, [0] * len(span.born) if before(r) else span.born, size)
        np.add.at(change, [end + 2] * len(span.dies) if after(r) else np.add(span.dies, 1), -size)
    for k, held in line.scratch(turns).items():
        size = line.graph.nodes[k].scratch(line.graph.values)
        for first, last in held:
            change[first] += size
            change[last + 1] -= size
    live = np.cumsum(change)
    events = list(line.events(turns))
    nodes = [k for _, k, _, _ in events]
    for time, _, row, _ in events:
        live[time] -= _overwritten(line, spans, nodes, row, time, after)
    return int(live.max())


def _overwritten(
    line: Timeline,
    spans: dict[str, Span],
    nodes: list[int],
    row: int,
    time: int,
    after: Callable[[str], bool],
) -> int:
    """Bytes of an input that an operator in place has written over, at its row step.

    nodes: the node of each row step, from time 1 on.
    """
    k = nodes[time - 1]
    node, steps = line.graph.nodes[k], max(1, line.stages[k].rows)
    for index in node.op.inplace:
        if index >= len(node.inputs):
            continue
        root = line.storage.place(node.inputs[index]).root
        span = spans.get(root)
        if (
            span is None
            or after(root)
            or line.graph.values[node.inputs[index]].nbytes
            != line.graph.values[node.outputs[0]].nbytes
        ):
            continue
        if len(span.dies) == steps:
            if span.dies[row] == time:
                return line.roots[root].row_bytes
        elif line.left_to(k, root, nodes):
            # Kept in other rows than are made here, all of it until the last of these.
            return (row + 1) * line.graph.values[node.outputs[0]].nbytes // steps
    return 0
