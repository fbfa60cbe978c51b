"""One trial: a recipe to its figures, in whatever process it is asked for. No compiler runs."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgekit.errors import EdgekitError
from edgekit.quantize import Calibration
from edgekit.search.front import excesses
from edgekit.search.space import Tables
from edgekit.threads import one_blas_thread

if TYPE_CHECKING:
    from edgekit.build import Compiled
    from edgekit.compress import Subject

Row = dict[str, Any]


class Base(NamedTuple):
    """What the model as it came was compiled and counted to; None for what cannot be known here.

    rate: cycles for each instruction that the planner expects. reference: its accuracy, in real numbers
    where it has them.
    """

    code_bytes: int | None
    stack_bytes: int | None
    rate: float | None
    reference: float | None


@dataclass(frozen=True)
class Setup:
    """What all trials of a search share; hashable, and it passes between processes.

    train, select: data files of training and of judging trials; limits: pairs of (name, number).
    """

    model: Path
    target: str
    name: str
    dims: tuple[tuple[str, int], ...] = ()
    calibration: Path | None = None
    scale: float | None = None
    offset: float | None = None
    train: Path | None = None
    select: Path | None = None
    metric: str | None = None
    preprocess: str = "{}"
    seed: int = 0
    limits: tuple[tuple[str, float], ...] = ()

    def subject(self, test: Path | None) -> Subject:
        """The model as `edgekit.compress` takes it, judged by `test`."""
        from edgekit.compress import Subject

        given = self.calibration and Calibration(self.calibration, self.scale, self.offset)
        return Subject.open(
            self.model, target=self.target, name=self.name, dims=dict(self.dims),
            preprocess=json.loads(self.preprocess), calibration=given or None, train=self.train,
            test=test, metric=self.metric, seed=self.seed,
        )  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """The function that workers call."""

    setup: Setup
    base: Base

    def __call__(self, steps: Tables, options: Mapping[str, Any]) -> Row:
        """A row of figures; ``error`` where the recipe cannot be taken. Sizes that break a limit are not worth
        an accuracy."""
        begun = time.process_time()
        try:
            with one_blas_thread():
                row = self._row(steps, options)
        except EdgekitError as error:
            row = _unknown() | {"excess": {"error": 1.0}, "error": error.to_json()}
        return row | {"cpu_seconds": round(time.process_time() - begun, 3)}

    def _row(self, steps: Tables, options: Mapping[str, Any]) -> Row:
        from edgekit.compress.figures import light

        known = _opened(self.setup)
        limits, changes = dict(self.setup.limits), dict(options)
        if "ram" in limits:
            beside = (self.base.stack_bytes or 0) + known.state_bytes
            changes["arena_limit"] = max(0, int(limits["ram"]) - beside)
        stages = known.compile(steps, changes)
        report = light(stages.program, self.setup.name)
        constants = report["weights_bytes"] + report["tables_bytes"]
        ram = report["arena_bytes"] + stages.program.state_bytes + (self.base.stack_bytes or 0)
        rate = self.base.rate
        row = _unknown() | report | {
            "ram_bytes": ram,
            "flash_bytes": constants + (self.base.code_bytes or 0),
            "cycles": None if rate is None else round(rate * report["instructions_estimate"]),
        }  # fmt: skip
        row["excess"] = excesses(row, limits)
        if all(over <= 0 for over in row["excess"].values()):
            row |= known.quality(steps, stages)
            if row["accuracy"] is not None and self.base.reference is not None:
                row["drop"] = round(100 * (self.base.reference - row["accuracy"]), 6)
            row["excess"] = excesses(row, limits)
        return row


def _unknown() -> Row:
    return {
        "accuracy": None, "interval": None, "drop": None, "ram_bytes": None, "flash_bytes": None,
        "cycles": None,
    }  # fmt: skip


class _Opened:
    """A subject with the numbers that its recipes have led to: plans for one recipe share them."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.states: dict[str, Any] = {}
        self.found: dict[str, Row] = {}

    @functools.cached_property
    def state_bytes(self) -> int:
        return sum(
            self.subject.canonical.value(s.value).nbytes for s in self.subject.canonical.states
        )

    def compile(self, steps: Tables, changes: Mapping[str, Any]) -> Compiled:
        from edgekit.compress import Recipe

        key = json.dumps(steps)
        if key not in self.states:
            recipe = Recipe.of(steps)
            self.states[key] = recipe.run(self.subject.first(), self.subject.context)
        stages = self.subject.compile(self.states[key], **changes)
        self.states[key] = replace(self.states[key], decided=stages.decided)
        return stages

    def quality(self, steps: Tables, stages: Compiled) -> Row:
        """The plan changes no answer."""
        key = json.dumps(steps)
        if key not in self.found:
            found = self.subject.quality(stages.program)
            value = found["auc"] if found.get("metric") == "auc" else found["accuracy"]
            self.found[key] = {"accuracy": value, "interval": found["interval"]}
        return self.found[key]


@functools.lru_cache(maxsize=1)
def _opened(setup: Setup) -> _Opened:
    return _Opened(setup.subject(setup.select))


def base_of(setup: Setup) -> Base:
    """Compile, count and judge the model as it came. Raises EK001 where its accuracy is not known."""
    from edgekit.compress.figures import compiled

    subject = setup.subject(setup.select)
    stages = subject.compile(subject.first())
    code, stack, rate = None, None, None
    try:
        report = compiled(stages.program, setup.name, subject.board)
        expected = sum(step.instructions for step in stages.program.steps)
        cycles = report["cycles_estimate"]
        code, stack = report["code_bytes"], report["stack_bytes"]
        rate = cycles / expected if cycles is not None and expected else None
    except EdgekitError as missing:
        if missing.code not in ("EK501", "EK503", "EK504"):
            raise
    found = subject.real_quality() or subject.quality(stages.program)
    reference = found["auc"] if found.get("metric") == "auc" else found["accuracy"]
    if reference is None:
        raise EdgekitError(
            "EK001", "a search needs to know how right a model is", where="--test",
            found="no accuracy of labels and no auc", help="give a file with x and y, or --metric auc",
        )  # fmt: skip
    return Base(code, stack, rate, reference)


def fragile_layers(setup: Setup, scheme: str) -> tuple[str, ...]:
    """The layers that can have `scheme`, by the signal to noise that it leaves each of them alone on
    calibration data, the lowest first."""
    from edgekit.compress import Recipe
    from edgekit.quantize.schemes import chosen_schemes

    subject = setup.subject(None)
    with one_blas_thread():
        state = Recipe.of([{"kind": "quantize", "scheme": scheme}]).run(
            subject.first(), subject.context
        )
        decided = subject.compile(state).decided
    if decided is None or decided.errors is None:
        return ()
    able = chosen_schemes(state.graph, scheme, {})
    layers = [e for e in decided.errors.layers if able.get(e.node) == scheme]
    return tuple(e.node for e in sorted(layers, key=lambda e: (e.own_sqnr_db, e.node)))
