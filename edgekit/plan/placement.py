"""Offsets for groups: greedy orders until one reaches the bound, then the search by ejection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edgekit.plan import native
from edgekit.plan.conflicts import Conflicts, fit, peak_of
from edgekit.plan.ejection import eject
from edgekit.plan.groups import Group, Ints
from edgekit.plan.rows import up

# The search by ejection: placements at most, in all and for each group, and conflicts that they look at;
# placements for each group in a try of the first round, which every round doubles; tries for a capacity
# in a round from each start.
_MOVES, _EACH, _WORK = 400_000, 800, 30_000_000
_FIRST, _TRIES = 8, 2
_STARTS = ("rows by start", "rows by size")
_TWIN = 8  # as many times fewer placements has the twin in Python


@dataclass(frozen=True)
class Placed:
    """Offsets by key, the bytes they reach up to, what found them, and a peak proved to be needed."""

    offset: dict[tuple[str, int], int]
    peak: int
    method: str
    proved: int = 0


def _distance(g: Group, peak: int) -> int:
    """Row steps between a group's life and the time of most live bytes."""
    return max(g.first - peak, peak - g.last, 0)


# What to place first, given the time of most live bytes.
_ORDERS: dict[str, Callable[[Group, int], tuple[int, ...]]] = {
    "rows by size": lambda g, peak: (-g.extent, g.first),
    "rows by start": lambda g, peak: (g.first, -g.extent),
    "rows by end": lambda g, peak: (-g.last, -g.extent),
    "rows by lifetime": lambda g, peak: (g.first - g.last, -g.extent),
    "rows around the peak": lambda g, peak: (_distance(g, peak), -g.extent),
    "rows of the peak by start": lambda g, peak: (_distance(g, peak) > 0, g.first, -g.extent),
    "rows of the peak by lifetime": lambda g, peak: (_distance(g, peak) > 0, g.first - g.last),
}


def place_groups(groups: Sequence[Group], live: Ints, *, search: bool = True) -> Placed:
    """The best placement found; deterministic. Stops at the first whose peak cannot be lower: the most
    live bytes, or the bytes a group spreads over, though they are never alive at once.

    live: bytes alive at each time, which bound the peak from below. search: go on where greedy orders
    leave a gap.
    """
    conflicts = Conflicts(groups)
    widest = max((g.extent for g in groups), default=0)
    bound = max(int(live.max(initial=0)), widest)
    target = up(bound)
    best: tuple[int, Ints, str] | None = None
    for method, offset in _greedy(conflicts, target, int(live.argmax())):
        peak = peak_of(groups, offset)
        if best is None or peak < best[0]:
            best = peak, offset, method
        if peak <= target:
            break
    assert best is not None
    peak, offset, method = best
    if search and peak > target:
        found, by = _ejected(conflicts, target, peak)
        if found is not None:
            peak, offset, method = peak_of(groups, found), found, by
    return Placed(
        {g.key: int(at) for g, at in zip(groups, offset, strict=True)}, peak, method, bound
    )


def _greedy(conflicts: Conflicts, capacity: int, peak: int) -> Iterator[tuple[str, Ints]]:
    """Placements in one pass: every order, also with groups of several parts first, these at the
    lowest places or tensors among them at the highest."""
    top = _tensors(conflicts.groups)
    for method in _ORDERS:
        wholes_first = _order(conflicts.groups, method, peak, True)
        yield method, fit(conflicts, wholes_first, (), capacity)
        yield method, fit(conflicts, wholes_first, top, capacity)
        yield method, fit(conflicts, _order(conflicts.groups, method, peak, False), (), capacity)


def _order(groups: Sequence[Group], method: str, peak: int, wholes_first: bool) -> list[int]:
    def key(i: int) -> tuple[object, ...]:
        g = groups[i]
        return (wholes_first and len(g.at) == 1, *_ORDERS[method](g, peak), g.key)

    return sorted(range(len(groups)), key=key)


def _tensors(groups: Sequence[Group]) -> set[int]:
    """Whole tensors with rows. Inputs give up their first rows first: at the highest places those
    rows join what is free below."""
    return {i for i, g in enumerate(groups) if len(g.at) > 1 and g.key[1] >= 0}


def _ejected(conflicts: Conflicts, target: int, peak: int) -> tuple[Ints | None, str]:
    """A placement below `peak`: at `target`, then by bisection; again with more effort, while there
    is some left. And by what."""
    path, count = native.ejector(), len(conflicts.groups)
    work = _WORK * count // (1 + sum(len(j) for j, _, _ in conflicts.of))
    most = min(_MOVES, _EACH * count, work) // (1 if path else _TWIN)
    best: Ints | None = None
    spent, moves, seed = 0, _FIRST * count, 0
    while peak > target and spent < most:
        floor, capacity = target, target
        while floor < peak and spent < most:
            for method in _STARTS:
                start = fit(
                    conflicts,
                    _order(conflicts.groups, method, 0, True),
                    _tensors(conflicts.groups),
                    capacity,
                )
                seeds = range(seed, seed + _TRIES)
                seed = seeds.stop
                if path:
                    found, made = native.eject(path, conflicts, start, capacity, moves, seeds)
                else:
                    found, made = eject(conflicts, start, capacity, moves, seeds)
                spent += made
                if found is not None:
                    break
            if found is None:
                floor = capacity + 1
            else:
                best, peak = found, peak_of(conflicts.groups, found)
            capacity = (floor + peak - 1) // 2
        moves *= 2
    return best, "rows by ejection" + ("" if path else " in Python")
