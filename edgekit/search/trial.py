"""One trial: a recipe to the figures that a build of it would have, in whatever process it is asked for."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.flash import within_flash
from edgekit.quantize import Calibration
from edgekit.ram import within_ram
from edgekit.search.front import excesses
from edgekit.search.space import Tables
from edgekit.threads import one_blas_thread

if TYPE_CHECKING:
    from edgekit.build import Compiled
    from edgekit.compress import Subject

Row = dict[str, Any]


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
    """The function that workers call. reference: the accuracy of the model as it came."""

    setup: Setup
    reference: float

    def __call__(self, steps: Tables, options: Mapping[str, Any]) -> Row:
        """A row of figures; ``error`` where the recipe cannot be taken. Sizes that break a limit are not worth
        an accuracy."""
        begun = _cpu_seconds()
        try:
            with one_blas_thread():
                row = self._row(steps, options)
        except EdgekitError as error:
            row = _unknown() | {"excess": {"error": 1.0}, "error": error.to_json()}
        return row | {"cpu_seconds": round(_cpu_seconds() - begun, 2)}

    def _row(self, steps: Tables, options: Mapping[str, Any]) -> Row:
        from edgekit.compress.figures import light

        known, limits = _opened(self.setup), dict(self.setup.limits)
        stages = known.compile(steps, options)
        sizes = light(stages.program, self.setup.name)
        constants = sizes["weights_bytes"] + sizes["tables_bytes"]
        row = _unknown() | sizes | {"flash_bytes": constants}
        row["excess"] = excesses(row, limits)
        # Where the constants alone break a limit no compiler is asked, unless more of them may be coded.
        if _holds(row) or options.get("code_weights") == "auto":
            stages, figures = known.compiled(stages, limits)
            row |= figures
            row["excess"] = excesses(row, limits)
        if _holds(row):
            row |= known.quality(steps, stages)
            if row["accuracy"] is not None:
                row["drop"] = round(100 * (self.reference - row["accuracy"]), 6)
            row["excess"] = excesses(row, limits)
        return row


def _cpu_seconds() -> float:
    """Of this process, and of compilers and emulators that it has waited for."""
    return sum(os.times()[:4])


def _holds(row: Row) -> bool:
    return all(over <= 0 for over in row["excess"].values())


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

    def compile(self, steps: Tables, changes: Mapping[str, Any]) -> Compiled:
        from edgekit.compress import Recipe

        key = json.dumps(steps)
        if key not in self.states:
            recipe = Recipe.of(steps)
            self.states[key] = recipe.run(self.subject.first(), self.subject.context)
        stages = self.subject.compile(self.states[key], **changes)
        self.states[key] = replace(self.states[key], decided=stages.decided)
        return stages

    def compiled(self, stages: Compiled, limits: Mapping[str, float]) -> tuple[Compiled, Row]:
        """Compiled and counted as a build would: planned again where that takes too much RAM, coded further
        where it takes too much flash."""
        from edgekit.compress.figures import compiled

        sizes = {name: limits[name] for name in ("ram", "flash") if name in limits}
        board, name = self.subject.board, stages.options.name

        def measured(one: Compiled) -> tuple[Compiled, Row]:
            found, _, report = within_ram(
                one, one.options, sizes, lambda s: compiled(s.program, name, board)
            )
            return found, report

        stages, report = within_flash(*measured(stages), sizes, measured)
        keys = ("ram_bytes", "arena_bytes", "stack_bytes", "flash_bytes", "code_bytes",
                "weights_bytes", "tables_bytes", "instructions")  # fmt: skip
        return stages, {key: report[key] for key in keys} | {"cycles": report["cycles_estimate"]}

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


def reference_of(setup: Setup) -> float:
    """The accuracy of the model as it came, in real numbers where it has them. Raises EK001 where it is not
    known."""
    subject = setup.subject(setup.select)
    found = subject.real_quality() or subject.quality(subject.compile(subject.first()).program)
    reference = found["auc"] if found.get("metric") == "auc" else found["accuracy"]
    if reference is None:
        raise EdgekitError(
            "EK001", "a search needs to know how right a model is", where="--test",
            found="no accuracy of labels and no auc", help="give a file with x and y, or --metric auc",
        )  # fmt: skip
    return float(reference)


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
