"""Which distances between groups are forbidden, and placements in one pass over an order of groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit.plan.groups import Group, Ints

NOWHERE = -1
_FAR = np.iinfo(np.int64).max


class Conflicts:
    """Per group i the intervals of offset[i] - offset[j] at which parts of i and j, alive at one time,
    would share a byte: arrays (j, low, high), `low` and `high` themselves allowed, by j and low."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self._owner = np.repeat(np.arange(len(groups)), [len(g.at) for g in groups])
        parts = [np.concatenate([getattr(g, name) for g in groups]) for name in _FIELDS]
        self._at, self._size, self._start, self._end = parts
        self._span = 4 * (1 + max((g.extent for g in groups), default=0))
        self.of = [self._conflicts(i, g) for i, g in enumerate(groups)]

    def _conflicts(self, i: int, g: Group) -> tuple[Ints, Ints, Ints]:
        meets = (self._start <= g.end[:, None]) & (self._end >= g.start[:, None])
        part, other = np.nonzero(meets & (self._owner != i))
        # Each j has a stretch of numbers of its own, so that one pass can merge what overlaps.
        base = self._owner[other] * self._span + self._span // 2
        low = base + self._at[other] - g.at[part] - g.size[part]
        high = base + self._at[other] + self._size[other] - g.at[part]
        order = np.argsort(low, kind="stable")
        low, reach = low[order], np.maximum.accumulate(high[order])
        if not len(low):
            return low, low, low
        closes = np.append(low[1:] >= reach[:-1], True)
        opens = np.append(True, closes[:-1])
        j = low[opens] // self._span
        base = j * self._span + self._span // 2
        return j, low[opens] - base, reach[closes] - base

    def forbidden(self, i: int, offset: Ints) -> tuple[Ints, Ints, Ints]:
        """The placed groups that keep group i from lying strictly between two offsets: (j, low, high)."""
        j, low, high = self.of[i]
        at = offset[j]
        placed = at != NOWHERE
        at = at[placed]
        return j[placed], low[placed] + at, high[placed] + at


_FIELDS = ("at", "size", "start", "end")


def fit(conflicts: Conflicts, order: Sequence[int], top: Collection[int], capacity: int) -> Ints:
    """Offsets: each group of `order` at the lowest place that is free, those in `top` at the highest
    below `capacity`. Groups that are not in `top` may reach beyond the capacity."""
    offset = np.full(len(conflicts.groups), NOWHERE, np.int64)
    for i in order:
        g = conflicts.groups[i]
        _, low, high = conflicts.forbidden(i, offset)
        highest = (capacity - g.extent) // g.align * g.align
        at = _highest(low, high, highest, g.align) if i in top else NOWHERE
        offset[i] = at if at >= 0 else _lowest(low, high, g.align)
    return offset


def _lowest(low: Ints, high: Ints, align: int) -> int:
    order = np.argsort(low, kind="stable")
    reach = np.maximum(np.maximum.accumulate(high[order]), 0)
    spots = np.concatenate(([0], -(-reach // align) * align))
    return int(spots[np.argmax(spots <= np.append(low[order], _FAR))])


def _highest(low: Ints, high: Ints, limit: int, align: int) -> int:
    """Negative where no place is left."""
    order = np.argsort(-high, kind="stable")
    reach = np.minimum.accumulate(low[order]) // align * align
    spots = np.minimum(np.concatenate(([limit], reach)), limit)
    return int(spots[np.argmax(spots >= np.append(high[order], -_FAR))])


def peak_of(groups: Sequence[Group], offset: NDArray[np.int64]) -> int:
    return max((int(at) + g.extent for g, at in zip(groups, offset, strict=True)), default=0)
