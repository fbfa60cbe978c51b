"""A model in the RAM that it may have: planned again where that does not suffice, or why it cannot fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from edgekit.plan.advice import advise
from edgekit.report import arena_limit

if TYPE_CHECKING:
    from edgekit.build import Compiled, Options

Report = dict[str, Any]

_ROUNDS = 4  # a smaller arena may need more code on the stack, which leaves less for the arena


def within_ram(
    stages: Compiled,
    options: Options,
    budget: Mapping[str, float],
    measure: Callable[[Compiled], Report],
) -> tuple[Compiled, Options, Report]:
    """The stages and options with which the RAM suffices, and their report; where none do, the last
    that came closer, with ``ram_advice`` in the report.

    measure: makes the report of a program, with its RAM and the target's limit.
    """
    report = measure(stages)
    for _ in range(_ROUNDS):
        limit = arena_limit(report, budget)
        if limit is None or report["arena_bytes"] <= limit:
            return stages, options, report
        wanted = replace(options, arena_limit=max(0, limit))
        smaller = stages.planned(wanted)
        if smaller.program.arena_bytes >= stages.program.arena_bytes:
            break
        stages, options = smaller, wanted
        report = measure(stages)
        if report["arena_bytes"] > limit:
            break
    return stages, options, report | ram_advice(stages, options, report, budget)


def ram_advice(
    stages: Compiled, options: Options, report: Report, budget: Mapping[str, float]
) -> Report:
    """``ram_advice`` where the RAM does not suffice: the smallest arena that was found, its lower
    bound, the layer and tensors at its peak, and what would make it smaller."""
    limit = arena_limit(report, budget)
    if limit is None or report["arena_bytes"] <= limit:
        return {}
    advice = advise(stages.integer, keep_input=options.keep_input, caller_io=options.io == "caller")
    found = asdict(advice)
    found["alive"] = [{"name": name, "bytes": size} for name, size in advice.alive]
    if advice.arena_bytes < report["arena_bytes"]:
        again = {"change": "built for this RAM", "arena_bytes": advice.arena_bytes}
        found["remedies"] = [*found["remedies"], again]
    return {"ram_advice": found}
