"""A model in the RAM that it may have: planned again where that does not suffice, or why it cannot fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.plan.advice import advise
from edgekit.plan.regions import Room
from edgekit.program import Program
from edgekit.report import arena_limit
from edgekit.target import Target, load_target

if TYPE_CHECKING:
    from edgekit.build import Compiled, Options

Report = dict[str, Any]

_ROUNDS = 4  # a smaller arena may need more code on the stack, which leaves less for the arena


def rooms_of(options: Options, stack: int) -> tuple[Room, ...]:
    """`rooms` for a build; a streamed input keeps to one array."""
    if options.stream_input:
        return ()
    return rooms(load_target(options.target), options.regions, stack)


def rooms(board: Target, regions: str, stack: int) -> tuple[Room, ...]:
    """What the arena may take of each memory region beside a stack, the fastest first; () where there is
    no choice.

    regions: "dtcm,sram", the regions to use in this order, or "" for all by their wait cost and then
    their order in the target's file. The firmware's own data, so stack and state too, is in the file's
    first. Raises EK001 for a region that the target does not have.
    """
    ram = [memory for memory in board.memory if memory.kind == "ram"]
    named = {
        m.name: Room(m.name, m.size - m.reserved - stack * (m is ram[0]), m is ram[0]) for m in ram
    }
    if not regions:
        ranked = [named[m.name] for m in sorted(ram, key=lambda m: m.wait)]
        usable = tuple(room for room in ranked if room.bytes > 0)
        return usable if len(usable) > 1 else ()
    wanted = [word.strip() for word in regions.split(",")]
    wrong = [word for word in wanted if word not in named or wanted.count(word) > 1]
    if wrong:
        raise EdgekitError(
            "EK001", "the memory regions cannot be used", where="--regions",
            found=f"{', '.join(wrong)}, wanted each once of: {', '.join(named) or 'none'}",
            help=f"`edgekit targets show {board.name}` lists them",
        )  # fmt: skip
    return tuple(named[word] for word in wanted)


def within_ram(
    stages: Compiled,
    options: Options,
    budget: Mapping[str, float],
    measure: Callable[[Compiled], Report],
) -> tuple[Compiled, Options, Report]:
    """The stages and options with which the RAM suffices, and their report; where none do, the last
    that came closer, with ``ram_advice`` in the report.

    measure: makes the report of a program, with its RAM and the target's limit.
    """
    report = measure(stages)
    for _ in range(_ROUNDS):
        limit, free = arena_limit(report, budget), rooms_of(options, report["stack_bytes"] or 0)
        excess = _excess(stages.program, limit, free)
        if not excess:
            return stages, options, report
        wanted = replace(options, arena_limit=None if limit is None else max(0, limit), rooms=free)
        smaller = stages.planned(wanted)
        left = _excess(smaller.program, limit, free)
        if left >= excess:
            break
        stages, options = smaller, wanted
        report = measure(stages)
        if left:
            break
    return stages, options, report | ram_advice(stages, options, report, budget)


def _excess(program: Program, limit: int | None, free: Sequence[Room]) -> int:
    """Bytes that a program takes too many, of all RAM or of a memory region."""
    over = 0 if limit is None else program.arena_bytes - limit
    left = {room.name: room.bytes - program.state_bytes * room.home for room in free}
    return max(0, over, *(r.bytes - left.get(r.name, r.bytes) for r in program.regions))


def ram_advice(
    stages: Compiled, options: Options, report: Report, budget: Mapping[str, float]
) -> Report:
    """``ram_advice`` where the RAM does not suffice: the smallest arena that was found, its lower
    bound, the layer and tensors at its peak, and what would make it smaller."""
    free = rooms_of(options, report["stack_bytes"] or 0)
    if not _excess(stages.program, arena_limit(report, budget), free):
        return {}
    advice = advise(stages.integer, keep_input=options.keep_input, caller_io=options.io == "caller")
    found = asdict(advice)
    found["alive"] = [{"name": name, "bytes": size} for name, size in advice.alive]
    if advice.arena_bytes < report["arena_bytes"]:
        again = {"change": "built for this RAM", "arena_bytes": advice.arena_bytes}
        found["remedies"] = [*found["remedies"], again]
    return {"ram_advice": found}
