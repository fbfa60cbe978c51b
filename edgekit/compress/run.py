"""`edgekit compress`: a recipe's steps one after the other, each measured, and the bundle in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit import __version__
from edgekit.build import build
from edgekit.compress.energy import energy
from edgekit.compress.figures import compiled, figures
from edgekit.compress.recipe import Recipe, noted
from edgekit.compress.step import State
from edgekit.compress.subject import Subject
from edgekit.frontends import model_file
from edgekit.preprocess import tables
from edgekit.quantize import Calibration

Report = dict[str, Any]
Progress = Callable[[str], None]


def compress(
    model: Any,
    recipe: Recipe | Iterable[Mapping[str, Any]],
    *,
    example_inputs: Any = None,
    target: str = "host",
    data: str | Path | None = None,
    calibration: Any = None,
    test: str | Path | None = None,
    scale: float | None = None,
    offset: float | None = None,
    metric: str | None = None,
    output: str | Path | None = None,
    name: str = "",
    budget: str = "",
    dims: Mapping[str, int] | None = None,
    optimize: str = "balanced",
    code_weights: str = "none",
    preprocess: Mapping[str, Any] | None = None,
    seed: int = 0,
    control: bool = True,
    progress: Progress = lambda stage: None,
) -> Report:
    """Take the steps of `recipe` on `model`, measure each, and build the result into `output`.

    model: a path, or a live module with `example_inputs`. data: an `.npz` to train with (`x`, `y`);
    calibration: typical inputs, as in `edgekit.build`; test: `x` and `y` that the rows are judged by, which
    should be neither. code_weights: as in `edgekit.build`, for every row. control: also measure what the same effort gives without the choices.

    Returns the report: ``rows`` (the model as it came, then one a step), ``control``, and the ``bundle``'s
    own report with its ``gates``. Raises EdgekitError; then `output` is as it was.
    """
    steps = recipe if isinstance(recipe, Recipe) else Recipe.of(recipe)
    with model_file(model, example_inputs) as path:
        given = None if calibration is None else Calibration(calibration, scale, offset)
        subject = Subject.open(
            path, target=target, name=name, calibration=given, dims=dims or {}, metric=metric,
            train=data and Path(data), test=test and Path(test), optimize=optimize, seed=seed,
            code_weights=code_weights, preprocess=tables(preprocess or {}), progress=progress,
        )  # fmt: skip
        rows, state = _rows(subject, steps)
        report: Report = {
            "model": path.name, "target": target, "name": subject.options.name,
            "edgekit_version": __version__, "recipe": list(steps.tables()), "rows": rows,
            "control": _control(subject, steps) if control else None, "notes": list(state.notes),
        }  # fmt: skip
        compression = replace(state.compression, report=tuple(rows))
        report["bundle"] = build(
            path, calibration=calibration, scale=scale, offset=offset, quantization=state.settings,
            target=target, output=output, name=name, budget=budget, dims=dims, optimize=optimize,
            code_weights=code_weights, preprocess=preprocess, compression=compression, decided=state.decided, progress=progress,
        )  # fmt: skip
    return report | {"gates": report["bundle"]["gates"]}


def _rows(subject: Subject, recipe: Recipe) -> tuple[list[Report], State]:
    """A row for the model as it came and one for each step, and the last state."""
    state = subject.first()
    rows = [] if (real := subject.real_quality()) is None else [{"step": "real numbers"} | real]
    rows.append(_row(subject, "as it came", state))
    for number, step in enumerate(recipe.steps, 1):
        subject.progress(step.kind)
        state = step.run(state, subject.context)
        rows.append(_row(subject, f"{number} {step.kind}", state))
    return rows, noted(state, recipe)


def _control(subject: Subject, recipe: Recipe) -> Report | None:
    """The row of the recipe's control, None where that is the recipe itself."""
    other = recipe.control()
    if other == recipe:
        return None
    subject.progress("control")
    return _row(subject, "control", other.run(subject.first(), subject.context))


def _row(subject: Subject, label: str, state: State) -> Report:
    """A state's figures: compiled for the target and counted, and judged on the test data."""
    program = subject.compile(state).program
    report = compiled(program, subject.options.name, subject.board)
    return (
        {"step": label, "macs": sum(step.macs for step in program.steps)}
        | figures(report)
        | energy(subject.board, report["cycles_estimate"])
        | subject.quality(program)
    )
