"""The search for an arrangement against trying all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.plan.regions import Room
from edgekit.tasks.choose import (
    Choice,
    Job,
    Memory,
    Way,
    choose,
    fits,
    levels_of,
    ram_of,
    timed,
)
from edgekit.tasks.response import in_time, utilisation


@st.composite
def jobs(draw: st.DrawFn, rooms: int) -> list[Job]:
    found = []
    for _ in range(draw(st.integers(1, 3))):
        period = draw(st.sampled_from([100, 150, 300, 400]))
        arena, cost, ways = draw(st.integers(5, 10)) * 16, draw(st.integers(5, 60)), []
        for _ in range(draw(st.integers(1, 3))):
            costs = tuple(cost + 7 * r for r in range(rooms))
            ways.append(Way(arena, 16, 8 * draw(st.integers(0, 2)), costs))
            arena, cost = max(16, arena - 32), cost + draw(st.integers(1, 20))
        found.append(Job(period, period, tuple(ways)))
    return sorted(found, key=lambda job: job.deadline)


def every(jobs: list[Job], mode: str, memory: Memory) -> Iterator[Choice]:
    keys = [job.deadline for job in jobs]
    rooms = range(len(memory.rooms))
    for levels in levels_of(keys, mode):
        for ways in itertools.product(*(range(len(job.ways)) for job in jobs)):
            for places in itertools.product(rooms, repeat=len(jobs)):
                choice = Choice(levels, ways, places)
                if fits(jobs, choice, memory) and in_time(timed(jobs, choice)):
                    yield choice


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["auto", "preemptive", "cooperative"]), st.integers(1, 2))
def test_nothing_better_is_left(data: st.DataObject, mode: str, rooms: int) -> None:
    given_jobs = data.draw(jobs(rooms))
    sizes = [data.draw(st.integers(6, 30)) * 16 for _ in range(rooms)]
    memory = Memory(tuple(Room(f"r{i}", n, i == 0) for i, n in enumerate(sizes)))
    keys = [job.deadline for job in given_jobs]
    found = choose(given_jobs, levels_of(keys, mode), memory)
    all_of_them = list(every(given_jobs, mode, memory))
    assert (found is None) == (not all_of_them)
    if found is None:
        return

    def load(choice: Choice) -> float:
        return utilisation(timed(given_jobs, choice))

    def ram(choice: Choice) -> int:
        held, beside = ram_of(given_jobs, choice, rooms)
        return sum(held) + beside

    assert found.proved
    near = 1.03 * min(map(load, all_of_them))
    assert load(found) <= near
    assert ram(found) == min(ram(c) for c in all_of_them if load(c) <= near)


def test_levels() -> None:
    assert levels_of([1, 1, 2], "preemptive") == [(0, 0, 1)]
    assert levels_of([1, 1, 2], "cooperative") == [(0, 0, 0)]
    assert levels_of([1, 2, 3], "auto") == [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 2)]


def test_one_level_shares_what_two_have_to_add() -> None:
    task = Job(100, 100, (Way(1600, 0, 0, (10,)),))
    memory = Memory((Room("", 2000, True),))
    assert choose([task, task], [(0, 1)], memory) is None
    found = choose([task, task], [(0, 0), (0, 1)], memory)
    assert found is not None
    assert found.levels == (0, 0)


def test_the_urgent_short_task_interrupts_where_it_must() -> None:
    short, long = Job(10, 10, (Way(160, 0, 0, (2,)),)), Job(100, 100, (Way(160, 0, 0, (50,)),))
    memory = Memory((Room("", 1000, True),))
    found = choose([short, long], [(0, 0), (0, 1)], memory)
    assert found is not None
    assert found.levels == (0, 1)
