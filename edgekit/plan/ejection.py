"""Groups within a capacity, by ejection: who finds no place takes one, and who was there looks anew.

After the guided ejection search of Nagata and Bräysy (Operations Research Letters 37, 2009): a group
takes the place whose owners are the easiest to place, where a group is the harder, the more often it
had to take a place by force.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from edgekit.plan.conflicts import NOWHERE, Conflicts
from edgekit.plan.groups import Ints

# Steele and Vigna, Computationally easy, spectrally good multipliers (2021).
_MULTIPLIER = 0xD1342543DE82EF95


def eject(
    conflicts: Conflicts, start: Ints, capacity: int, moves: int, seeds: range
) -> tuple[Ints | None, int]:
    """Offsets of all groups within `capacity`, by the first of the tries that finds some in `moves`
    placements; None where none does. Also the placements made. Every try begins with the offsets
    `start`; the same seeds give the same answer."""
    spent = 0
    for seed in seeds:
        search = _Search(conflicts, start, capacity, seed)
        made = 0
        while search.waiting and made < moves:
            search.place(search.waiting.popleft())
            made += 1
        spent += made
        if not search.waiting:
            return search.offset, spent
    return None, spent


class _Search:
    def __init__(self, conflicts: Conflicts, start: Ints, capacity: int, seed: int) -> None:
        self._conflicts, self._capacity, self._state = conflicts, capacity, seed
        extents = np.array([g.extent for g in conflicts.groups], np.int64)
        self.offset = np.where(start + extents <= capacity, start, NOWHERE)
        self.waiting = deque(np.flatnonzero(self.offset == NOWHERE).tolist())
        self._hardness = np.ones(len(extents), np.int64)

    def _below(self, count: int) -> int:
        """A random number less than `count`; the same in C."""
        self._state = (self._state * _MULTIPLIER + 1) % 2**64
        return (self._state >> 33) % count

    def place(self, i: int) -> None:
        """Group i to one of the places with the least hardness in its way."""
        j, low, high = self._conflicts.forbidden(i, self.offset)
        places = self._places(i, low, high)
        least = self._hardness_at(places, j, low, high)
        easiest = places[least == least.min()]
        at = int(easiest[self._below(len(easiest))])
        in_the_way = np.unique(j[(low < at) & (at < high)])
        if len(in_the_way):
            self._hardness[i] += 1
            self.offset[in_the_way] = NOWHERE
            self.waiting.extend(in_the_way.tolist())
        self.offset[i] = at

    def _places(self, i: int, low: Ints, high: Ints) -> Ints:
        """The ends of the capacity and of what is placed already: a best place is among them."""
        g = self._conflicts.groups[i]
        top = (self._capacity - g.extent) // g.align * g.align
        ends = np.concatenate((low // g.align * g.align, -(-high // g.align) * g.align, (0, top)))
        return np.unique(ends[(ends >= 0) & (ends <= top)])

    def _hardness_at(self, places: Ints, j: Ints, low: Ints, high: Ints) -> Ints:
        """Hardness of the groups in whose interval each place lies."""
        by_low, by_high = np.argsort(low, kind="stable"), np.argsort(high, kind="stable")
        weight = self._hardness[j]
        opened = np.concatenate(([0], np.cumsum(weight[by_low])))
        closed = np.concatenate(([0], np.cumsum(weight[by_high])))
        return np.asarray(
            opened[np.searchsorted(low[by_low], places, "left")]
            - closed[np.searchsorted(high[by_high], places, "right")]
        )
