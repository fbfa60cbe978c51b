"""Offsets for blocks with lifetimes: several greedy orders, then a seeded local search.

Stops at the first plan whose peak reaches the lower bound (the largest sum of sizes alive at once).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """`size` bytes, alive from step `start` to step `end` inclusive."""

    name: str
    size: int
    start: int
    end: int

    def meets(self, other: Block) -> bool:
        return self.start <= other.end and other.start <= self.end


@dataclass(frozen=True)
class Offsets:
    """A placement: byte offset of each block, the peak, and what found it."""

    offset: dict[str, int]
    peak: int
    method: str


def live_bytes(blocks: Sequence[Block], steps: int) -> list[int]:
    """Sum of the sizes alive at each step."""
    live = [0] * steps
    for block in blocks:
        for time in range(max(block.start, 0), min(block.end, steps - 1) + 1):
            live[time] += block.size
    return live


_ORDERS: dict[str, Callable[[Block], tuple[int, ...]]] = {
    "greedy by size": lambda b: (-b.size, b.start),
    "greedy by start": lambda b: (b.start, -b.size),
    "greedy by lifetime": lambda b: (b.start - b.end, -b.size),
    "greedy by area": lambda b: (-b.size * (b.end - b.start + 1), b.start),
}


def place(blocks: Sequence[Block], bound: int, tries: int = 400) -> Offsets:
    """The best placement found, and its method; deterministic.

    `tries` bounds the local search (swaps of two blocks in the best order) that follows the
    greedy orders where none of them reaches `bound`.
    """
    best: Offsets | None = None
    best_order: list[Block] = []
    for method, key in _ORDERS.items():
        order = sorted(blocks, key=lambda b: (*key(b), b.name))
        found = _first_fit(order, method)
        if best is None or found.peak < best.peak:
            best, best_order = found, order
        if best.peak <= bound:
            return best
    assert best is not None
    rng = random.Random(0)
    for _ in range(tries):
        i, j = rng.randrange(len(best_order)), rng.randrange(len(best_order))
        order = list(best_order)
        order[i], order[j] = order[j], order[i]
        found = _first_fit(order, "local search")
        if found.peak <= best.peak:
            best, best_order = (found, order) if found.peak < best.peak else (best, order)
        if best.peak <= bound:
            break
    return best


def _first_fit(order: Sequence[Block], method: str) -> Offsets:
    """Each block at the lowest offset that is free during its whole life."""
    offset: dict[str, int] = {}
    placed: list[Block] = []
    peak = 0
    for block in order:
        at = 0
        for low, high in sorted(
            (offset[b.name], offset[b.name] + b.size) for b in placed if b.meets(block)
        ):
            if at + block.size <= low:
                break
            at = max(at, high)
        offset[block.name] = at
        placed.append(block)
        peak = max(peak, at + block.size)
    return Offsets(offset, peak, method)
