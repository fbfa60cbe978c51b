"""The order of operators with the smallest peak, by exact search on sets of executed nodes.

What is alive depends only on which nodes have run, so an order is a path through such sets, and the best
order a bottleneck shortest path. A move that stays below the peak so far and leaves no more alive than
before can never be regretted: whatever follows holds the same or less. It is taken at once, which
makes chains one step and leaves choices only where branches grow. Above a limit of sets a beam
goes on, and what the exact search had reached is the bound of its gap.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgekit.graph import IntGraph
from edgekit.plan.dependencies import Dependencies
from edgekit.plan.search import most_alive
from edgekit.plan.timeline import Timeline
from edgekit.program import OrderReport, Turn

_SETS = 20_000  # that the exact search looks at
_BEAM = 48  # sets of one size that the beam keeps, at most
_RUNS = 100_000  # nodes that each of the two searches runs, about
_FAR = 1 << 62


@dataclass(frozen=True)
class Order:
    """Nodes in an order of execution, and how good it is for whole tensors.

    peak: bytes alive at most; file_peak: those of the order in the file; bound: no order has a lower
    peak; method: how that is known.
    """

    nodes: tuple[int, ...]
    peak: int
    file_peak: int
    bound: int
    method: str

    def report(self, taken: bool) -> OrderReport:
        return OrderReport(
            self.peak,
            self.file_peak,
            self.bound,
            self.method,
            "searched" if taken else "file",
        )

    def of(self, graph: IntGraph) -> IntGraph:
        return replace(graph, nodes=tuple(graph.nodes[k] for k in self.nodes))


def best_order(line: Timeline, sets: int = _SETS) -> Order:
    """The best order found for a network whose outputs take no place of their inputs beforehand.

    The order of the file, unless another has a lower peak. sets: limit of the exact search.
    """
    moves = _Moves(line)
    file = tuple(range(moves.count))
    peak = moves.peak(file)
    floor = moves.floor()
    if peak == floor:
        return Order(file, peak, peak, peak, "no order needs less")
    nodes, bound, seen = _exact(moves, floor, peak, sets)
    if nodes or bound == peak:
        nodes = nodes or file
        return Order(nodes, moves.peak(nodes), peak, bound, f"exact search, {seen} sets")
    # Each set has up to `count` moves, and settling after one looks at as many nodes.
    width = max(1, min(_BEAM, _RUNS // moves.count**3))
    found = _beam(moves, bound, peak, width) or file
    return Order(found, moves.peak(found), peak, bound, f"beam search, {width} sets wide")


@dataclass(frozen=True)
class _State:
    """Nodes that have run, as bits; the bytes alive then; how it was reached."""

    done: int
    live: int
    peak: int
    before: _State | None = None
    ran: tuple[int, ...] = ()

    def nodes(self) -> tuple[int, ...]:
        found: list[int] = []
        state: _State | None = self
        while state is not None:
            found[:0] = state.ran
            state = state.before
        return tuple(found)


class _Moves:
    """What running a node does to the bytes alive."""

    def __init__(self, line: Timeline) -> None:
        self._line = line
        self.count = len(line.graph.nodes)
        self._needs = Dependencies(line).needs
        self._size = {name: root.rows * root.row_bytes for name, root in line.roots.items()}
        self._kept = {name for name, last in line.last.items() if last == self.count}
        self._given = {name for name, first in line.first.items() if first < 0}
        self._users = dict.fromkeys(line.roots, 0)
        self._writers = dict.fromkeys(line.roots, 0)
        for k in range(self.count):
            for root, _ in (*line.reads[k], *line.writes[k]):
                self._users[root] |= 1 << k
            for root, _ in line.writes[k]:
                self._writers[root] |= 1 << k
        self._touched = [
            sorted({root for root, _ in (*line.reads[k], *line.writes[k])})
            for k in range(self.count)
        ]
        self._most: dict[tuple[int, frozenset[str], frozenset[str]], int] = {}
        self.runs = 0

    def start(self, peak: int) -> _State:
        alive = sum(self._size[r] for r in self._given if self._users[r] or r in self._kept)
        return _State(0, alive, max(peak, alive))

    def ready(self, done: int) -> Iterator[int]:
        for k, needs in enumerate(self._needs):
            if not done >> k & 1 and not needs & ~done:
                yield k

    def run(self, state: _State, k: int) -> _State:
        self.runs += 1
        done = state.done | 1 << k
        stands = {r for r in self._touched[k] if r in self._given or self._writers[r] & state.done}
        stays = {r for r in self._touched[k] if r in self._kept or self._users[r] & ~done}
        rest = state.live - sum(self._size[r] for r in stands)
        during = rest + self._most_alive(k, frozenset(stands), frozenset(stays))
        # What stands before and after the node is not part of its own count.
        during += sum(self._size[r] for r in stands & stays)
        live = rest + sum(self._size[r] for r in stays)
        return _State(done, live, max(state.peak, during), state, (k,))

    def _most_alive(self, k: int, stands: frozenset[str], stays: frozenset[str]) -> int:
        if k in self._line.storage.dropped:
            return 0
        if (k, stands, stays) not in self._most:
            turns = [Turn(k, 0, max(1, self._line.stages[k].rows))]
            self._most[k, stands, stays] = most_alive(
                self._line, turns, stands.__contains__, stays.__contains__
            )
        return self._most[k, stands, stays]

    def settled(self, state: _State) -> _State:
        """After every move that cannot be regretted."""
        ran: list[int] = []
        at, count = state, -1
        while count < len(ran):
            count = len(ran)
            for k in self.ready(at.done):
                then = self.run(at, k)
                if then.peak == at.peak and then.live <= at.live:
                    ran.append(k)
                    at = then
        return replace(at, before=state, ran=tuple(ran)) if ran else state

    def peak(self, nodes: tuple[int, ...]) -> int:
        state = self.start(0)
        for k in nodes:
            state = self.run(state, k)
        return state.peak

    def floor(self) -> int:
        """What any order needs: the operands of some node and what is kept besides, or all that is left
        in the end."""
        found = 0
        for k, touched in enumerate(self._touched):
            written = {r for r, _ in self._line.writes[k]}
            stands = {r for r in touched if r in self._given or r not in written}
            stays = {r for r in touched if r in self._kept or r in written}
            stays -= {r for r in written - self._kept if self._users[r] == 1 << k}
            most = self._most_alive(k, frozenset(stands), frozenset(stays))
            kept = sum(self._size[r] for r in self._given & self._kept if r not in touched)
            found = max(found, kept + most + sum(self._size[r] for r in stands & stays))
        return max(found, self.start(0).peak, sum(self._size[r] for r in self._kept))


def _exact(moves: _Moves, floor: int, below: int, limit: int) -> tuple[tuple[int, ...], int, int]:
    """The best order if its peak is less than `below`, a bound of all orders, and the sets looked at."""
    start = moves.settled(moves.start(floor))
    queue = [(start.peak, -start.done.bit_count(), 0, start)]
    best = {start.done: start.peak}
    entered = seen = 0
    while queue:
        peak, _, _, state = heapq.heappop(queue)
        if peak > best[state.done]:
            continue
        if state.done.bit_count() == moves.count:
            return state.nodes(), peak, seen
        if seen == limit or moves.runs > _RUNS:
            return (), peak, seen
        seen += 1
        for k in moves.ready(state.done):
            then = moves.run(state, k)
            if then.peak >= below:
                continue
            then = moves.settled(then)
            if then.peak < best.get(then.done, _FAR):
                best[then.done] = then.peak
                entered += 1
                heapq.heappush(queue, (then.peak, -then.done.bit_count(), entered, then))
    return (), below, seen


def _beam(moves: _Moves, floor: int, below: int, width: int) -> tuple[int, ...]:
    """The best order that `width` sets of each size lead to, if its peak is less than `below`."""
    waiting: dict[int, dict[int, _State]] = {}

    def enter(state: _State) -> None:
        level = waiting.setdefault(state.done.bit_count(), {})
        known = level.get(state.done)
        if known is None or state.peak < known.peak:
            level[state.done] = state

    enter(moves.settled(moves.start(floor)))
    for size in range(moves.count):
        level = sorted(waiting.pop(size, {}).values(), key=lambda s: (s.peak, s.live, s.done))
        for state in level[:width]:
            for k in moves.ready(state.done):
                then = moves.run(state, k)
                if then.peak < below:
                    enter(moves.settled(then))
    ends = waiting.get(moves.count, {}).values()
    return min(ends, key=lambda s: s.peak).nodes() if ends else ()
