"""Plans that stream wherever a stream is possible, whether that saves memory or not."""

from __future__ import annotations

from edgekit.plan.arena import Arena, arena_of
from edgekit.plan.search import Choice
from edgekit.plan.streams import Network


def longest_runs(network: Network) -> Choice:
    """The network cut only where it has to be."""
    cuts, at, runs = network.cuts, 0, []
    while at < len(cuts.nodes):
        runs.append(cuts.run(at, cuts.reach[at]))
        at = cuts.reach[at]
    return Choice(tuple(runs), 0, 0)


def forced(network: Network) -> Arena:
    """Rows apart wherever they may be."""
    return arena_of(network, longest_runs(network), split=True)
