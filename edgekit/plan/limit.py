"""An arena within a limit: as much is streamed as the limit asks for, and no more."""

from __future__ import annotations

from edgekit.plan.arena import Arena, arena_of
from edgekit.plan.rows import ALIGN
from edgekit.plan.streams import Network

_TRIES = 10  # ways that are placed, at most


def within(network: Network, arena: Arena, limit: int) -> Arena:
    """`arena` where it has at most `limit` bytes; else the arena of fewest estimated instructions
    that has, as far as one is found; else the smallest.

    Rows rarely lie without a gap, so ways are searched with ever lower bounds until one is placed
    within the limit; each bound is lowered by what the last placement was too large.
    """
    limit -= limit % ALIGN
    cuts = network.cuts
    if arena.placed.peak <= limit or not cuts.nodes:
        return arena
    smallest, bound, best = cuts.smallest(), limit, arena
    for last in [False] * (_TRIES - 1) + [True]:
        choice = cuts.cheapest(smallest if last else max(bound, smallest))
        found = arena_of(network, choice, split=True)
        if found.placed.peak < best.placed.peak:
            best = found
        if found.placed.peak <= limit or choice.peak <= smallest:
            return best
        bound = min(choice.peak - 1, bound - (found.placed.peak - limit))
    return best
