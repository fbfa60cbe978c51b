"""The Pareto front of a network: RAM against instructions, by how much of it is streamed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from edgekit.instructions import of_node
from edgekit.plan.arena import Arena, arena_of, extra_limit
from edgekit.plan.frugal import frugal_arena, smallest_arena
from edgekit.plan.rows import up
from edgekit.plan.streams import Network
from edgekit.program import streams_of

_POINTS = 12  # ways that are placed, at most


@dataclass(frozen=True, eq=False)
class Point:
    """A way to run the network; `extra` is the estimate of the instructions that it adds to those of
    the quickest, `optimize` are the words of `--optimize` that stop at it."""

    arena: Arena
    extra: int
    optimize: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        return up(self.arena.placed.peak)

    def streams(self) -> list[list[str]]:
        """The layers of each stream, by name."""
        nodes = self.arena.line.graph.nodes
        streams = [{turn.step for turn in turns} for turns in streams_of(self.arena.turns)]
        return [[nodes[k].name for k in sorted(run)] for run in streams if len(run) > 1]


def front(network: Network, *others: Network) -> list[Point]:
    """The ways of which none needs both more RAM and more instructions than another, most RAM first;
    `others` are the same network in other orders."""
    if not network.cuts.nodes:
        return []
    points, frugal_bytes = [], []
    for one in (network, *others):
        smallest = smallest_arena(one)
        frugal = frugal_arena(one, smallest)
        frugal_bytes.append(up(frugal.placed.peak))
        points += _streamed(one)
        for arena in (frugal, smallest):
            points.append(Point(arena, max(0, _instructions(arena) - one.cuts.instructions())))
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.extra, p.bytes)):
        if not best or point.bytes < best[-1].bytes:
            best.append(point)
    taken = {
        "balanced": [p for p in best if p.extra <= extra_limit(network)][-1],
        "ram": next(p for p in best if p.bytes <= min(frugal_bytes)),
    }
    return [replace(p, optimize=tuple(w for w, at in taken.items() if at is p)) for p in best]


def _streamed(network: Network) -> list[Point]:
    """Ways between the fewest instructions and the least RAM, evenly chosen."""
    cuts = network.cuts
    choices, least, limit = [], cuts.smallest(), cuts.largest()
    while limit >= least:
        choices.append(cuts.cheapest(limit))
        limit = choices[-1].peak - 1
    step = max(1, -(-len(choices) // _POINTS))
    kept = [*choices[:-1:step], choices[-1]]
    # One search for places a way would take minutes; the ends of the front have had theirs.
    return [Point(arena_of(network, c, split=True, search=False), c.cost) for c in kept]


def _instructions(arena: Arena) -> int:
    graph = arena.line.graph
    calls = Counter(turn.step for turn in arena.turns)
    return sum(of_node(graph.nodes[k], graph.values, n) for k, n in calls.items())


def arena_within(network: Network, limit: int) -> Arena | None:
    """Of the ways of the front the quickest whose arena has at most `limit` bytes, else the smallest;
    None for a network without nodes."""
    points = front(network)
    fitting = (point.arena for point in points if point.bytes <= limit)
    return next(fitting, points[-1].arena if points else None)
