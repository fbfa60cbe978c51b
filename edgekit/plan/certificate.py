"""What proves a plan: every block with its bytes and its time, the schedule, the bound; and the proof's check.

The check needs nothing but the certificate, so that whoever doubts a plan can repeat it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgekit.program import Program

Report = dict[str, Any]
SCRATCH, ROWS, TENSOR = "scratch", "rows", "tensor"


def certificate(program: Program) -> Report:
    """The plan of a program as JSON.

    schedule: [layer, first row, rows] a turn, each row a row step; row steps count from 1, inputs are
    there at 0 and outputs after the last. runs: row steps first..last belong to `layers`, which make
    rows for each other where they are several. blocks: `bytes` of the arena from `offset`, taken from
    row step `first` to `last`, by a "tensor", the "rows" of a run, or the "scratch" of a layer. regions:
    which part of the arena lies in which memory region; [] where the target has one.
    """
    plan = program.plan
    streamed = {
        name
        for turns in program.streams()
        if len({turn.step for turn in turns}) > 1
        for turn in turns
        if program.steps[turn.step].op.signature != "sum"
        for name in program.steps[turn.step].outputs
    }
    peak, most = plan.fullest()
    return {
        "arena_bytes": program.arena_bytes,
        "arena_lower_bound_bytes": plan.lower_bound,
        "arena_proved_bytes": plan.proved,
        "arena_gap_bytes": max(0, program.arena_bytes - plan.proved),
        "arena_optimal": program.arena_bytes <= plan.proved,
        "arena_method": plan.method,
        "arena_certificate": _reason(program),
        "peak": {"layer": plan.peak, "row_step": peak, "bytes": most},
        "row_steps": sum(turn.n for turn in program.schedule),
        "regions": [region._asdict() for region in program.regions],
        "inputs": list(program.inputs),
        "layers": [
            {"name": s.name, "op": s.op.name, "inputs": list(s.inputs), "outputs": list(s.outputs)}
            for s in program.steps
        ],
        "schedule": [list(turn) for turn in program.schedule],
        "runs": list(_runs(program)),
        "blocks": [
            {
                "owner": b.owner,
                "kind": SCRATCH if b.row < 0 else ROWS if b.owner in streamed else TENSOR,
                "row": None if b.row < 0 else b.row,
                "offset": b.offset,
                "bytes": b.bytes,
                "first": b.first,
                "last": b.last,
            }
            for b in plan.blocks
        ],
    }


def _reason(program: Program) -> str | None:
    """Why no plan of this schedule is smaller; None where that is not known."""
    if program.arena_bytes > program.plan.proved:
        return None
    reached = program.arena_bytes - program.plan.lower_bound < 4  # the arena is in words
    return "bound reached" if reached else "exhausted search"


def _runs(program: Program) -> Iterator[Report]:
    time = 1
    for turns in program.streams():
        rows = sum(turn.n for turn in turns)
        layers = sorted({turn.step for turn in turns})
        yield {"first": time, "last": time + rows - 1, "layers": layers}
        time += rows


def problems(plan: Mapping[str, Any]) -> list[str]:
    """What is wrong with a certificate; [] where it proves what it says.

    Raises KeyError, TypeError or ValueError where it is none.
    """
    blocks = [
        (int(b["first"]), int(b["last"]), int(b["offset"]), int(b["bytes"]), str(b["owner"]))
        for b in plan["blocks"]
    ]
    return [*_schedule_problems(plan), *_claims(plan, blocks), *_clashes(blocks)]


_Block = tuple[int, int, int, int, str]


def _schedule_problems(plan: Mapping[str, Any]) -> Iterator[str]:
    """Does every layer make its rows in order, and do the turns take the time they say?"""
    made = [0] * len(plan["layers"])
    for layer, first, rows in plan["schedule"]:
        if first != made[layer]:
            yield f"layer {plan['layers'][layer]['name']} makes row {first} after {made[layer]} rows"
        made[layer] += rows
    if sum(made) != plan["row_steps"]:
        yield f"the schedule has {sum(made)} row steps, not {plan['row_steps']}"
    idle = [entry["name"] for entry, rows in zip(plan["layers"], made, strict=True) if not rows]
    yield from (f"layer {name} never runs" for name in idle)


def _claims(plan: Mapping[str, Any], blocks: list[_Block]) -> Iterator[str]:
    """The figures of the head against the blocks."""
    arena, bound, end = (plan[k] for k in ("arena_bytes", "arena_lower_bound_bytes", "row_steps"))
    for first, last, offset, size, owner in blocks:
        if not (0 <= first <= last <= end + 1 and size >= 0):
            yield f"{owner} lives at no time of the schedule: {first} to {last}"
        if offset < 0 or offset + size > arena:
            yield f"{owner} reaches outside the arena: {offset} to {offset + size} of {arena}"
    for border in [int(region["offset"]) for region in plan["regions"]]:
        for *_, offset, size, owner in blocks:
            if offset < border < offset + size:
                yield f"{owner} lies in two memory regions"
    change: dict[int, int] = {}
    for first, last, _, size, _ in blocks:
        change[first] = change.get(first, 0) + size
        change[last + 1] = change.get(last + 1, 0) - size
    live = most = 0
    for time in sorted(change):
        live += change[time]
        most = max(most, live)
    if most != bound:
        yield f"the most bytes alive are {most}, not {bound}"
    proved, optimal = plan["arena_proved_bytes"], plan["arena_optimal"]
    if optimal != (arena <= proved) or proved < bound or plan["arena_gap_bytes"] != max(0, arena - proved):  # fmt: skip
        yield f"gap and verdict do not follow from {arena} bytes with {proved} proved"


def _clashes(blocks: list[_Block]) -> Iterator[str]:
    """Blocks that share a byte while both live."""
    alive: list[_Block] = []
    for block in sorted(blocks):
        first, _, offset, size, owner = block
        alive = [other for other in alive if other[1] >= first]
        for _, _, at, length, other in alive:
            if offset < at + length and at < offset + size:
                yield f"{owner} and {other} share bytes at row step {first}"
        alive.append(block)
