"""How much RAM a plan may take, and, where that is too little, what is in the way and what would help."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.plan import plan
from edgekit.plan.regions import Room, holds
from edgekit.plan.stages import is_map
from edgekit.plan.streams import Network
from edgekit.program import CALLER, Program
from edgekit.target import Target

if TYPE_CHECKING:
    from edgekit.build import Compiled

Report = dict[str, Any]
# The generated code keeps nothing but pointers and counters on the stack: 140 to 376 bytes with pointers
# of 4 bytes on the benchmark models.
_STACK_WORDS = 96
_REGION_GATE = "ram fits "  # and the name of a memory region
_MOST = 4  # tensors that a shortage names


def assumed_stack(target: Target) -> int:
    """Bytes of stack that a plan reckons with before there is a compiled model to measure."""
    return _STACK_WORDS * target.pointer_bytes


def room(target: Target, budget: Mapping[str, float], stack: int) -> int | None:
    """Bytes that arena and state may take: what the budget and the board leave beside the stack."""
    limits = [int(budget["ram"])] if "ram" in budget else []
    if target.ram_limit_bytes is not None:
        limits.append(target.ram_limit_bytes - target.reserved_bytes)
    return min(limits) - stack if limits else None


def rooms(target: Target, regions: str, stack: int) -> tuple[Room, ...]:
    """What the arena may take of each memory region, the fastest first; () where there is no choice.

    regions: "dtcm,sram", the regions to use in this order, or "" for all by their wait cost and then
    their order in the file. The firmware's own data, so stack and state too, is in the file's first.
    Raises EK001 for a region that the target does not have.
    """
    ram = [memory for memory in target.memory if memory.kind == "ram"]
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
            help=f"`edgekit targets show {target.name}` lists them",
        )  # fmt: skip
    return tuple(named[word] for word in wanted)


def explain(gates: list[Report], report: Report, stages: Compiled) -> list[Report]:
    """`gates`, each one of RAM that failed with its `shortage`."""
    found = []
    for gate in gates:
        if gate["passed"] or not gate["name"].startswith("ram "):
            found.append(gate)
            continue
        excess, whole = gate["found"] - gate["limit"], not gate["name"].startswith(_REGION_GATE)
        found.append(gate | {"shortage": shortage(stages, report, excess, whole=whole)})
    return found


def shortage(stages: Compiled, report: Report, excess: int, *, whole: bool = True) -> Report:
    """Why a plan takes `excess` bytes too many, of all RAM or (`whole` False) of a memory region.

    lower_bound_bytes: no schedule needs a smaller arena; layer: where the most is alive in the
    program; alive: the largest of what is, each with the layer that makes it; remedies: each with what
    the RAM would be (None where only how far it has to go can be told) and whether it is enough.
    """
    program, options = stages.program, stages.options
    caller = options.io == "caller"
    network = Network(stages.integer, keep_input=options.keep_input, caller_io=caller)
    least = network.cuts.smallest() if network.cuts.nodes else 0
    alive = alive_at_peak(program)
    return {
        "lower_bound_bytes": min(least, program.plan.lower_bound),
        "layer": program.plan.peak,
        "alive": [
            {"name": n, "made_by": made_by(program, n), "bytes": b}
            for n, b in list(alive.items())[:_MOST]
        ],
        "remedies": list(_remedies(stages, report, excess, whole)),
    }


def made_by(program: Program, owner: str) -> str:
    """The layer that makes a tensor or holds the scratch, "input", or "" where a view joins several."""
    if owner in program.inputs:
        return "input"
    writers = (step.name for step in program.steps if owner in (step.name, *step.outputs))
    return next(writers, "")


def alive_at_peak(program: Program) -> dict[str, int]:
    """Bytes by owner at the first row step with the most alive, the largest first."""
    peak, _ = program.plan.fullest()
    alive: dict[str, int] = {}
    for block in program.plan.blocks:
        if block.first <= peak <= block.last:
            alive[block.owner] = alive.get(block.owner, 0) + block.bytes
    return dict(sorted(alive.items(), key=lambda item: (-item[1], item[0])))


def _remedies(stages: Compiled, report: Report, excess: int, whole: bool) -> Iterator[Report]:
    program, options = stages.program, stages.options
    caller = options.io == "caller"

    def smallest(*, keep_input: bool, caller_io: bool) -> Program:
        return plan(
            stages.integer, keep_input=keep_input, caller_io=caller_io, optimize="ram",
            rooms=options.rooms, asked=bool(options.regions),
        )  # fmt: skip

    def remedy(change: str, other: Program, beside: str = "") -> Iterator[Report]:
        saved = program.arena_bytes - other.arena_bytes
        if saved > 0:
            ram = report["ram_bytes"] - saved
            enough = holds(options.rooms, other.regions, other.state_bytes)
            enough &= saved >= excess or not whole
            text = f"{change}: RAM {ram:,} B, {saved:,} B less{beside}"
            yield {"change": change, "ram_bytes": ram, "enough": enough, "text": text}

    # A plan above its limit is the smallest there is.
    within = (
        options.ram_limit is None or program.arena_bytes + program.state_bytes <= options.ram_limit
    )
    ours = smallest(keep_input=options.keep_input, caller_io=caller) if within else program
    yield from remedy("--optimize ram", ours)
    if options.keep_input:
        free = smallest(keep_input=False, caller_io=caller)
        if free.arena_bytes < ours.arena_bytes:
            yield from remedy("--optimize ram without --keep-input", free)
    if not caller:
        outside = smallest(keep_input=options.keep_input, caller_io=True)
        theirs = sum(b.nbytes for b in outside.buffers.values() if b.space == CALLER)
        if outside.arena_bytes < ours.arena_bytes:
            beside = f" here, {theirs:,} B in buffers of your own"
            yield from remedy("--optimize ram --io caller", outside, beside)
    yield from _smaller(ours, program.arena_bytes - excess)


def _smaller(program: Program, limit: int) -> Iterator[Report]:
    """What the source model would have to change, given its smallest plan and the arena's limit."""
    alive = alive_at_peak(program)
    inputs = {name: alive[name] for name in program.inputs if name in alive}
    if inputs and max(inputs.values()) == max(alive.values()):
        name, size = max(inputs.items(), key=lambda item: item[1])
        text = f"--stream-input: the input {name} is {size:,} B of what is alive at the peak"
        yield {"change": "--stream-input", "ram_bytes": None, "enough": None, "text": text}
    if program.arena_bytes <= limit or limit <= 0:
        return
    side = _side(program, alive, limit)
    if side:
        text = f"a smaller input: at most {side} % of its height and width, all maps with it"
        yield {"change": "a smaller input", "ram_bytes": None, "enough": None, "text": text}
    text = f"a narrower layer {program.plan.peak}: at most {limit:,} B may be alive there"
    yield {"change": "a narrower layer", "ram_bytes": None, "enough": None, "text": text}


def _side(program: Program, alive: Mapping[str, int], limit: int) -> int:
    """Percent of height and width at which what is alive would be `limit` bytes; 0 for none.

    A whole map shrinks by the square, the rows of a stream in their width only, the rest not at all.
    """
    maps = {n: b for n, b in program.buffers.items() if is_map(b.shape) and n in alive}
    whole = sum(alive[n] for n, b in maps.items() if alive[n] >= b.nbytes and b.shape[1] > 1)
    rows = sum(alive[n] for n, b in maps.items() if alive[n] < b.nbytes)
    left = limit - (sum(alive.values()) - whole - rows)
    if left <= 0 or not whole + rows:
        return 0
    side = (
        left / rows if not whole else (math.sqrt(rows**2 + 4 * whole * left) - rows) / (2 * whole)
    )
    return math.floor(100 * min(side, 0.99))
