"""One model that many recipes are tried on: imported once, measured without a compiler."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.compress.figures import compiled, light, program_quality, real_quality
from edgekit.compress.recipe import Recipe
from edgekit.compress.step import Context, State
from edgekit.emit.names import default_name
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.passes import canonical
from edgekit.preprocess import read_all, with_numbers
from edgekit.program import Program
from edgekit.quantize import Calibration
from edgekit.target import Target, load_target
from edgekit.validate.data import Samples, load_samples

if TYPE_CHECKING:
    from edgekit.build import Compiled, Options

Report = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model file with the data that recipes are judged by.

    options: what a build would be asked for. calibration: typical inputs. train, test: `.npz` files
    with `x` and `y`; scale, offset: of all three. metric: None for top1 where the test has labels.
    """

    model: Path
    options: Options
    calibration: Calibration | None = None
    train: Path | None = None
    test: Path | None = None
    metric: str | None = None
    limit: int | None = None
    seed: int = 0
    progress: Callable[[str], None] = field(default=lambda stage: None)

    @staticmethod
    def open(model: str | Path, *, target: str = "host", name: str = "", **given: Any) -> Subject:
        """With the keys of `Options` and of this class by their names."""
        from edgekit.build import Options

        own = {k: given.pop(k) for k in tuple(given) if k in Subject.__dataclass_fields__}
        path = Path(model)
        return Subject(path, Options(name or default_name(path.stem), target, **given), **own)

    @functools.cached_property
    def board(self) -> Target:
        return load_target(self.options.target)

    @functools.cached_property
    def source(self) -> Graph:
        return load_model(self.model, self.options.dims)

    @functools.cached_property
    def canonical(self) -> Graph:
        return with_numbers(canonical(self.source), read_all(self.options.preprocess))

    @functools.cached_property
    def context(self) -> Context:
        """What the steps may look at."""
        from edgekit.build import calibration_samples

        specs, samples = read_all(self.options.preprocess), None
        if self.calibration is not None:
            samples = calibration_samples(self.canonical, specs, self.calibration)
        train = self.train and self._samples(self.train, self.canonical)
        return Context(
            samples, train or None, self.source, self.first().graph, self.seed, self.progress
        )

    def first(self) -> State:
        """The state before any step."""
        return State.of(self.canonical, self.options.quantization)

    def compile(self, state: State, **changes: Any) -> Compiled:
        """The state's program; changes: of the options, such as `optimize` and `arena_limit`.

        Raises EK203 for real numbers without calibration.
        """
        from edgekit.build import compile_graph

        options = replace(self.options, quantization=state.settings, **changes)
        return compile_graph(
            self.source, self.canonical, options, numbers=state.decided or self.calibration,
            compression=state.compression,
        )  # fmt: skip

    def quality(self, program: Program) -> Report:
        """How right a program is on the test data; what is not known is None."""
        samples = self._test_of(program)
        if samples is None:
            return {"metric": None, "accuracy": None, "interval": None, "samples": 0}
        return program_quality(program, samples, self.metric)

    def real_quality(self) -> Report | None:
        """How right the model is in real numbers, None where it has integers of its own, or where a
        front makes its inputs."""
        if self.test is None or self.options.preprocess or not self._real():
            return None
        samples = self._samples(self.test, self.canonical)
        return None if samples.sequence else real_quality(self.canonical, samples, self.metric)

    def estimate(self, state: State, **changes: Any) -> tuple[Report, Program]:
        """Sizes and estimated cycles, without a compiler, and the program."""
        program = self.compile(state, **changes).program
        report = light(program, self.options.name)
        code, rate = self.counted
        constants = report["weights_bytes"] + report["tables_bytes"]
        report |= {
            "flash_estimate_bytes": None if code is None else constants + code,
            "cycles_estimate": None
            if rate is None
            else round(rate * report["instructions_estimate"]),
        }
        return report, program

    @functools.cached_property
    def counted(self) -> tuple[int | None, float | None]:
        """Of the model as it came, compiled and counted once: bytes of its code, and cycles for each
        instruction that the planner expects. None for what cannot be known here."""
        program = self.compile(self.first()).program
        try:
            report = compiled(program, self.options.name, self.board)
        except EdgekitError as missing:
            if missing.code not in ("EK501", "EK503", "EK504"):
                raise
            return None, None
        cycles = report["cycles_estimate"]
        expected = sum(step.instructions for step in program.steps)
        rate = None if cycles is None or not expected else float(cycles) / expected
        return report["code_bytes"], rate

    def _real(self) -> bool:
        return any(self.canonical.value(n).dtype == "float32" for n in self.canonical.inputs)

    def _test_of(self, program: Program) -> Samples | None:
        if self.test is None:
            return None
        tensors = [program.buffers[name] for name in program.inputs]
        return self._load(self.test, tensors, bool(program.state_bytes), program.layouts)

    def _samples(self, path: Path, graph: Graph) -> Samples:
        tensors = [graph.value(name) for name in graph.inputs]
        return self._load(path, tensors, bool(graph.states), graph.layouts)

    def _load(
        self, path: Path, tensors: Any, stateful: bool, layouts: Mapping[str, Any]
    ) -> Samples:
        given = self.calibration
        scale, offset = (None, None) if given is None else (given.scale, given.offset)
        samples = load_samples(
            path, tensors, scale=scale, offset=offset, stateful=stateful, layouts=layouts
        )
        return samples if self.limit is None else samples.take(slice(self.limit))


def evaluate(
    model: str | Path | Subject, recipe: Recipe, *, accuracy: bool = True, changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> Report:  # fmt: skip
    """What a recipe makes of a model, without a compiler: ``accuracy`` (or another metric) with its
    ``interval``, ``weights_bytes``, ``tables_bytes``, ``arena_bytes``, ``macs``,
    ``instructions_estimate``, ``cycles_estimate``, and ``flash_estimate_bytes``, which takes the code's size
    from the model as it came.

    model: a path with the `options` of `Subject.open`, or a `Subject`, which has imported it already.
    changes: options of the build for this trial alone, such as `optimize`. accuracy: without it the test
    data is not looked at. Raises what the steps and the pipeline raise.
    """
    subject = model if isinstance(model, Subject) else Subject.open(model, **options)
    state = recipe.run(subject.first(), subject.context)
    report, program = subject.estimate(state, **(changes or {}))
    if accuracy:
        report |= subject.quality(program)
    return report | {"notes": list(state.notes), "recipe": list(recipe.tables())}
