"""Response times of periodic tasks on one core, where tasks of one level never interrupt each other.

Levels are intervals of the order of urgency, so this is fixed-priority scheduling with preemption
thresholds (Wang and Saksena, "Scheduling fixed-priority tasks with preemption threshold", 1999): all tasks in
one level is run to completion, each in its own is plain preemption (Joseph and Pandya, "Finding
response times in a real-time system", 1986). A job's start and end are the least fixed points

    start = B + k C_i + sum over more urgent j of (1 + floor(start / T_j)) C_j
    end   = start + C_i + sum over higher levels' j of (ceil(end / T_j) - 1 - floor(start / T_j)) C_j

for every job k of the busy period, since the first need not be the worst one where jobs cannot be interrupted
(Davis, Burns, Bril and Lukkien, "Controller area network schedulability analysis", 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

_JOBS = 10_000  # of a busy period that are looked at
_BEYOND = 16  # deadlines after which a job counts as never done


class Timed(NamedTuple):
    """What the analysis knows of a task; times are whole numbers of one unit. deadline: at most the
    period. level: the same number for tasks that never interrupt each other, a smaller one interrupts."""

    cost: int
    period: int
    deadline: int
    level: int


def utilisation(tasks: Sequence[Timed]) -> float:
    """The share of the core's time that the tasks take."""
    return sum(t.cost / t.period for t in tasks)


def liu_layland_bound(tasks: int) -> float:
    """Utilisation up to which rate-monotonic tasks that may interrupt each other and have until their next
    period are always in time, ``n (2^(1/n) - 1)`` (Liu and Layland 1973)."""
    return float(tasks * (2 ** (1 / tasks) - 1))


def response_times(tasks: Sequence[Timed]) -> list[int | None]:
    """The longest time from the release of a job to its end, for each of `tasks`, the most urgent first.

    None where there is no such time or it is many times the deadline. Where jobs are late the figure is that
    of the first late one.
    """
    return [_response(tasks, i) for i in range(len(tasks))]


def _response(tasks: Sequence[Timed], i: int) -> int | None:
    me, urgent = tasks[i], tasks[:i]
    higher = [t for t in urgent if t.level < me.level]
    # A less urgent job of the level can have begun just before: a unit of time earlier.
    blocking = max((t.cost - 1 for t in tasks[i + 1 :] if t.level == me.level), default=0)
    worst, k, busy = 0, 0, _busy(tasks[: i + 1], blocking)
    while busy is None or k * me.period < busy:
        release = k * me.period
        limit = release + _BEYOND * me.deadline
        start = _fixed_point(
            lambda s, k=k: (  # type: ignore[misc]
                blocking + k * me.cost + sum((1 + s // t.period) * t.cost for t in urgent)
            ),
            0,
            limit,
        )
        if start is None:
            return None
        end = _fixed_point(
            lambda e, s=start: (  # type: ignore[misc]
                s + me.cost + sum((-(-e // t.period) - 1 - s // t.period) * t.cost for t in higher)
            ),
            start + me.cost,
            limit,
        )
        if end is None:
            return None
        worst, k = max(worst, end - release), k + 1
        if worst > me.deadline:
            return worst
        if k == _JOBS:
            return None
    return worst


def _busy(tasks: Sequence[Timed], blocking: int) -> int | None:
    """How long the core is never idle for the last of `tasks` and more urgent ones; None: no end seen."""
    limit = blocking + _JOBS * tasks[-1].period
    return _fixed_point(
        lambda length: blocking + sum(-(-length // t.period) * t.cost for t in tasks),
        blocking + sum(t.cost for t in tasks),
        limit,
    )


def _fixed_point(step: Callable[[int], int], begin: int, limit: int) -> int | None:
    """The least fixed point of a function that never falls, from below; None beyond `limit`."""
    at = begin
    while at <= limit:
        after = step(at)
        if after <= at:
            return at
        at = after
    return None


def in_time(tasks: Sequence[Timed]) -> bool:
    """Whether every job is done by its deadline."""
    if utilisation(tasks) > 1:
        return False
    found = response_times(tasks)
    return all(r is not None and r <= t.deadline for r, t in zip(found, tasks, strict=True))


def speed_needed(tasks: Sequence[Timed]) -> float | None:
    """How many times as fast the core has to be for all deadlines, to a hundredth; 1 where it is fast enough,
    None where a thousand times is not."""
    if in_time(tasks):
        return 1.0
    low, high = 100, 100_000
    if not in_time(_faster(tasks, high)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if in_time(_faster(tasks, middle)) else (middle, high)
    return high / 100


def _faster(tasks: Sequence[Timed], percent: int) -> list[Timed]:
    return [t._replace(cost=-(-t.cost * 100 // percent)) for t in tasks]
