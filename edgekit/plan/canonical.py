"""Is there a placement within a capacity? An exact depth-first search over canonical placements.

Canonical placements (M. D. Moffitt, MiniMalloc, ASPLOS 2023, doi 10.1145/3623278.3624752): blocks are
placed in the order of their offsets, equal offsets by preference, each as low as the blocks below it
allow (`low`). Every placement can be pushed down to one whose offsets have the least sum; that one is
canonical, rests on other blocks everywhere, and leaves no hole that a higher block fits in. So a
subtree may be cut when no such placement is left in it:

- *dominance*: an offset at or above ``low + size`` of an open block would leave that block its hole;
- *sections*: a section needs its open bytes above its base, the least offset any of them can get;
- *passed blocks*: a block that could have come earlier in the order must be lifted by an open
  neighbour, which itself lies at or above the current offset, and must find its old place obstructed.

Once nothing open crosses a boundary between sections, both sides are searched apart; with `dynamic`
each side prefers anew the blocks in its heaviest sections. `offsets.c` is this module in C: same nodes,
same order, same answer. Passed blocks and the excess below go beyond the paper.

The least excess at which a section was cut is reported: no placement fits below it, so it is the next
capacity to try (iterative deepening, R. E. Korf 1985).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from edgekit.plan.problem import Block, round_up, sections

NONE, FOUND, LIMIT = range(3)
_FAR = 2**63 - 1


@dataclass(frozen=True)
class Instance:
    """Blocks by their first section, with each one's sections [start, end) and place in a preference."""

    blocks: tuple[Block, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]
    preference: tuple[int, ...]
    sections: int

    @classmethod
    def of(cls, preferred: Sequence[Block]) -> Instance:
        """From blocks of at least one byte, the preferred first."""
        spans, count = sections(preferred)
        order = sorted(range(len(preferred)), key=lambda i: (spans[i][0], i))
        return cls(
            tuple(preferred[i] for i in order), tuple(spans[i][0] for i in order),
            tuple(spans[i][1] for i in order), tuple(order), count,
        )  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a search found: its status, the nodes it took, and the offsets in the instance's order.

    next: with NONE, no placement's peak is below this. late: stopped by the clock, not by the nodes.
    """

    status: int
    nodes: int
    next: int = _FAR
    offsets: tuple[int, ...] = ()
    late: bool = False


def explore(instance: Instance, capacity: int, limit: int, dynamic: bool) -> Outcome:
    """Search for a placement of at most `capacity` bytes, visiting at most `limit` nodes."""
    search = _Search(instance, capacity, limit, dynamic)
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(max(depth, 4 * len(instance.blocks) + 1000))
    try:
        status = search.search(0, instance.sections, 0, -1)
    finally:
        sys.setrecursionlimit(depth)
    offsets = tuple(search.offset) if status == FOUND else ()
    return Outcome(status, search.nodes, search.least_excess, offsets)


@dataclass
class _Search:
    instance: Instance
    capacity: int
    limit: int
    dynamic: bool
    nodes: int = 0
    least_excess: int = _FAR
    changes: list[tuple[list[int], int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        blocks, count = self.instance.blocks, len(self.instance.blocks)
        self.start = [*self.instance.start, self.instance.sections]
        self.end = self.instance.end
        self.size = [b.size for b in blocks]
        self.align = [b.align for b in blocks]
        self.offset, self.low = [0] * count, [0] * count
        self.rank = list(self.instance.preference)
        self.open = [1] * count
        # The open blocks as a ring by start, closed by the index `count`.
        self.next = [*range(1, count + 1), 0]
        self.prev = [count, *range(count)]
        self.rest = [0] * self.instance.sections  # open bytes
        self.across = [0] * self.instance.sections  # open blocks that cross into this section
        for i in range(count):
            for s in range(self.start[i], self.end[i]):
                self.rest[s] += self.size[i]
                self.across[s] += s > self.start[i]
        self.near = [
            sorted(
                (j for j in range(count) if j != i and blocks[i].meets(blocks[j])),
                key=lambda j: (self.size[j], j),
            )
            for i in range(count)
        ]

    def search(self, first: int, stop: int, at: int, turn: int) -> int:
        """Place what is open from block `first` to section `stop`, in order after (at, turn)."""
        self.nodes += 1
        if self.nodes > self.limit:
            return LIMIT
        most = max(self.rest[self.start[first] : stop])
        ceiling = min(self.low[i] + self.size[i] for i in self._open(first, stop))
        while True:
            turns = [(self.low[i], self.rank[i], i) for i in self._open(first, stop)]
            turns = [t for t in turns if (at, turn) < t[:2] and t[0] < ceiling]
            if not turns:
                return NONE
            at, turn, p = min(turns)
            if at + most > self.capacity:
                self.least_excess = min(self.least_excess, at + most)
                return NONE
            mark = len(self.changes)
            self._place(p)
            left = self.next[p] if first == p else first
            if self.start[left] >= stop:
                return FOUND
            if self._fits(left, stop, at, turn):
                status = self._descend(p, left, stop, at, turn)
                if status != NONE:
                    return status
            while len(self.changes) > mark:
                cells, index, value = self.changes.pop()
                cells[index] = value

    def _open(self, first: int, stop: int) -> list[int]:
        found = []
        while self.start[first] < stop:
            found.append(first)
            first = self.next[first]
        return found

    def _set(self, cells: list[int], index: int, value: int) -> None:
        self.changes.append((cells, index, cells[index]))
        cells[index] = value

    def _place(self, p: int) -> None:
        top = self.low[p] + self.size[p]
        self.offset[p] = self.low[p]
        self._set(self.open, p, 0)
        self._set(self.next, self.prev[p], self.next[p])
        self._set(self.prev, self.next[p], self.prev[p])
        for s in range(self.start[p], self.end[p]):
            self._set(self.rest, s, self.rest[s] - self.size[p])
        for s in range(self.start[p] + 1, self.end[p]):
            self._set(self.across, s, self.across[s] - 1)
        for i in self.near[p]:
            if self.open[i] and self.low[i] < top:
                self._set(self.low, i, round_up(top, self.align[i]))

    def _fits(self, first: int, stop: int, at: int, turn: int) -> bool:
        base = [_FAR] * stop
        for i in self._open(first, stop):
            least = self.low[i]
            if (least, self.rank[i]) < (at, turn):
                least = self._lifted(i, at)
            if least < 0:
                return False
            for s in range(self.start[i], self.end[i]):
                base[s] = min(base[s], least)
        for s in range(self.start[first], stop):
            if self.rest[s] and base[s] + self.rest[s] > self.capacity:
                self.least_excess = min(self.least_excess, base[s] + self.rest[s])
                return False
        return True

    def _lifted(self, i: int, at: int) -> int:
        """Where a block whose turn has passed can still go; -1 where nowhere."""
        waiting = [j for j in self.near[i] if self.open[j]]
        if any(self.low[j] < self.low[i] + self.size[i] for j in waiting):
            return round_up(at + self.size[waiting[0]], self.align[i])
        return -1

    def _descend(self, p: int, first: int, stop: int, at: int, turn: int) -> int:
        """Search what is left after `p`; apart, where nothing open crosses any more."""
        everything = first
        cuts = [s for s in range(self.start[p] + 1, self.end[p]) if not self.across[s]]
        for cut in (*cuts, stop):
            after = first
            while self.start[after] < cut:
                after = self.next[after]
            if after != first:
                if self.dynamic and (first != everything or self.start[after] < stop):
                    self._rerank(first, cut)
                    turn = -1  # offsets equal to `at` are in order again
                status = self.search(first, cut, at, turn)
                if status != FOUND:
                    return status
            first = after
        return FOUND

    def _rerank(self, first: int, stop: int) -> None:
        """Prefer the blocks that cross the heaviest sections of what is left."""
        preference = self.instance.preference
        heaviest = [
            (-max(self.rest[self.start[i] : self.end[i]]), preference[i], i)
            for i in self._open(first, stop)
        ]
        for rank, (_, _, i) in enumerate(sorted(heaviest)):
            self._set(self.rank, i, rank)
