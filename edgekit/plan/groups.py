"""Groups of parts: what must lie at fixed distances, each part with a life of its own.

A whole tensor whose rows are written and read one by one is a group of its rows; a row that may lie
anywhere is a group of one. Groups overlap where their parts are alive at different times.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def live_bytes(groups: Sequence[Group], steps: int) -> Ints:
    """Bytes alive at each time 0..steps."""
    change = np.zeros(steps + 2, np.int64)
    for g in groups:
        np.add.at(change, g.start, g.size)
        np.add.at(change, g.end + 1, -g.size)
    return np.cumsum(change)[: steps + 1]
