"""Response-time analysis against a simulation of every unit of time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.tasks.response import (
    Timed,
    in_time,
    liu_layland_bound,
    response_times,
    speed_needed,
    utilisation,
)


def simulated(tasks: Sequence[Timed], offsets: Sequence[int], until: int) -> list[int]:
    """The longest response of each task's jobs that are released before `until` and end by then."""
    worst = [0] * len(tasks)
    ready: list[tuple[int, int]] = []  # (task, release)
    begun: list[list[int]] = []  # [task, release, left], the innermost last
    for now in range(until):
        for i, (t, offset) in enumerate(zip(tasks, offsets, strict=True)):
            if now >= offset and (now - offset) % t.period == 0:
                ready.append((i, now))
        ready.sort()
        if ready and (not begun or tasks[ready[0][0]].level < tasks[begun[-1][0]].level):
            task, release = ready.pop(0)
            begun.append([task, release, tasks[task].cost])
        if begun:
            begun[-1][2] -= 1
            if begun[-1][2] == 0:
                task, release, _ = begun.pop()
                worst[task] = max(worst[task], now + 1 - release)
    return worst


@st.composite
def task_sets(draw: st.DrawFn) -> list[Timed]:
    count = draw(st.integers(1, 4))
    level, tasks = 0, []
    for _ in range(count):
        level += draw(st.integers(0, 1))
        period = draw(st.sampled_from([4, 5, 6, 8, 10, 12, 15, 20]))
        cost = draw(st.integers(1, max(1, period // 2)))
        tasks.append(Timed(cost, period, period, level))
    return tasks


def hyperperiod(tasks: Sequence[Timed]) -> int:
    return math.lcm(*(t.period for t in tasks))


@settings(max_examples=300, deadline=None)
@given(task_sets(), st.data())
def test_no_job_takes_longer_than_the_analysis_says(
    tasks: list[Timed], data: st.DataObject
) -> None:
    if not in_time(tasks):
        return
    offsets = [data.draw(st.integers(0, t.period - 1)) for t in tasks]
    seen = simulated(tasks, offsets, 20 + 3 * hyperperiod(tasks))
    for found, bound in zip(seen, response_times(tasks), strict=True):
        assert bound is not None
        assert found <= bound


@settings(max_examples=300, deadline=None)
@given(task_sets())
def test_the_bound_is_reached_after_the_worst_release(tasks: list[Timed]) -> None:
    """A less urgent job of the level begins, a unit later all that are more urgent come at once."""
    if not in_time(tasks):
        return
    for i, bound in enumerate(response_times(tasks)):
        lower = [j for j in range(i + 1, len(tasks)) if tasks[j].level == tasks[i].level]
        never = 10**9
        reached = 0
        for blocker in lower or [None]:
            offsets = [1 if j <= i else 0 if j == blocker else never for j in range(len(tasks))]
            # The blocker begins once: in the long run it would only add work below.
            alone = [t._replace(period=never) if j == blocker else t for j, t in enumerate(tasks)]
            reached = max(reached, simulated(alone, offsets, 2 + 2 * hyperperiod(tasks))[i])
        assert reached == bound


@settings(max_examples=200, deadline=None)
@given(task_sets())
def test_a_late_job_is_seen_where_the_analysis_says_so(tasks: list[Timed]) -> None:
    """Of tasks that may all interrupt each other, released at once (the critical instant)."""
    alone = [t._replace(level=i) for i, t in enumerate(tasks)]
    seen = simulated(alone, [0] * len(alone), 20 + 3 * hyperperiod(alone))
    late = any(found > t.deadline for found, t in zip(seen, alone, strict=True))
    over = utilisation(alone) > 1
    assert in_time(alone) == (not late and not over)


def test_the_example_of_liu_and_layland() -> None:
    """Two tasks at the bound are in time, and their bound is 0.828."""
    assert liu_layland_bound(2) == pytest.approx(0.8284, abs=1e-4)
    assert in_time([Timed(41, 100, 100, 0), Timed(58, 141, 141, 1)])


def test_the_first_job_need_not_be_the_worst() -> None:
    """Davis et al. 2007, table 1: three messages of one level with periods 2.5, 3.5 and 3.5; the second job
    of the last one is the late one."""
    tasks = [Timed(1000, 2500, 2500, 0), Timed(1000, 3500, 3250, 0), Timed(1000, 3500, 3250, 0)]
    found = response_times(tasks)
    assert found[2] is not None
    assert found[2] > 3250
    assert not in_time(tasks)


def test_speed_that_is_needed() -> None:
    slow = [Timed(80_000, 100_000, 100_000, 0), Timed(80_000, 200_000, 200_000, 1)]
    needed = speed_needed(slow)
    assert needed == pytest.approx(1.2, abs=0.011)
    assert speed_needed([Timed(1, 100, 100, 0)]) == 1.0


def test_more_work_than_time_has_no_response() -> None:
    tasks = [Timed(60, 100, 100, 0), Timed(60, 100, 100, 1)]
    assert not in_time(tasks)
    assert response_times(tasks)[0] == 60
