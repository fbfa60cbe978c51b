"""Kernels for the smallest arena: scratch must not decide the peak.

A quick kernel may want more scratch than the portable one. It keeps it wherever the arena hardly grows
by it; where most bytes are alive it gives way to one that needs less.
"""

from __future__ import annotations

from dataclasses import replace

from edgekit.graph import IntGraph
from edgekit.plan.arena import Arena, best_arena, live_of
from edgekit.plan.streams import Network

SLACK = 0.15  # of the arena of the portable kernels, that quicker ones may add
_TRIES = 4


def frugal_arena(network: Network, smallest: Arena | None = None) -> Arena:
    """The arena that the portable kernels would get (`smallest`, where known), or up to `SLACK` more,
    with the quickest kernels that fit in it."""
    modest = _modest(network)
    best = smallest or best_arena(modest, "ram")
    if modest is network:
        return best
    wanted = limit = int(best.placed.peak * (1 + SLACK))
    arena = best_arena(network, "ram")
    for _ in range(_TRIES):
        if arena.placed.peak <= wanted:
            break
        arena = best_arena(_fitted(network, modest, limit), "ram")
        # Bytes that fit may still not find a place; so many fewer are allowed next.
        limit -= max(0, arena.placed.peak - wanted)
    return arena if arena.placed.peak <= wanted else best


def smallest_arena(network: Network) -> Arena:
    """The arena with the kernels that need the least scratch."""
    return best_arena(_modest(network), "ram")


def _modest(network: Network) -> Network:
    """The network with the kernels that need the least scratch; itself where there is no choice."""
    least = {k: 0 for k, node in enumerate(network.graph.nodes) if node.variants}
    return network.limited(least) if least else network


def _fitted(network: Network, modest: Network, limit: int) -> Network:
    """The network with kernels whose scratch fits into `limit` bytes where the modest one does."""
    cuts = modest.cuts
    choice = cuts.cheapest(cuts.smallest())
    scratch: dict[int, int] = {}
    while True:
        fitted = network.limited(scratch)
        line, turns = fitted.scheduled(choice)
        over = live_of(line, turns) - limit
        excess: dict[int, int] = {}
        for time, k, _, _ in line.events(turns):
            if over[time] > 0:
                excess[k] = max(excess.get(k, 0), int(over[time]))
        values = line.graph.values
        needs = {k: line.graph.nodes[k].scratch(values) for k in excess}
        giving = [k for k in excess if needs[k] > _portable(line.graph, k)]
        if not giving:
            return fitted
        for k in giving:
            scratch[k] = max(0, needs[k] - excess[k])


def _portable(graph: IntGraph, k: int) -> int:
    """Scratch of node `k` with its portable kernel."""
    return replace(graph.nodes[k], variant=None).scratch(graph.values)
