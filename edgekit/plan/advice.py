"""Why a network does not fit: its smallest arena, what fills that, and what would make it smaller."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from edgekit.errors import EdgekitError
from edgekit.graph import IntGraph
from edgekit.plan.arena import Arena
from edgekit.plan.frugal import smallest_arena
from edgekit.plan.rows import ALIGN, SCRATCH, groups_of, up
from edgekit.plan.streams import Network
from edgekit.rewrite.feed_input import feed_input


@dataclass(frozen=True)
class Remedy:
    """A change of the build and the smallest arena found with it."""

    change: str
    arena_bytes: int


@dataclass(frozen=True)
class Advice:
    """The smallest arena found, what its schedule cannot do without, the layer at whose peak that is
    ("" where nothing runs) and whether it takes its tensors whole, what is alive there with its bytes
    (most first), and the remedies (smallest first)."""

    arena_bytes: int
    lower_bound_bytes: int
    layer: str
    whole: bool
    alive: tuple[tuple[str, int], ...]
    remedies: tuple[Remedy, ...]


def advise(graph: IntGraph, *, keep_input: bool, caller_io: bool) -> Advice:
    """What can be said about the RAM of a network that has too little of it."""
    arena = smallest_arena(Network(graph, keep_input=keep_input, caller_io=caller_io))
    layer, whole = _layer(arena)
    own = up(arena.placed.peak)
    remedies = [r for r in _remedies(graph, keep_input, caller_io) if r.arena_bytes < own]
    remedies.sort(key=lambda r: r.arena_bytes)
    return Advice(own, up(arena.bound), layer, whole, tuple(_alive(arena)), tuple(remedies))


def _remedies(graph: IntGraph, keep_input: bool, caller_io: bool) -> Iterator[Remedy]:
    """Each change by itself, with the arena that would result."""

    def needs(graph: IntGraph) -> int:
        network = Network(graph, keep_input=False, caller_io=caller_io)
        return up(smallest_arena(network).placed.peak)

    if keep_input:
        yield Remedy("without --keep-input", needs(graph))
    if not any(node.op.feeds for node in graph.nodes):
        with contextlib.suppress(EdgekitError):  # not every network can be fed row by row
            instead = " instead of --keep-input" if keep_input else ""
            yield Remedy(f"--stream-input{instead}", needs(feed_input(graph)))


def _layer(arena: Arena) -> tuple[str, bool]:
    """The layer that runs when most bytes are alive, and whether it takes its tensors whole."""
    at = max(1, int(arena.live.argmax()))  # what is there before the first row step is there at it
    for time, k, _, _ in arena.line.events(arena.turns):
        if time == at:
            return arena.line.graph.nodes[k].name, not arena.line.stages[k].rows
    return "", False


def _alive(arena: Arena) -> list[tuple[str, int]]:
    """Whose bytes are alive when most are."""
    graph, at = arena.line.graph, int(arena.live.argmax())
    groups, _ = groups_of(arena.line, arena.turns, frozenset(), ALIGN)
    made = {name: node.name for node in graph.nodes for name in node.outputs}
    found: dict[str, int] = {}
    for g in groups:
        name, part = g.key
        maker = f"output of {made[name]}" if name in made else f"input {name}"
        label = f"scratch of {name}" if part == SCRATCH else maker
        found[label] = found.get(label, 0) + int(g.size[(g.start <= at) & (g.end >= at)].sum())
    return sorted(((n, size) for n, size in found.items() if size), key=lambda e: (-e[1], e[0]))
