"""Groups within a capacity, by ejection: who finds no place takes one, and who was there looks anew.

After the guided ejection search of Nagata and Bräysy (Operations Research Letters 37, 2009): a group
takes the place whose owners are the easiest to place, where a group is the harder, the more often it
had to take a place by force.
"""

from __future__ import annotations

import random

import numpy as np

from edgekit.plan.conflicts import NOWHERE, Conflicts
from edgekit.plan.groups import Ints


def eject(
    conflicts: Conflicts, start: Ints, capacity: int, moves: int, seed: int
) -> tuple[Ints | None, int]:
    """Offsets of all groups within `capacity`, None where `moves` placements did not lead there; and
    the placements made. Begins with the offsets `start`. Deterministic for a seed."""
    search = _Search(conflicts, start, capacity, random.Random(seed))
    for made in range(moves):
        if not search.waiting:
            return search.offset, made
        search.place(search.waiting.pop(0))
    return None, moves


class _Search:
    def __init__(
        self, conflicts: Conflicts, start: Ints, capacity: int, rng: random.Random
    ) -> None:
        self._conflicts, self._capacity, self._rng = conflicts, capacity, rng
        extents = np.array([g.extent for g in conflicts.groups], np.int64)
        self.offset = np.where(start + extents <= capacity, start, NOWHERE)
        self.waiting = np.flatnonzero(self.offset == NOWHERE).tolist()
        self._hardness = np.ones(len(extents), np.int64)

    def place(self, i: int) -> None:
        """Group i to one of the places with the least hardness in its way."""
        j, low, high = self._conflicts.forbidden(i, self.offset)
        places = self._places(i, low, high)
        least = self._hardness_at(places, j, low, high)
        at = int(self._rng.choice(places[least == least.min()]))
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
