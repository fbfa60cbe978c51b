"""The arena in C: one array, or one for each memory region that it is spread over."""

from __future__ import annotations

from typing import NamedTuple

from edgekit.emit.names import identifier
from edgekit.program import Program, Region


class Array(NamedTuple):
    """An argument of the entry points: its C name, the pointer to its bytes, its size as a macro."""

    argument: str
    pointer: str
    macro: str
    region: Region


def arenas(prefix: str, program: Program) -> list[Array]:
    """The arrays that the caller provides, in the order of the arguments."""
    upper = prefix.upper()
    if len(program.regions) < 2:
        region = Region("", 0, program.arena_bytes)
        return [Array("arena", "a", f"{upper}_ARENA_BYTES", region)]
    names = [(identifier(region.name), region) for region in program.regions]
    return [Array(f"arena_{n}", f"a_{n}", f"{upper}_ARENA_{n.upper()}_BYTES", r) for n, r in names]


def array_of(prefix: str, program: Program, offset: int) -> Array:
    """The array that holds a byte of the arena; its place there is `offset` less the region's own."""
    return next(a for a in reversed(arenas(prefix, program)) if a.region.offset <= offset)


def unit(program: Program) -> int:
    """Bytes per step of a table of row offsets: the smallest with which 16 bits reach every row."""
    size = 4
    while max((r.bytes for r in program.regions), default=program.arena_bytes) > size << 16:
        size *= 2
    return size
