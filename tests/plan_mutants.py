"""Damaged plans: what a planner with a fault would hand on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from random_graphs import Plain

import edgekit.plan
from benchmarks.places import forced
from edgekit.errors import EdgekitError
from edgekit.plan import program_of
from edgekit.plan.check import check_plan
from edgekit.plan.streams import Network
from edgekit.plan.timeline import Span, Timeline
from edgekit.program import ARENA, Program, Turn

Random = np.random.Generator


def shifted(program: Program, rng: Random) -> Program | None:
    """A tensor, a row of one or a scratch lies elsewhere in the arena."""
    tensors = [n for n, b in program.buffers.items() if b.space == ARENA]
    scratch = [i for i, step in enumerate(program.steps) if step.scratch_bytes]
    if scratch and rng.integers(3) == 0:
        i = int(rng.choice(scratch))
        step = program.steps[i]
        at = _elsewhere(step.scratch_offset, step.scratch_bytes, program, rng)
        steps = list(program.steps)
        steps[i] = dataclasses.replace(step, scratch_offset=at)
        return dataclasses.replace(program, steps=tuple(steps))
    if not tensors:
        return None
    buffer = program.buffers[str(rng.choice(tensors))]
    if buffer.rows:
        rows = list(buffer.rows)
        row = int(rng.integers(len(rows)))
        rows[row] = _elsewhere(rows[row], buffer.row_bytes, program, rng)
        moved = dataclasses.replace(buffer, rows=tuple(rows))
    else:
        at = _elsewhere(buffer.offset, buffer.nbytes, program, rng)
        moved = dataclasses.replace(buffer, offset=at)
    return dataclasses.replace(program, buffers={**program.buffers, buffer.name: moved})


def _elsewhere(offset: int, size: int, program: Program, rng: Random) -> int:
    spots = [at for at in range(0, program.arena_bytes - size + 1, 4) if at != offset]
    return int(rng.choice(spots)) if spots else offset + 4


def swapped(program: Program, rng: Random) -> Program | None:
    """Two turns of the schedule have changed places, most often neighbours."""
    turns = list(program.schedule)
    if len(turns) < 2:
        return None
    i = int(rng.integers(len(turns) - 1))
    j = i + 1 if rng.integers(4) else int(rng.integers(len(turns)))
    turns[i], turns[j] = turns[j], turns[i]
    same = turns == list(program.schedule)
    return None if same else dataclasses.replace(program, schedule=tuple(turns))


def forgetful(network: Network, rng: Random) -> Program | None:
    """A plan, not checked, of a planner that takes one row for dead as soon as it is made."""
    spans = Timeline.spans
    chosen: list[tuple[str, int]] = []

    def shorter(line: Timeline, turns: Sequence[Turn]) -> tuple[dict[str, Span], int]:
        found, end = spans(line, turns)
        if not chosen:
            chosen.extend(
                (name, row)
                for name, span in sorted(found.items())
                for row, born in enumerate(span.born)
                if span.dies[row] > born
            )
            chosen[:] = chosen and [chosen[int(rng.integers(len(chosen)))]]
        for name, row in chosen:
            if name in found and row < len(found[name].born):
                found[name].dies[row] = found[name].born[row]
        return found, end

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Timeline, "spans", shorter)
        patch.setattr(edgekit.plan, "check_plan", lambda program: None)
        program = program_of(forced(network))
    return program if chosen else None


@dataclass
class Tally:
    """What became of mutants: refused by the checker, other bytes on the simulator, or harmless."""

    mutants: int = 0
    refused: int = 0
    differ: int = 0
    missed: list[str] = field(default_factory=list)  # passed the checker with other bytes

    def judge(self, label: str, mutant: Program, wanted: Plain) -> None:
        refused = not passes_check(mutant)
        differ = not computes(mutant, wanted)
        self.mutants += 1
        self.refused += refused
        self.differ += refused and differ
        if differ and not refused:
            self.missed.append(label)


def passes_check(program: Program) -> bool:
    try:
        check_plan(program)
    except EdgekitError:
        return False
    return True


def computes(program: Program, wanted: Plain) -> bool:
    """Does the simulator make every layer as it should be? A tensor outside its memory is a no."""
    try:
        return wanted.equals(program)
    except (ValueError, IndexError):
        return False
