"""The placement problem in OR-Tools' CP-SAT: an optional prover, from the extra ``[solver]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.plan.problem import Block, peak_of

_EFFORT = 60.0  # CP-SAT's deterministic time, near seconds; unlike these it repeats


def improve(
    blocks: Sequence[Block], floor: int, offset: dict[str, int]
) -> tuple[dict[str, int], int]:
    """A placement at least as good as `offset`, and a peak that none is below, 0 if none was proved.

    floor: bytes; a lower peak is not looked for. One thread and a fixed seed: the same version of
    OR-Tools gives the same answer. Raises EK504 where it is not installed.
    """
    cp_model = _load()
    model = cp_model.CpModel()
    peak = model.new_int_var(floor, peak_of(blocks, offset), "peak")
    rows, columns, low = [], [], {}
    for b in blocks:
        step = model.new_int_var(0, (peak_of(blocks, offset) - b.size) // b.align, b.name)
        low[b.name] = step * b.align
        model.add(step * b.align + b.size <= peak)
        model.add_hint(step, offset[b.name] // b.align)
        rows.append(model.new_fixed_size_interval_var(step * b.align, b.size, b.name))
        columns.append(model.new_fixed_size_interval_var(b.start, b.length, b.name))
    model.add_no_overlap_2d(columns, rows)
    model.minimize(peak)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = _EFFORT
    status = solver.solve(model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        offset = {name: solver.value(expression) for name, expression in low.items()}
    least = round(solver.best_objective_bound)
    return offset, least if least > floor else 0  # `floor` itself is assumed, not proved


def _load() -> Any:
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise EdgekitError(
            "EK504", "CP-SAT is not installed", found="no package ortools",
            help='pip install "edgekit[solver]"',
        ) from None  # fmt: skip
    return cp_model
