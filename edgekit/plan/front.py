"""The Pareto front of a network: RAM against instructions, by how much of it is streamed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from edgekit.instructions import of_node
from edgekit.plan.arena import Arena, arena_of, extra_limit
from edgekit.plan.frugal import frugal_arena
from edgekit.plan.streams import Network
from edgekit.program import streams_of

_POINTS = 12  # ways that are placed, at most


@dataclass(frozen=True, eq=False)
class Point:
    """A way to run the network; `extra` is the estimate of the instructions that it adds to those of
    the quickest."""

    arena: Arena
    extra: int

    def streams(self) -> list[list[str]]:
        """The layers of each stream, by name."""
        nodes = self.arena.line.graph.nodes
        streams = [{turn.step for turn in turns} for turns in streams_of(self.arena.turns)]
        return [[nodes[k].name for k in sorted(run)] for run in streams if len(run) > 1]


def front(network: Network) -> list[Point]:
    """The ways of which none needs both more RAM and more instructions than another, most RAM first."""
    cuts = network.cuts
    if not cuts.nodes:
        return []
    choices, smallest, limit = [], cuts.smallest(), cuts.largest()
    while limit >= smallest:
        choices.append(cuts.cheapest(limit))
        limit = choices[-1].peak - 1
    step = max(1, -(-len(choices) // _POINTS))
    kept = [*choices[:-1:step], choices[-1]]
    points = [Point(arena_of(network, c, split=True), c.cost) for c in kept]
    smallest_arena = frugal_arena(network)
    points.append(
        Point(smallest_arena, max(0, _instructions(smallest_arena) - cuts.instructions()))
    )
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.extra, p.arena.placed.peak)):
        if not best or point.arena.placed.peak < best[-1].arena.placed.peak:
            best.append(point)
    return best


def _instructions(arena: Arena) -> int:
    graph = arena.line.graph
    calls = Counter(turn.step for turn in arena.turns)
    return sum(of_node(graph.nodes[k], graph.values, n) for k, n in calls.items())


def balanced(points: list[Point], network: Network) -> Point:
    """The smallest arena among the points that `--optimize balanced` may take."""
    return [p for p in points if p.extra <= extra_limit(network)][-1]
