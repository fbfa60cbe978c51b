"""The Pareto front of a network: RAM against instructions, by how much of it is streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.plan.arena import Arena, arena_of, extra_limit
from edgekit.plan.search import Choice
from edgekit.plan.streams import Network

_POINTS = 12  # ways that are placed, at most


@dataclass(frozen=True, eq=False)
class Point:
    """A way to run the network; `extra` is the estimate of the instructions that streams add."""

    arena: Arena
    choice: Choice
    extra: int
    network: Network

    def streams(self) -> list[list[str]]:
        """The layers of each stream, by name."""
        nodes = self.arena.line.graph.nodes
        return [[nodes[k].name for k in run] for run in self.choice.runs if len(run) > 1]


def front(networks: Sequence[Network]) -> list[Point]:
    """The ways of which none needs both more RAM and more instructions than another, most RAM first;
    `networks` are one network in different orders."""
    points = [point for network in networks for point in _points(network)]
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.extra, p.arena.placed.peak)):
        if not best or point.arena.placed.peak < best[-1].arena.placed.peak:
            best.append(point)
    return best


def _points(network: Network) -> list[Point]:
    """Ways between the fewest instructions and the least RAM, evenly chosen."""
    cuts = network.cuts
    if not cuts.nodes:
        return []
    choices, smallest, limit = [], cuts.smallest(), cuts.largest()
    while limit >= smallest:
        choices.append(cuts.cheapest(limit))
        limit = choices[-1].peak - 1
    step = max(1, -(-len(choices) // _POINTS))
    kept = [*choices[:-1:step], choices[-1]]
    return [Point(arena_of(network, c, split=True), c, c.cost, network) for c in kept]


def balanced(points: list[Point], network: Network) -> Point:
    """The smallest arena among the points that `--optimize balanced` may take."""
    return [p for p in points if p.extra <= extra_limit(network)][-1]
