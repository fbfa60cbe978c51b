"""`edgekit schedule`: tasks to a folder with one bundle each, their common memory, and whether all is in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import __version__
from edgekit.errors import EdgekitError
from edgekit.plan.regions import Room
from edgekit.report import parse_budget
from edgekit.target import Target, load_target
from edgekit.tasks.choose import Choice, Job, Memory, choose, levels_of, ram_of, timed
from edgekit.tasks.describe import Task, level_keys, read_tasks
from edgekit.tasks.response import (
    liu_layland_bound,
    response_times,
    speed_needed,
    utilisation,
)
from edgekit.tasks.ways import Ways, ways_of
from edgekit.tasks.write import write

MODES = ("auto", "preemptive", "cooperative")
_ENDLESS = 1 << 40  # bytes of a memory without limit

Report = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """An arrangement of the tasks, the most urgent first, and what it was made of."""

    tasks: tuple[Task, ...]
    ways: tuple[Ways, ...]
    jobs: tuple[Job, ...]
    memory: Memory
    choice: Choice
    board: Target


def schedule(
    tables: Any,
    folder: Path,
    target: str,
    *,
    mode: str = "auto",
    margin: float = 10.0,
    budget: str = "",
    output: Path = Path("build/schedule"),
    progress: Callable[[str], None] = lambda stage: None,
) -> Report:
    """Arrange the tasks of the `[[task]]` tables on `target`, and write what runs them to `output`.

    folder: where paths of the tables begin. mode: "cooperative" runs every job to its end, "preemptive" lets
    the more urgent interrupt, "auto" chooses between which tasks. margin: percent that a job may take longer
    than counted. Nothing is written where no arrangement holds: see ``gates`` and ``remedies``.
    Raises EdgekitError for everything but a failed gate.
    """
    limits, board = parse_budget(budget), load_target(target)
    if set(limits) - {"ram", "flash"}:
        raise EdgekitError(
            "EK001", "the budget of a schedule has other limits", where="--budget", found=budget,
            help="ram and flash; what a job may take is its deadline",
        )  # fmt: skip
    tasks = read_tasks(tables, folder)
    progress("import, plan, count")
    ways = [ways_of(task, target, board) for task in tasks]
    memory = _memory(board, int(limits["ram"]) if "ram" in limits else None)
    groupings = levels_of(level_keys(tasks), mode)
    plan = _settled(tasks, ways, memory, groupings, board, margin)
    report = describe(plan, mode, margin, limits)
    if all(gate["passed"] for gate in report["gates"]):
        report |= write(plan, target, output, limits, progress)
        report["gates"] += report.pop("more_gates")
    else:
        report["remedies"] = remedies(plan, groupings, mode)
    return report


def _memory(board: Target, limit: int | None) -> Memory:
    """The target's RAM regions without what is reserved; one without end where it names none."""
    ram = [m for m in board.memory if m.kind == "ram"]
    rooms = tuple(Room(m.name, m.size - m.reserved, i == 0) for i, m in enumerate(ram))
    return Memory(rooms or (Room("", _ENDLESS, True),), limit)


def _settled(
    tasks: Sequence[Task], ways: Sequence[Ways], memory: Memory,
    groupings: Sequence[tuple[int, ...]], board: Target, margin: float,
) -> Plan:  # fmt: skip
    """The arrangement of which every part was counted: what is chosen by estimates is counted, then
    chosen again."""
    waits = tuple(m.wait for m in board.memory if m.kind == "ram") or (0.0,)
    while True:
        jobs = tuple(
            Job(t.period, t.deadline, w.ways(waits, margin))
            for t, w in zip(tasks, ways, strict=True)
        )
        choice = _pick(jobs, groupings, memory)
        open_ways = [
            (w, n)
            for w, n in zip(ways, choice.ways, strict=True)
            if w.stages is not None and n not in w.measured
        ]
        if not open_ways:
            return Plan(tuple(tasks), tuple(ways), jobs, memory, choice, board)
        for way, number in open_ways:
            way.measure(number)


def _pick(jobs: Sequence[Job], groupings: Sequence[tuple[int, ...]], memory: Memory) -> Choice:
    """What holds; else what is in time with the least RAM, else what fits with the least load."""
    endless = without_limits(memory)
    found = (
        choose(jobs, groupings, memory)
        or choose(jobs, groupings, endless, least_ram=True)
        or choose(jobs, groupings, memory, deadlines=False)
        or choose(jobs, groupings, endless, deadlines=False, least_ram=True)
    )
    assert found is not None  # without limits the first arrangement is one
    return found


def without_limits(memory: Memory) -> Memory:
    return Memory(tuple(room._replace(bytes=_ENDLESS) for room in memory.rooms))


def describe(plan: Plan, mode: str, margin: float, limits: dict[str, float]) -> Report:
    """What is known before anything is written: loads, times, memory, and the gates of both."""
    jobs, choice, board = plan.jobs, plan.choice, plan.board
    times = timed(jobs, choice)
    responses = response_times(times)
    rooms = plan.memory.rooms
    held, beside = ram_of(jobs, choice, len(rooms))
    ram = sum(held) + beside
    entries = [
        _task_entry(task, way, job.ways[number], rooms[room], time, response, rank)
        for rank, (task, way, job, number, room, time, response) in enumerate(zip(
            plan.tasks, plan.ways, jobs, choice.ways, choice.rooms, times, responses, strict=True,
        ))
    ]  # fmt: skip
    gates = [_gate("utilisation", 1.0, round(utilisation(times), 6))]
    gates += [
        _gate(f"deadline {t.name}", _us(t.deadline), None if r is None else _us(r))
        for t, r in zip(plan.tasks, responses, strict=True)
    ]
    if board.ram_limit_bytes is not None:
        gates += [
            _gate(f"ram fits {room.name}", room.bytes, n + beside * room.home)
            for n, room in zip(held, rooms, strict=True)
        ]
    if "ram" in limits:
        gates.append(_gate("ram budget", limits["ram"], ram))
    return {
        "target": board.name,
        "edgekit_version": __version__,
        "mode": mode,
        "margin_percent": margin,
        "clock_hz": board.clock_hz,
        "cycles_method": f"counted on the emulated core, {board.core} table, plus {margin:g} %",
        "tasks": entries,
        "levels": len(set(choice.levels)),
        "utilisation": round(utilisation(times), 6),
        "liu_layland_bound": round(liu_layland_bound(len(times)), 6),
        "arena_bytes": sum(held),
        "arena_bytes_apart": sum(entry["arena_bytes"] for entry in entries),
        "state_and_stack_bytes": beside,
        "ram_bytes": ram,
        "ram_limit_bytes": board.ram_limit_bytes,
        "reserved_bytes": board.reserved_bytes,
        "optimal": choice.proved,
        "gates": gates,
    }


def _task_entry(task: Task, way: Ways, chosen: Any, room: Room, time: Any, response: int | None,
                rank: int) -> Report:  # fmt: skip
    """The line of a task."""
    return {
        "name": task.name,
        "model": None if task.model is None else task.model.name,
        "bundle": None if task.bundle is None else task.bundle.name,
        "rank": rank,
        "level": time.level,
        "period_us": _us(task.period),
        "deadline_us": _us(task.deadline),
        "wcet_us": _us(time.cost),
        "response_us": None if response is None else _us(response),
        "utilisation": round(time.cost / time.period, 6),
        "region": room.name if way.stages is not None else None,
        "arena_bytes": chosen.arena,
        "state_bytes": chosen.state,
        "stack_bytes": chosen.stack,
    }


def remedies(plan: Plan, groupings: Sequence[tuple[int, ...]], mode: str) -> list[str]:
    """What would help, each by itself, as sentences."""
    jobs, memory, found = plan.jobs, plan.memory, []
    endless = without_limits(memory)
    enough = choose(jobs, groupings, endless, least_ram=True)
    if enough is not None:
        held, beside = ram_of(jobs, enough, len(memory.rooms))
        found.append(f"with {sum(held) + beside:,} B of RAM for them all jobs are in time")
    if mode != "auto":
        every = levels_of(level_keys(plan.tasks), "auto")
        if choose(jobs, every, memory) is not None:
            found.append(f"without --{mode} an arrangement holds")
    light = choose(jobs, groupings, memory, deadlines=False)
    if light is not None:
        factor = speed_needed(timed(jobs, light))
        if factor is not None and factor > 1:
            found.append(f"in the RAM there is, a core {factor:.2f} times as fast is in time")
        loads = [t.cost / t.period for t in timed(jobs, light)]
        most = max(range(len(loads)), key=loads.__getitem__)
        found.append(f"most of the load is {plan.tasks[most].name}: {loads[most]:.1%} of the core")
    return found


def _gate(name: str, limit: float, found: float | None) -> Report:
    passed = found is not None and found <= limit
    gate: Report = {"name": name, "limit": limit, "found": found, "passed": passed}
    if found is None:
        gate["reason"] = "no bound was found: there is more work than time"
    elif not passed:
        gate["reason"] = f"over by {found - limit:,.6g}"
    return gate


def _us(nanoseconds: int) -> float:
    """Microseconds, whole where they are."""
    return nanoseconds // 1000 if nanoseconds % 1000 == 0 else nanoseconds / 1000
