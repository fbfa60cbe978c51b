"""The ways to run a task's model: from fewest instructions to least RAM, counted when one is asked for."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from edgekit.bench import count
from edgekit.build import Compiled, Options, compile_program
from edgekit.commands import reopen
from edgekit.emit import emit
from edgekit.emit.entry import entry_points
from edgekit.errors import EdgekitError
from edgekit.firmware import compile_model
from edgekit.plan import ordered
from edgekit.plan.front import front
from edgekit.program import Program
from edgekit.quantize import Calibration, Settings
from edgekit.target import Target
from edgekit.tasks.choose import Way
from edgekit.tasks.describe import Task
from edgekit.validate.data import random_samples
from edgekit.validate.runners import deploy


class Candidate(NamedTuple):
    """A plan that was not made yet, and what the front says of it: bytes, instructions."""

    options: Options
    arena: int
    instructions: int


class Measured(NamedTuple):
    """A plan that was compiled and counted; cycles: None where the task says how long it takes."""

    program: Program
    stack: int
    cycles: int | None
    accesses: int


@dataclass(eq=False)
class Ways:
    """A task with its ways, most RAM first. `stages` is None for code of the user's own.

    folder: of a bundle that is taken as it is.
    """

    task: Task
    board: Target
    stages: Compiled | None = None
    folder: Path | None = None
    candidates: list[Candidate] = field(default_factory=list)
    measured: dict[int, Measured] = field(default_factory=dict)

    def measure(self, number: int) -> None:
        """Plan, compile and count a way. Raises what `compile_model` and `count` raise."""
        if self.stages is None or number in self.measured:
            return
        program = self.stages.program
        if self.folder is None:
            program = self.stages.planned(self.candidates[number].options).program
        with tempfile.TemporaryDirectory(prefix="edgekit-") as work:
            self.measured[number] = self._measured(program, Path(work))

    def _measured(self, program: Program, work: Path) -> Measured:
        name, folder = self.task.name, self.folder
        if folder is None:
            folder = work / name
            folder.mkdir()
            for file, text in emit(name, program, name)[0].items():
                (folder / file).write_text(text)
        image = compile_model(folder, name, self.board, work, roots=entry_points(name, program))
        stack = image.stack().bytes
        if self.task.wcet is not None:
            return Measured(program, stack, None, 0)
        one = random_samples([program.buffers[n] for n in program.inputs], 1)
        counts = count(deploy(program, folder, name), self.board, [x[0] for x in one.arrays])
        return Measured(program, stack, counts.cycles_estimate, counts.accesses)

    def ways(self, waits: tuple[float, ...], margin: float) -> tuple[Way, ...]:
        """For the search: measured where that was done, else as the first way by the front's figures.

        waits: cycles that an access costs in each memory region; margin: percent upon the cycles.
        """
        if self.stages is None:
            assert self.task.wcet is not None
            return (Way(0, 0, 0, (self.task.wcet + self.task.overhead,) * len(waits)),)
        return tuple(self._way(number, waits, margin) for number in range(len(self.candidates)))

    def _way(self, number: int, waits: tuple[float, ...], margin: float) -> Way:
        base, guess = self.measured[0], self.candidates[number]
        found = self.measured.get(number)
        factor = 1.0 if found else guess.instructions / max(1, self.candidates[0].instructions)
        known = found or base
        costs = tuple(self._cost(known, wait, factor, margin) for wait in waits)
        arena = found.program.arena_bytes if found else guess.arena
        return Way(arena, known.program.state_bytes, known.stack, costs)

    def _cost(self, known: Measured, wait: float, factor: float, margin: float) -> int:
        """Nanoseconds of a job. Every access counts as one of the arena."""
        if known.cycles is None:
            assert self.task.wcet is not None
            return self.task.wcet + self.task.overhead
        assert self.board.clock_hz
        cycles = (known.cycles + wait * known.accesses) * factor * (1 + margin / 100)
        return math.ceil(cycles * 10**9 / self.board.clock_hz) + self.task.overhead


def ways_of(task: Task, target: str, board: Target) -> Ways:
    """The ways of a task, the first of them measured.

    Raises EK003 where a bundle cannot be one of several tasks, or times are missing; EK101 and the like
    for models, EK501 and the like for tools.
    """
    if task.model is None and task.bundle is None:
        return Ways(task, board)
    if task.wcet is None and not (board.clock_hz and board.cycles):
        raise EdgekitError(
            "EK003", "the time of a task is not known", where=f"[[task]] {task.name}",
            found=f"target {board.name} has no {'table of cycles' if board.clock_hz else 'clock_hz'}",
            help='add wcet = "12ms", or take a target with a clock and a table of cycles',
        )  # fmt: skip
    found = _of_bundle(task, target, board) if task.bundle else _of_model(task, target, board)
    found.measure(0)
    return found


def _of_bundle(task: Task, target: str, board: Target) -> Ways:
    assert task.bundle is not None
    bundle, stages, _ = reopen(task.bundle, target)
    program, where = stages.program, f"[[task]] {task.name}"
    reasons = {
        "its inputs and outputs are the caller's buffers": stages.options.io == "caller",
        "its input is fed row by row, so its arena lives between jobs": program.feed is not None,
        "its arena is spread over memory regions": len(program.regions) > 1,
        "threads share its layers": program.threads > 1,
    }
    for reason, holds in reasons.items():
        if holds:
            raise EdgekitError(
                "EK003", "a bundle cannot take turns with others", where=where, found=reason,
                help="build it without that option, or give the model instead of the bundle",
            )  # fmt: skip
    if bundle.name != task.name:
        raise EdgekitError(
            "EK003", "a task is not called as its bundle", where=where,
            found=f"bundle {bundle.name}", help=f'leave name out, or write name = "{bundle.name}"',
        )  # fmt: skip
    only = Candidate(stages.options, program.arena_bytes, 1)
    return Ways(task, board, stages, task.bundle, [only])


def _of_model(task: Task, target: str, board: Target) -> Ways:
    assert task.model is not None
    numbers = None
    if task.calibration is not None:
        numbers = Calibration(task.calibration, task.scale, task.offset)
    choice = "speed" if task.optimize == "auto" else task.optimize
    options = Options(task.name, target, optimize=choice, quantization=Settings(scheme=task.scheme))
    stages = compile_program(task.model, options, numbers=numbers)
    if task.optimize != "auto" or task.wcet is not None:
        chosen = replace(options, optimize="balanced" if task.optimize == "auto" else choice)
        only = Candidate(chosen, stages.planned(chosen).program.arena_bytes, 1)
        return Ways(task, board, stages, None, [only])
    _, networks = ordered(stages.integer, keep_input=False, caller_io=False)
    base = networks[0].cuts.instructions()
    frugal = replace(options, optimize="balanced")
    found = [Candidate(options, stages.program.arena_bytes, base)]
    found += [
        Candidate(replace(frugal, arena_limit=point.bytes), point.bytes, base + point.extra)
        for point in front(*networks)
    ]
    return Ways(task, board, stages, None, found)
