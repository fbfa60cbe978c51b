"""An arena over several memory regions: what is used most often for its size lies in the fastest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.plan.arena import Arena, arena_of, place_all
from edgekit.plan.front import arena_within
from edgekit.plan.groups import Group, live_bytes
from edgekit.plan.placement import Placed
from edgekit.plan.rows import ALIGN, SCRATCH, up
from edgekit.plan.streams import Network
from edgekit.plan.timeline import Timeline
from edgekit.program import Region

_REGION_ALIGN = 16  # bytes, EK_ALIGN: where each region's array begins
_TRIES = 6  # plans with ever more streams, where the regions do not hold one

Owner = tuple[str, bool]  # a storage, or a node's scratch


class Room(NamedTuple):
    """Bytes that the arena may take in a memory region; with `home` the state lies there, too."""

    name: str
    bytes: int
    home: bool


def regional(network: Network, arena: Arena, rooms: Sequence[Room], *, asked: bool) -> Arena:
    """`arena` in the regions, `rooms` being the fastest first: whole where one holds it, else over
    several of them, streaming more where that does not fit.

    asked: the user named the regions; a whole arena then lies in the first one or in none.
    """
    best: tuple[int, Arena] | None = None
    holding = rooms[:1] if asked else rooms
    if network.cuts.nodes and not arena.apart and not _within_one(arena, holding):
        # Rows that lie apart cost less than a second array does.
        apart = arena_of(network, network.cuts.cheapest(network.cuts.largest()), split=True)
        arena = apart if _within_one(apart, holding) else arena
    for _ in range(_TRIES):
        if region := _within_one(arena, holding):
            return replace(arena, regions=(region,))
        excess, found = spread(arena, rooms)
        if best is None or excess < best[0]:
            best = excess, found
        smaller = arena_within(network, arena.placed.peak - excess) if excess else None
        if smaller is None or smaller.placed.peak >= arena.placed.peak:
            break
        arena = smaller
    assert best is not None
    return best[1]


def _within_one(arena: Arena, rooms: Sequence[Room]) -> Region | None:
    """The first region that holds the arena as a whole."""
    size = up(arena.placed.peak)
    return next((Region(room.name, 0, size) for room in rooms if size <= room.bytes), None)


def spread(arena: Arena, rooms: Sequence[Room]) -> tuple[int, Arena]:
    """The bytes by which the regions are too small, and the arena over them.

    Each region takes what is accessed most often for its bytes and still fits, the last takes the rest.
    Where that is too much, each takes what comes first and still fits: the layers of a chain then
    take turns, and hot or cold, half of them are in the fast region.
    """
    owned: dict[Owner, list[Group]] = {}
    for group in arena.groups:
        owned.setdefault((group.key[0], group.key[1] == SCRATCH), []).append(group)
    steps, hot = len(arena.live) - 1, accesses(arena.line)
    density = {
        owner: hot.get(owner, 0.0) / max(1, int(live_bytes(groups, steps).max()))
        for owner, groups in owned.items()
    }
    start = {owner: min(group.first for group in groups) for owner, groups in owned.items()}
    by_density = sorted(owned, key=lambda owner: (-density[owner], owner))
    by_start = sorted(owned, key=lambda owner: (start[owner], -density[owner], owner))
    first = _divided(arena, rooms, owned, by_density)
    return (
        first if not first[0] else min(first, _divided(arena, rooms, owned, by_start), key=_excess)
    )


def _excess(found: tuple[int, Arena]) -> int:
    return found[0]


def _divided(
    arena: Arena, rooms: Sequence[Room], owned: dict[Owner, list[Group]], left: list[Owner]
) -> tuple[int, Arena]:
    """`spread` with the owners in the order in which they choose a region."""
    steps = len(arena.live) - 1
    offset: dict[tuple[str, int], int] = {}
    regions: list[Region] = []
    methods: list[str] = []
    base = excess = 0
    for number, room in enumerate(rooms):
        rest = number + 1 == len(rooms)
        taken, placed = _everything(left, owned, steps) if rest else _fill(left, owned, room)
        if not taken:
            continue
        left = [owner for owner in left if owner not in taken]
        excess += max(0, up(placed.peak) - room.bytes)
        size = up(placed.peak, ALIGN if rest else _REGION_ALIGN)
        offset |= {key: base + at for key, at in placed.offset.items()}
        regions.append(Region(room.name, base, size))
        methods.append(placed.method)
        base += size
    whole = Placed(offset, base, " + ".join(dict.fromkeys(methods)))
    return excess, replace(arena, placed=whole, regions=tuple(regions))


def _everything(
    left: Sequence[Owner], owned: dict[Owner, list[Group]], steps: int
) -> tuple[set[Owner], Placed]:
    groups = [group for owner in left for group in owned[owner]]
    return set(left), place_all(groups, live_bytes(groups, steps))


def _fill(
    left: Sequence[Owner], owned: dict[Owner, list[Group]], room: Room
) -> tuple[set[Owner], Placed]:
    """The owners that find a place in the region, one after the other, each as low as it can."""
    capacity = room.bytes - room.bytes % _REGION_ALIGN
    shelf = np.zeros((0, 4), np.int64)  # begin, end, first and last row step of every part
    taken: set[Owner] = set()
    offset: dict[tuple[str, int], int] = {}
    for owner in left:
        trial, spots = shelf, dict[tuple[str, int], int]()
        for group in owned[owner]:
            spot = _lowest(group, trial)
            if spot + group.extent > capacity:
                break
            low, spots[group.key] = spot + group.at, spot
            parts = np.stack([low, low + group.size, group.start, group.end], axis=1)
            trial = np.concatenate([trial, parts])
        else:
            shelf, offset = trial, offset | spots
            taken.add(owner)
    return taken, Placed(offset, int(shelf[:, 1].max(initial=0)), "first fit")


def _lowest(group: Group, shelf: NDArray[np.int64]) -> int:
    """The lowest offset at which no part of the group meets what is alive on the shelf."""
    taken: list[tuple[int, int]] = []
    for at, size, start, end in zip(group.at, group.size, group.start, group.end, strict=True):
        meets = shelf[(shelf[:, 2] <= end) & (shelf[:, 3] >= start)]
        taken += zip((meets[:, 0] - at - size).tolist(), (meets[:, 1] - at).tolist(), strict=True)
    spot = 0
    for begin, end in sorted(taken):  # the group may not begin between the two
        if spot <= begin:
            break
        spot = max(spot, up(end, group.align))
    return spot


def accesses(line: Timeline) -> dict[Owner, float]:
    """Estimated reads and writes of every storage and scratch in an inference.

    A kernel with scratch gathers its window there once for all output channels and multiplies from
    there, two channels a load; one without reads its inputs as often.
    """
    values, found = line.graph.values, dict[Owner, float]()

    def add(owner: Owner, count: float) -> None:
        found[owner] = found.get(owner, 0.0) + count

    for k, node in enumerate(line.graph.nodes):
        if k in line.storage.dropped:
            continue
        cost, out = node.op.cost(node, values), values[node.outputs[0]]
        gathered = cost.macs / max(1, out.shape[-1] if out.shape else 1)
        if cost.scratch:
            add((node.name, True), gathered + cost.macs / 2)
        reads = gathered if cost.scratch else cost.macs / 2
        for name in node.inputs:
            add((line.storage.place(name).root, False), max(float(values[name].elements), reads))
        for name in node.outputs:
            add((line.storage.place(name).root, False), float(values[name].elements))
    return found
