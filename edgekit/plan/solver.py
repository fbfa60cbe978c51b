"""Drives the canonical search: preferences in interleaved restarts, then capacities by bisection.

How long a search takes depends wildly on the order of preference, a few hundred nodes or millions, so
every one gets a small limit of nodes, then each a larger one. Limits are nodes, not seconds: the same
problem gives the same placement everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.plan import canonical, native
from edgekit.plan.canonical import FOUND, NONE, Instance, Outcome
from edgekit.plan.problem import Block, lower_bound, peak_of, sections

# Letters of a preference, each the larger first: T bytes of the heaviest section the block crosses,
# W lifetime, C sections crossed, A area; and whether parts that come apart are ranked anew.
_PREFERENCES = (
    ("TWA", True), ("TWA", False), ("TCA", True), ("TAW", True), ("WAT", False), ("TCA", False),
    ("TAW", False),
)  # fmt: skip
_FIRST = 8  # nodes for each block in the first round; every round doubles it
_LATER = 4  # a capacity above the first one gets this part of the nodes
# A node costs about what its blocks have sections; a billion of them takes about five seconds in C.
_TWIN = 200  # as many times slower is the twin in Python


@dataclass(frozen=True)
class Result:
    """What `improve` found: offsets by name, {} where nothing better, and the effort.

    proved: no placement has a lower peak. late: the clock stopped a search, so it may not repeat.
    """

    offset: dict[str, int]
    proved: int
    nodes: int
    method: str
    late: bool


def improve(blocks: Sequence[Block], enough: int, peak: int, work: int) -> Result:
    """A placement of less than `peak` bytes, if possible of at most `enough`; and what is proved.

    work: the effort, in sections that the blocks of all nodes cross. Blocks have at least one byte
    and are one part (`problem.split`). Raises EK901 where the compiled search fails (a bug).
    """
    offset: dict[str, int] = {}
    proved = lower_bound(blocks)
    floor = capacity = max(proved, enough)
    search = _Search(blocks, work)
    nodes = search.budget
    while floor < peak and search.may_spend(nodes):
        outcome, found = search.ask(capacity, nodes)
        if outcome.status == FOUND:
            offset, peak = found, peak_of(blocks, found)
        elif outcome.status == NONE:
            proved = max(proved, outcome.next)
            floor = max(floor, outcome.next)
        else:
            floor = capacity + 1  # unknown; the bisection goes on above
        capacity, nodes = (floor + peak - 1) // 2, search.budget // _LATER
    return Result(offset, min(proved, peak), search.spent, search.method, search.late)


class _Search:
    def __init__(self, blocks: Sequence[Block], work: int) -> None:
        spans, _ = sections(blocks)
        crossed = sum(last - first for first, last in spans)
        self.count = len(blocks)
        # Nothing is compiled for a problem that is too large to be searched.
        self.path = native.program() if work // crossed >= 2 * self.count else None
        self.method = "branch and bound" if self.path else "branch and bound in Python"
        self.budget = (work if self.path else work // _TWIN) // crossed
        self.spent, self.late = 0, False
        names = dict.fromkeys(letters for letters, _ in _PREFERENCES)
        self.instances = {letters: _instance(blocks, spans, letters) for letters in names}

    def may_spend(self, nodes: int) -> bool:
        """Are there nodes enough to reach a placement at all, and is the effort not used up?"""
        return nodes >= 2 * self.count and self.spent + nodes <= 2 * self.budget

    def ask(self, capacity: int, nodes: int) -> tuple[Outcome, dict[str, int]]:
        """Is there a placement within `capacity`? LIMIT after about `nodes` nodes without an answer."""
        limit, end = _FIRST * self.count, self.spent + nodes
        while True:
            for letters, dynamic in _PREFERENCES:
                instance = self.instances[letters]
                outcome = self._explore(instance, capacity, min(limit, nodes), dynamic)
                self.spent += outcome.nodes
                self.late |= outcome.late
                if outcome.status == FOUND:
                    names = (block.name for block in instance.blocks)
                    return outcome, dict(zip(names, outcome.offsets, strict=True))
                if outcome.status == NONE or self.spent >= end:
                    return outcome, {}
            limit *= 2

    def _explore(self, instance: Instance, capacity: int, limit: int, dynamic: bool) -> Outcome:
        if self.path:
            return native.explore(self.path, instance, capacity, limit, dynamic)
        return canonical.explore(instance, capacity, limit, dynamic)


def _instance(blocks: Sequence[Block], spans: Sequence[tuple[int, int]], letters: str) -> Instance:
    """The blocks in the order of a preference; ties go to the earlier start, then the name."""
    total: dict[int, int] = {}
    for block, (first, last) in zip(blocks, spans, strict=True):
        for section in range(first, last):
            total[section] = total.get(section, 0) + block.size

    def key(i: int) -> tuple[int | str, ...]:
        block, (first, last) = blocks[i], spans[i]
        value = {
            "T": max(total[s] for s in range(first, last)),
            "W": block.length,
            "C": last - first,
            "A": block.length * block.size,
        }
        return (*(-value[letter] for letter in letters), block.start, block.name)

    return Instance.of([blocks[i] for i in sorted(range(len(blocks)), key=key)])
