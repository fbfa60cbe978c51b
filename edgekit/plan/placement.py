"""Offsets for groups of parts: what must lie at fixed distances, each part with a life of its own.

A whole tensor whose rows are written and read one by one is a group of its rows; a row that may lie
anywhere is a group of one. Groups overlap where their parts are alive at different times.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Group:
    """Parts at `at[i]` from the group's offset, `size[i]` bytes, alive from start[i] to end[i].

    The group's offset is a multiple of `align`; `key` is the caller's.
    """

    key: tuple[str, int]
    at: Ints
    size: Ints
    start: Ints
    end: Ints
    align: int

    @cached_property
    def extent(self) -> int:
        return int((self.at + self.size).max())

    @cached_property
    def first(self) -> int:
        return int(self.start.min())

    @cached_property
    def last(self) -> int:
        return int(self.end.max())


def group(key: tuple[str, int], parts: Sequence[tuple[int, int, int, int]], align: int) -> Group:
    """A group of parts (at, size, start, end)."""
    at, size, start, end = np.array(parts, np.int64).reshape(-1, 4).T
    return Group(key, at, size, start, end, align)


@dataclass(frozen=True)
class Placed:
    """Offsets by key, the bytes they reach up to, and what found them."""

    offset: dict[tuple[str, int], int]
    peak: int
    method: str


def live_bytes(groups: Sequence[Group], steps: int) -> Ints:
    """Bytes alive at each time 0..steps."""
    change = np.zeros(steps + 2, np.int64)
    for g in groups:
        np.add.at(change, g.start, g.size)
        np.add.at(change, g.end + 1, -g.size)
    return np.cumsum(change)[: steps + 1]


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
_TRIES, _SEARCHED = 40, 12_000  # of the search that follows: orders, and groups placed, at most


def place_groups(groups: Sequence[Group], live: Ints) -> Placed:
    """The best placement found: greedy orders, each also with groups of several parts first, then a
    seeded search that moves the group at the peak forward. Deterministic.

    live: bytes alive at each time, which bound the peak from below.
    """
    bound, peak = int(live.max(initial=0)), int(live.argmax())
    best: Placed | None = None
    best_order: list[Group] = []
    for method, key in _ORDERS.items():
        for wholes_first in (True, False):
            order = sorted(
                groups, key=lambda g: (wholes_first and len(g.at) == 1, *key(g, peak), g.key)
            )
            found = _first_fit(order, method)
            if best is None or found.peak < best.peak:
                best, best_order = found, order
            if best.peak <= bound:
                return best
    assert best is not None
    rng = random.Random(0)
    for _ in range(min(_TRIES, _SEARCHED // max(1, len(groups)))):
        order = _promoted(best_order, best, rng)
        found = _first_fit(order, "rows, local search")
        if found.peak <= best.peak:
            best, best_order = (found, order) if found.peak < best.peak else (best, order)
        if best.peak <= bound:
            break
    return best


def _promoted(order: Sequence[Group], placed: Placed, rng: random.Random) -> list[Group]:
    """The order with a group that reaches the peak moved to an earlier place."""
    high = [i for i, g in enumerate(order) if placed.offset[g.key] + g.extent == placed.peak]
    i = rng.choice(high or range(len(order)))
    moved = list(order)
    moved.insert(rng.randrange(i + 1), moved.pop(i))
    return moved


def _first_fit(order: Sequence[Group], method: str) -> Placed:
    """Each group at the lowest offset at which its parts meet nothing that is alive."""
    total = sum(len(g.at) for g in order)
    low, high, start, end = (np.zeros(total, np.int64) for _ in range(4))
    offset: dict[tuple[str, int], int] = {}
    used = peak = 0
    for g in order:
        at = _lowest(g, low[:used], high[:used], start[:used], end[:used])
        offset[g.key] = at
        parts = slice(used, used + len(g.at))
        low[parts], high[parts] = at + g.at, at + g.at + g.size
        start[parts], end[parts] = g.start, g.end
        used += len(g.at)
        peak = max(peak, at + g.extent)
    return Placed(offset, peak, method)


def _lowest(g: Group, low: Ints, high: Ints, start: Ints, end: Ints) -> int:
    """The lowest offset for `g` beside the parts placed so far."""
    if len(g.at) == 1:
        meets = (start <= g.end[0]) & (end >= g.start[0])
        begins, ends = low[meets] - g.at[0] - g.size[0], high[meets] - g.at[0]
    else:
        meets = (start <= g.end[:, None]) & (end >= g.start[:, None])
        part, other = np.nonzero(meets)
        begins, ends = low[other] - g.at[part] - g.size[part], high[other] - g.at[part]
    # The group may not begin strictly between begins[i] and ends[i].
    order = np.argsort(begins, kind="stable")
    begins, reach = begins[order], np.maximum.accumulate(ends[order])
    spots = np.concatenate([[0], -(-np.maximum(reach, 0) // g.align) * g.align])
    free = np.append(begins, np.iinfo(np.int64).max)
    fits = np.nonzero(spots <= free)[0]
    return int(spots[fits[0]])
