"""Placements in one pass over an order of the blocks, and a local search over such orders."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edgekit.plan.problem import Block, peak_of

Offset = dict[str, int]

# What comes first: the key of an order; ties go to the earlier start, then the name.
_ORDERS: dict[str, Callable[[Block], tuple[int, ...]]] = {
    "size": lambda b: (-b.size,),
    "start": lambda b: (b.start, -b.size),
    "octave of size, lifetime": lambda b: (-b.size.bit_length(), -b.length),
    "half octave of size, start": lambda b: (-(b.size**2).bit_length(), b.start),
    "size times area": lambda b: (-b.size * b.size * b.length,),
    "area": lambda b: (-b.size * b.length,),
    "lifetime": lambda b: (-b.length, -b.size),
}
_WORK = 600_000_000  # pairs of blocks that all passes together may compare


def passes(blocks: Sequence[Block]) -> Iterator[tuple[Offset, str]]:
    """Placements and the method of each: every order by first fit, then by best fit.

    Large problems get fewer of them, but two at least.
    """
    most = max(2, _WORK // (len(blocks) ** 2 + 1))
    for count, (best, name) in enumerate((b, n) for b in (False, True) for n in _ORDERS):
        if count == most:
            return
        key = _ORDERS[name]
        order = sorted(blocks, key=lambda b: (*key(b), b.start, b.name))
        yield fit(order, best=best), f"greedy by {name}{', best fit' * best}"


def fit(order: Sequence[Block], *, best: bool = False) -> Offset:
    """Each block in the lowest hole, or with `best` the smallest, that is free during its whole life."""
    offset: Offset = {}
    # Rows: low, high, start, end of the placed blocks; columns in the order of `low`.
    placed = np.zeros((4, len(order)), np.int64)
    for count, block in enumerate(order):
        low, high, start, end = placed[:, :count]
        meets = (start < block.end) & (end > block.start)
        floors = np.maximum.accumulate(np.concatenate(([0], high[meets])))
        starts = -(-floors // block.align) * block.align
        spare = low[meets] - starts[:-1] - block.size
        holes = np.flatnonzero(spare >= 0)
        if not len(holes):
            at = int(starts[-1])
        else:
            at = int(starts[holes[np.argmin(spare[holes])] if best else holes[0]])
        offset[block.name] = at
        column = int(np.searchsorted(low, at))
        placed[:, column + 1 : count + 1] = placed[:, column:count].copy()
        placed[:, column] = at, at + block.size, block.start, block.end
    return offset


def climb(blocks: Sequence[Block], offset: Offset, target: int, tries: int = 400) -> Offset:
    """A local search from a placement: in the order of its offsets a block moves forward at random.

    Stops at a peak of `target`, or after `tries` passes (fewer in large problems). Seeded: it repeats.
    """
    rng = random.Random(0)
    order = sorted(blocks, key=lambda b: (offset[b.name], b.name))
    peak = peak_of(order, offset)
    for _ in range(min(tries, _WORK // (len(order) ** 2 + 1))):
        if peak <= target:
            break
        top = [i for i, b in enumerate(order) if offset[b.name] + b.size == peak]
        moved = rng.choice(top if rng.random() < 0.5 else range(len(order)))
        trial = list(order)
        trial.insert(rng.randrange(moved + 1), trial.pop(moved))
        found = fit(trial)
        if peak_of(order, found) <= peak:
            order, offset, peak = trial, found, peak_of(order, found)
    return offset
