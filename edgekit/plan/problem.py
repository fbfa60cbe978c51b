"""The placement problem: blocks with a lifetime and a size; its bound, its parts, its sections.

Time is half-open: a block lives at the times ``start <= t < end``. Blocks that are alive at the same
time must not share a byte. This is dynamic storage allocation, NP-hard in general (Garey and Johnson,
Computers and Intractability, problem SR2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgekit.errors import EdgekitError


@dataclass(frozen=True)
class Block:
    """`size` bytes at a multiple of `align`, alive from `start` until before `end`.

    Raises ValueError for an empty lifetime, a negative size or an alignment below 1.
    """

    name: str
    size: int
    start: int
    end: int
    align: int = 1

    def __post_init__(self) -> None:
        if self.end <= self.start or self.size < 0 or self.align < 1:
            raise ValueError(f"no such block: {self}")

    @property
    def length(self) -> int:
        return self.end - self.start

    def meets(self, other: Block) -> bool:
        """Is there a time at which both are alive?"""
        return self.start < other.end and other.start < self.end


def round_up(value: int, align: int) -> int:
    """The first multiple of `align` that is not below `value`."""
    return -(-value // align) * align


def live_bytes(blocks: Iterable[Block], steps: int) -> list[int]:
    """Sum of the sizes alive at each of the times 0 to `steps` - 1."""
    live = [0] * steps
    for block in blocks:
        for time in range(max(block.start, 0), min(block.end, steps)):
            live[time] += block.size
    return live


def lower_bound(blocks: Iterable[Block]) -> int:
    """The most bytes alive at once: no placement has a lower peak."""
    change: dict[int, int] = {}
    for block in blocks:
        change[block.start] = change.get(block.start, 0) + block.size
        change[block.end] = change.get(block.end, 0) - block.size
    live = most = 0
    for time in sorted(change):
        live += change[time]
        most = max(most, live)
    return most


def split(blocks: Iterable[Block]) -> list[list[Block]]:
    """The parts between the times that no block lives across; each can be placed alone.

    They are also the connected components of the conflict graph, since lifetimes are intervals.
    """
    parts: list[list[Block]] = []
    end = 0
    for block in sorted(blocks, key=lambda b: (b.start, b.end, b.name)):
        if not parts or block.start >= end:
            parts.append([])
        parts[-1].append(block)
        end = max(end, block.end)
    return parts


def sections(blocks: Sequence[Block]) -> tuple[list[tuple[int, int]], int]:
    """Each block's lifetime counted in sections [first, last), and the number of sections.

    A section stands for a run of times whose alive blocks are all alive at one of them; its blocks
    are a maximal clique of the conflict graph. A new one begins with the first start after an end.
    """
    events = sorted(
        event for i, b in enumerate(blocks) for event in ((b.start, True, i), (b.end, False, i))
    )
    first, last = [0] * len(blocks), [0] * len(blocks)
    count, grows = 0, False
    for _, starts, i in events:  # at one time ends sort before starts
        if starts:
            first[i] = count
        else:
            count += grows
            last[i] = count
        grows = starts
    return list(zip(first, last, strict=True)), count


def peak_of(blocks: Iterable[Block], offset: Mapping[str, int]) -> int:
    """The number of bytes that a placement needs."""
    return max((offset[b.name] + b.size for b in blocks), default=0)


def verify(blocks: Iterable[Block], offset: Mapping[str, int]) -> None:
    """Raises EK402 where two blocks share a byte while both live, or an offset is not aligned."""
    alive: list[Block] = []
    for block in sorted(blocks, key=lambda b: b.start):
        alive = [b for b in alive if b.end > block.start]
        low = offset[block.name]
        clash = [b for b in alive if low < offset[b.name] + b.size and offset[b.name] < low + block.size]  # fmt: skip
        if low < 0 or low % block.align or (clash and block.size):
            raise EdgekitError(
                "EK402", "a plan of offsets is wrong", where=f"block {block.name}",
                found=f"offset {low}, among {[b.name for b in clash]}",
                help="report this as a bug",
            )  # fmt: skip
        alive.append(block)
