"""Where in memory each task's arena and state lie."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.plan.rows import up
from edgekit.tasks.choose import ALIGN


@dataclass(frozen=True)
class Spot:
    """A task's place: bytes and offsets within its region; `state` is in the home region."""

    name: str
    level: int
    region: str
    arena_bytes: int
    state_bytes: int
    arena_offset: int = 0
    state_offset: int = 0


@dataclass(frozen=True)
class Block:
    """An array of the firmware: the region it lies in, "" where there is but one memory; its bytes."""

    region: str
    bytes: int


def lay_out(spots: list[Spot], home: str) -> tuple[list[Spot], list[Block]]:
    """The spots with offsets, and the arrays, the home region's first.

    In each region the arenas of one level begin at one offset, those of the next level behind the
    largest of them; states lie behind the arenas of the home region, each by itself.
    """
    regions = sorted({s.region for s in spots} | {home}, key=lambda r: (r != home, r))
    ends = dict.fromkeys(regions, 0)
    start: dict[tuple[str, int], int] = {}
    for level, region in sorted({(s.level, s.region) for s in spots}):
        start[region, level] = ends[region]
        inside = [s.arena_bytes for s in spots if (s.level, s.region) == (level, region)]
        ends[region] += up(max(inside), ALIGN)
    placed = []
    for s in spots:
        at = ends[home]
        ends[home] += up(s.state_bytes, ALIGN)
        arena = start[s.region, s.level]
        placed.append(Spot(s.name, s.level, s.region, s.arena_bytes, s.state_bytes, arena, at))
    return placed, [Block(region, ends[region]) for region in regions if ends[region]]
