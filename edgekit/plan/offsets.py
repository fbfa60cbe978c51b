"""Offsets for blocks with lifetimes, and how good they are: bound, peak, gap, certificate.

The problem is split in time; each part goes through greedy orders, branch and bound, a constraint solver
where one was asked for, and a local search, and stops as soon as its peak reaches the bound of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.plan import cpsat, greedy, solver
from edgekit.plan.problem import Block, lower_bound, peak_of, split, verify

WORK = 1_000_000_000  # see solver.improve; about 10 s where no proof is found
_CLOCK = ", a search was stopped by the clock"


@dataclass(frozen=True)
class Offsets:
    """A placement in bytes, and what is known about it.

    bound: the most bytes alive at once; proved: no placement has a lower peak (at least `bound`);
    method: what found it; nodes: of the branch and bound; certificate: why it is optimal, "" if unknown.
    """

    offset: dict[str, int]
    peak: int
    bound: int
    proved: int
    method: str
    nodes: int = 0

    @property
    def gap(self) -> int:
        """Bytes that a better placement might save."""
        return self.peak - self.proved

    @property
    def certificate(self) -> str:
        if self.gap:
            return ""
        return "bound reached" if self.peak == self.bound else "exhausted search"


def place(
    blocks: Sequence[Block], *, enough: int = 0, work: int = WORK, prove: bool = False
) -> Offsets:
    """The best placement found; deterministic, as long as `method` does not say otherwise.

    enough: a peak in bytes that need not be improved. work: the effort of the branch and bound
    (`solver.improve`). prove: ask CP-SAT where a gap remains.
    Raises EK402 when the placement is wrong (a bug), EK504 when `prove` finds no solver.
    """
    parts = split(block for block in blocks if block.size)
    target = max(enough, max(map(lower_bound, parts), default=0))
    plans = [_greedy(part, target) for part in parts]
    for index in sorted(range(len(parts)), key=lambda i: -plans[i].peak):
        if plans[index].peak > target:
            plans[index] = _improve(parts[index], plans[index], target, work, prove)
        target = max(target, plans[index].peak)
    offset = {block.name: 0 for block in blocks}
    for plan in plans:
        offset |= plan.offset
    verify(blocks, offset)
    return Offsets(
        offset,
        max((plan.peak for plan in plans), default=0),
        max((plan.bound for plan in plans), default=0),
        max((plan.proved for plan in plans), default=0),
        " + ".join(dict.fromkeys(plan.method for plan in plans)) or "nothing to place",
        sum(plan.nodes for plan in plans),
    )


def _greedy(part: Sequence[Block], target: int) -> Offsets:
    """The first greedy placement whose peak is within `target`, or the best."""
    bound = lower_bound(part)
    best: Offsets | None = None
    for offset, method in greedy.passes(part):
        peak = peak_of(part, offset)
        if best is None or peak < best.peak:
            best = Offsets(offset, peak, bound, bound, method)
        if best.peak <= target:
            break
    assert best is not None
    return best


def _improve(part: Sequence[Block], plan: Offsets, target: int, work: int, prove: bool) -> Offsets:
    """Better than a greedy placement, if possible within `target`."""
    result = solver.improve(part, target, plan.peak, work)
    offset, proved = result.offset or plan.offset, result.proved
    method = (result.method if result.offset else plan.method) + _CLOCK * result.late
    if prove and peak_of(part, offset) > max(target, proved):
        found, least = cpsat.improve(part, max(target, proved), offset)
        proved = max(proved, least)
        if peak_of(part, found) < peak_of(part, offset):
            offset, method = found, "CP-SAT"
    if peak_of(part, offset) > max(target, proved):
        found = greedy.climb(part, offset, max(target, proved))
        if peak_of(part, found) < peak_of(part, offset):
            offset, method = found, "local search"
    return Offsets(offset, peak_of(part, offset), plan.bound, proved, method, result.nodes)
