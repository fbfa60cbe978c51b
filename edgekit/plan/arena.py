"""From ways to cut a network to the arena that is taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.plan.groups import Group, live_bytes
from edgekit.plan.offsets import place
from edgekit.plan.placement import Placed, place_groups
from edgekit.plan.problem import Block
from edgekit.plan.rows import ALIGN, groups_of, up
from edgekit.plan.search import Choice
from edgekit.plan.streams import Network
from edgekit.plan.timeline import Timeline
from edgekit.program import ARENA, Region, Turn

EXTRA = 0.03  # of the estimated instructions, that the balanced plan may add
_UNIT_LIMIT = 1 << 16  # offsets of rows are kept in 16 bits, in units


@dataclass(frozen=True, eq=False)
class Arena:
    """A schedule with a place for everything.

    apart: storages whose rows lie anywhere. live: bytes alive at each row step, from 0; bound: the
    most of them, below which no placement of this schedule can stay. groups: what has a place.
    regions: see `Program`.
    """

    line: Timeline
    turns: list[Turn]
    apart: frozenset[str]
    placed: Placed
    live: NDArray[np.int64]
    groups: list[Group]
    regions: tuple[Region, ...] = ()

    @property
    def bound(self) -> int:
        return int(self.live.max())

    @property
    def proved(self) -> int:
        """No placement of these blocks in this schedule needs fewer bytes, in units of ALIGN."""
        return up(max(self.bound, self.placed.proved))


def best_arena(network: Network, optimize: str) -> Arena:
    """The arena for `--optimize`: "ram", "balanced", or whole tensors for "speed" and "size"."""
    cuts = network.cuts
    if not cuts.nodes:
        return arena_of(network, Choice((), 0, 0), split=False)
    whole = cuts.plainest()
    plain = arena_of(network, whole, split=any(len(run) > 1 for run in whole.runs))
    if optimize in ("speed", "size"):
        return plain
    smallest = cuts.smallest()
    choice = cuts.cheapest(smallest)
    if optimize == "balanced":
        choice = _affordable(network, choice)
    best = arena_of(network, choice, split=True)
    return best if best.placed.peak < plain.placed.peak else plain


def extra_limit(network: Network) -> int:
    """Instructions that the streams of a balanced plan may add."""
    return int(EXTRA * network.cuts.instructions())


def _affordable(network: Network, smallest: Choice) -> Choice:
    """The way with the smallest peak that adds few enough instructions, by bisection of the peak."""
    cuts, limit = network.cuts, extra_limit(network)
    low, best = smallest.peak, cuts.cheapest(cuts.largest())
    if smallest.cost <= limit:
        return smallest
    while low + 64 < best.peak:
        middle = cuts.cheapest((low + best.peak) // 2)
        if middle.cost <= limit:
            best = middle
        else:
            low = (low + best.peak) // 2
    return best


def arena_of(network: Network, choice: Choice, *, split: bool, search: bool = True) -> Arena:
    """The smallest arena found for a choice: with whole tensors, then with rows apart inside its
    streams, then with rows apart wherever they may be; `split` False stops at the first.

    search: go on where greedy orders leave a gap.
    """
    line, turns = network.scheduled(choice)
    streamed = {k for run in choice.runs if len(run) > 1 for k in run}
    modes = [frozenset[str]()]
    if split:
        modes = [_separable(line, streamed), _separable(line, set(range(len(line.stages))))]
    best: Arena | None = None
    for apart in modes:
        # Only the last mode is searched: it has every freedom that the others have.
        arena = _arena(line, turns, apart, search=search and apart is modes[-1])
        if best is None or arena.placed.peak < best.placed.peak:
            best = arena
        if best.placed.peak <= best.bound:
            break
    assert best is not None
    return best


def _arena(line: Timeline, turns: list[Turn], apart: frozenset[str], *, search: bool) -> Arena:
    unit = ALIGN
    while True:
        groups, steps = groups_of(line, turns, apart, unit)
        live = live_bytes(groups, steps)
        placed = place_all(groups, live, search)
        if not apart or placed.peak <= unit * _UNIT_LIMIT:
            return Arena(line, turns, apart, placed, live, groups)
        unit *= 2


def place_all(groups: list[Group], live: NDArray[np.int64], search: bool = True) -> Placed:
    """Offsets; where nothing has to lie at a distance from anything, by the solver for blocks."""
    if all(len(g.at) == 1 for g in groups):
        names = {f"{key}/{part}": (key, part) for key, part in (g.key for g in groups)}
        blocks = [
            Block(name, -(-int(g.size[0]) // ALIGN) * ALIGN, int(g.start[0]), int(g.end[0]) + 1)
            for name, g in zip(names, groups, strict=True)
        ]
        found = place(blocks)
        offset = {names[n]: at for n, at in found.offset.items()}
        return Placed(offset, found.peak, found.method, found.proved)
    return place_groups(groups, live, search=search)


def live_of(line: Timeline, turns: list[Turn]) -> NDArray[np.int64]:
    """Bytes alive at each row step, from 0."""
    return live_bytes(*groups_of(line, turns, frozenset(), ALIGN))


def _separable(line: Timeline, nodes: set[int]) -> frozenset[str]:
    """Storages that only `nodes` use, all of them by rows, and nobody outside."""
    users: dict[str, set[int]] = {}
    mixed: set[str] = set()
    for k in range(len(line.stages)):
        for root, by_rows in (*line.reads[k], *line.writes[k]):
            users.setdefault(root, set()).add(k)
            if not by_rows or not line.stages[k].rows:
                mixed.add(root)
        if line.stages[k].sums:
            mixed.update(root for root, _ in line.writes[k])
    values = line.graph.values
    outside = {line.storage.place(n).root for n in (*line.graph.inputs, *line.graph.outputs)}
    return frozenset(
        name
        for name, used in users.items()
        if used <= nodes
        and line.storage.space[name] == ARENA
        and name not in mixed | outside
        and all(values[m].shape == values[name].shape for m in line.storage.members[name])
    )
