"""Which tasks share a level, how each runs and in which memory region: an exact search.

Of all arrangements that fit the memory and meet every deadline the ones with the least load are near; of those
within 3 % of the least load the one with the least RAM is taken, as `--optimize balanced` does for one model.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edgekit.plan.regions import Room
from edgekit.plan.rows import up
from edgekit.tasks.response import Timed, in_time, utilisation

ALIGN = 16  # bytes, EK_ALIGN: of every arena and state
_NEAR = 1.03  # of the least load, that less RAM may cost
_VISITS = 200_000  # partial arrangements that one search looks at


class Way(NamedTuple):
    """A way to run a task: bytes, and the nanoseconds of a job in each of the memory regions."""

    arena: int
    state: int
    stack: int
    costs: tuple[int, ...]


class Job(NamedTuple):
    """A task as the search sees it; times are nanoseconds. ways: most RAM first."""

    period: int
    deadline: int
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Memory:
    """Rooms for arenas, one of which (`home`) also has states and stacks; limit: of all RAM together,
    None where there is none."""

    rooms: tuple[Room, ...]
    limit: int | None = None


class Choice(NamedTuple):
    """By task: its level, the number of its way and of its region; and whether nothing better is left."""

    levels: tuple[int, ...]
    ways: tuple[int, ...]
    rooms: tuple[int, ...]
    proved: bool = True


def levels_of(keys: Sequence[int], mode: str) -> list[tuple[int, ...]]:
    """The ways to group tasks into levels, the most urgent first: tasks of one key together, and what
    `mode` allows: "cooperative" one level, "preemptive" one a key, "auto" any neighbours together."""
    runs = [len(list(run)) for _, run in itertools.groupby(keys)]
    if mode == "cooperative":
        borders: Iterator[tuple[bool, ...]] = iter([(False,) * (len(runs) - 1)])
    elif mode == "preemptive":
        borders = iter([(True,) * (len(runs) - 1)])
    else:
        borders = itertools.product((False, True), repeat=len(runs) - 1)
    found = []
    for cut in borders:
        numbers = itertools.accumulate(map(int, cut), initial=0)
        found.append(tuple(n for n, run in zip(numbers, runs, strict=True) for _ in range(run)))
    return found


def timed(jobs: Sequence[Job], choice: Choice) -> list[Timed]:
    """The tasks of an arrangement as the analysis wants them."""
    return [
        Timed(job.ways[way].costs[room], job.period, job.deadline, level)
        for job, level, way, room in zip(
            jobs, choice.levels, choice.ways, choice.rooms, strict=True
        )
    ]


def ram_of(jobs: Sequence[Job], choice: Choice, rooms: int) -> tuple[list[int], int]:
    """Bytes of the arenas in each room, and of states and stacks: of a level the largest counts."""
    arenas: dict[tuple[int, int], int] = {}
    stacks: dict[int, int] = {}
    state = 0
    for job, level, number, room in zip(
        jobs, choice.levels, choice.ways, choice.rooms, strict=True
    ):
        way = job.ways[number]
        arenas[level, room] = max(arenas.get((level, room), 0), up(way.arena, ALIGN))
        stacks[level] = max(stacks.get(level, 0), way.stack)
        state += up(way.state, ALIGN)
    held = [sum(n for (_, at), n in arenas.items() if at == room) for room in range(rooms)]
    return held, state + sum(stacks.values())


def fits(jobs: Sequence[Job], choice: Choice, memory: Memory) -> bool:
    """Whether every room and the limit hold what the arrangement needs."""
    held, beside = ram_of(jobs, choice, len(memory.rooms))
    if memory.limit is not None and sum(held) + beside > memory.limit:
        return False
    return all(
        n + beside * room.home <= room.bytes for n, room in zip(held, memory.rooms, strict=True)
    )


def choose(
    jobs: Sequence[Job],
    groupings: Sequence[tuple[int, ...]],
    memory: Memory,
    *,
    deadlines: bool = True,
    least_ram: bool = False,
) -> Choice | None:
    """The arrangement to take, None where none fits.

    deadlines: all have to be met; least_ram: whatever the load is. Arrangements that the search had no
    visits left for make its answer one that is not `proved`.
    """
    search = _Search(jobs, groupings, memory, deadlines)
    if least_ram:
        return search.run(ram_first=True)
    light = search.run(ram_first=False)
    if light is None:
        return None
    search.most = _NEAR * utilisation(timed(jobs, light))
    small = search.run(ram_first=True) or light
    return small._replace(proved=small.proved and light.proved)


class _Search:
    """Depth first over the tasks; what is fixed bounds what is left from below."""

    def __init__(
        self,
        jobs: Sequence[Job],
        groupings: Sequence[tuple[int, ...]],
        memory: Memory,
        deadlines: bool,
    ) -> None:
        self.jobs, self.groupings, self.memory = jobs, groupings, memory
        self.deadlines, self.most = deadlines, math.inf
        self.options = [self._options(job) for job in jobs]
        self.left = [0.0]
        for job, options in zip(reversed(jobs), reversed(self.options), strict=True):
            self.left.append(self.left[-1] + options[0][2] / job.period)
        self.left.reverse()

    def _options(self, job: Job) -> list[tuple[int, int, int]]:
        """(way, room, cost), the quickest first."""
        found = [
            (w, r, way.costs[r])
            for w, way in enumerate(job.ways)
            for r in range(len(self.memory.rooms) if way.arena else 1)
        ]
        return sorted(found, key=lambda o: (o[2], job.ways[o[0]].arena))

    def run(self, *, ram_first: bool) -> Choice | None:
        self.best: Choice | None = None
        self.score: tuple[float, float] = (math.inf, math.inf)
        self.ram_first, self.visits = ram_first, _VISITS
        for levels in self.groupings:
            self._visit(levels, [])
        return self.best and self.best._replace(proved=self.visits > 0)

    def _visit(self, levels: tuple[int, ...], taken: list[tuple[int, int, int]]) -> None:
        self.visits -= 1
        if self.visits <= 0:
            return
        n = len(taken)
        part = _choice(levels[:n], taken)
        load = sum(o[2] / j.period for o, j in zip(taken, self.jobs, strict=False)) + self.left[n]
        if load > self.most or not fits(self.jobs[:n], part, self.memory):
            return
        held, beside = ram_of(self.jobs[:n], part, len(self.memory.rooms))
        score = (float(sum(held) + beside), load)
        score = score if self.ram_first else score[::-1]
        if score >= self.score or (self.deadlines and not self._in_time(levels, taken)):
            return
        if n == len(self.jobs):
            self.best, self.score = part, score
            return
        for option in self._worth(n, levels, taken):
            self._visit(levels, [*taken, option])

    def _in_time(self, levels: tuple[int, ...], taken: list[tuple[int, int, int]]) -> bool:
        """With the quickest of what is left; a job is never quicker for a slower one beside it."""
        rest = [options[0] for options in self.options[len(taken) :]]
        return in_time(timed(self.jobs, _choice(levels, [*taken, *rest])))

    def _worth(
        self, n: int, levels: tuple[int, ...], taken: list[tuple[int, int, int]]
    ) -> Iterator[tuple[int, int, int]]:
        """The options of task `n`; of those that fit into an arena that is there a slower one only where
        it needs less stack or state."""
        there = {
            room: max(
                up(self.jobs[i].ways[w].arena, ALIGN)
                for i, (w, r, _) in enumerate(taken)
                if r == room and levels[i] == levels[n]
            )
            for room in {r for i, (_, r, _) in enumerate(taken) if levels[i] == levels[n]}
        }
        free: list[tuple[int, Way]] = []
        for option in self.options[n]:
            way, room = self.jobs[n].ways[option[0]], option[1]
            if up(way.arena, ALIGN) <= there.get(room, -1):
                if any(r == room and _lighter(other, way) for r, other in free):
                    continue
                free.append((room, way))
            yield option


def _lighter(a: Way, b: Way) -> bool:
    """Whether `a` needs no more than `b` beside the arena."""
    return a.state <= b.state and a.stack <= b.stack


def _choice(levels: Sequence[int], taken: Sequence[tuple[int, int, int]]) -> Choice:
    return Choice(tuple(levels), tuple(o[0] for o in taken), tuple(o[1] for o in taken))
