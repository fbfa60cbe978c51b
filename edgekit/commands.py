"""What the commands beside `build` do: each takes paths and options and returns a report."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit import __version__
from edgekit.build import Compiled, Options, compile_program
from edgekit.bundle import MANIFEST, Bundle, open_bundle
from edgekit.emit import emit
from edgekit.emit.names import default_name
from edgekit.errors import EdgekitError
from edgekit.firmware import compile_model
from edgekit.frontends import load_model
from edgekit.measure import SAMPLES, STEPS, describe, layer_memory, memory, speed, totals
from edgekit.report import gates, parse_budget
from edgekit.simulate import Simulator
from edgekit.target import Target, load_target
from edgekit.validate.data import Samples, load_samples, random_samples
from edgekit.validate.reference import Reference, reference_outputs
from edgekit.validate.run import Original, validate_places
from edgekit.validate.runners import deploy, make_runner


def reopen(folder: Path, target: str = "") -> tuple[Bundle, Compiled, Target]:
    """A bundle with its stages, rebuilt from the model it carries; `target` replaces its own."""
    bundle = open_bundle(folder)
    try:
        options = Options(**bundle.options)
    except TypeError as unknown:
        raise EdgekitError(
            "EK005", "the manifest's options are not those of this version",
            where=str(folder / MANIFEST), found=str(unknown), help="build the bundle again",
        ) from None  # fmt: skip
    stages = compile_program(bundle.model, options)
    return bundle, stages, load_target(target or options.target)


def check(
    model: Path, target: str, *, keep_input: bool = False, budget: str = ""
) -> dict[str, Any]:
    """Can the model run there? Everything that is known without a compiler.

    Flash and RAM leave out what only a compiler knows, code and stack, and say so.
    """
    board, limits = load_target(target), parse_budget(budget)
    name = default_name(model.stem)
    stages = compile_program(model, Options(name, target, keep_input=keep_input))
    _, pool = emit(name, stages.program, model.name)
    weights = sum(a.nbytes for s, a in pool.arrays.items() if s.startswith(f"{name}_w_"))
    parts = {
        "weights_bytes": weights,
        "tables_bytes": sum(a.nbytes for a in pool.arrays.values()) - weights,
        "code_bytes": None,
        "static_bytes": None,
        "stack_bytes": None,
    }
    report = describe(name, model.name, board, stages) | parts
    report |= totals(stages.program, parts, board)
    report["layer_memory"] = layer_memory(stages.program, pool)
    return report | {"gates": gates(report, limits)}


def size(folder: Path, target: str = "", budget: str = "") -> dict[str, Any]:
    """Flash and RAM of a bundle, compiled now, against a target and a budget."""
    limits = parse_budget(budget)
    bundle, stages, board = reopen(folder, target)
    _, pool = emit(bundle.name, stages.program, bundle.model.name)
    with tempfile.TemporaryDirectory() as work:
        firmware = compile_model(
            folder, bundle.name, board, Path(work), stateful=bool(stages.program.state_bytes)
        )
        report = describe(bundle.name, bundle.manifest["model"]["source"], board, stages)
        report |= memory(stages.program, pool, firmware, board)
    return report | {"gates": gates(report, limits)}


def bench(folder: Path, target: str = "") -> dict[str, Any]:
    """Instructions and estimated cycles of a bundle, per inference and per layer."""
    bundle, stages, board = reopen(folder, target)
    report = describe(bundle.name, bundle.manifest["model"]["source"], board, stages)
    report |= speed(stages.program, deploy(stages.program, folder, bundle.name), board)
    return report | {"gates": []}


def inspect(model: Path) -> dict[str, Any]:
    """Operators, shapes, parameters, MACs and peak memory, layer by layer."""
    name = default_name(model.stem)
    stages = compile_program(model, Options(name))
    report = describe(name, model.name, load_target("host"), stages)
    buffers = stages.program.buffers
    live = stages.program.plan.live
    for entry, step, alive in zip(report["layers"], stages.program.steps, live, strict=True):
        entry["inputs"] = [list(buffers[n].shape) for n in step.inputs]
        entry["outputs"] = [list(buffers[n].shape) for n in step.outputs]
        entry["parameters"] = sum(
            a.size for c, a in step.consts.items() if c in ("weights", "bias")
        )
        entry["live_bytes"] = alive
    for kind, names in (("inputs", stages.program.inputs), ("outputs", stages.program.outputs)):
        report[kind] = [
            {"name": n, "dtype": buffers[n].dtype, "shape": list(buffers[n].shape)} for n in names
        ]
    del report["target"]
    return report


def validate(
    folder: Path,
    *,
    data: Path | None = None,
    place: str = "host",
    target: str = "",
    scale: float | None = None,
    offset: float | None = None,
    metric: str | None = None,
    limit: int | None = None,
    original: bool = True,
    progress: Callable[[str], None] = lambda stage: None,
) -> dict[str, Any]:
    """The same inputs through the original, the simulator and the C on `place`, compared.

    data: an `.npz` (None: seeded random inputs); limit: at most so many samples of it. Returns the
    contract's keys; the pairs that must be equal are in ``gates``.
    """
    progress("import, plan")
    bundle, stages, board = reopen(folder, target)
    program = stages.program
    tensors = [program.buffers[name] for name in program.inputs]
    stateful = bool(program.state_bytes)
    if data is None:
        samples = random_samples(tensors, SAMPLES, steps=STEPS if stateful else None)
    else:
        samples = load_samples(data, tensors, scale=scale, offset=offset, stateful=stateful)
    if limit is not None:
        samples = samples.take(slice(limit))
    source = Original(
        functools.partial(_original, bundle.model, progress),
        tuple(load_model(bundle.model).values),
        program.kept,
    )
    outputs = [program.buffers[name] for name in program.outputs]
    progress(place)
    with make_runner(place, deploy(program, folder, bundle.name), board) as runner:
        report = validate_places(
            samples,
            outputs,
            Simulator(program),
            None if place == "simulator" else runner,
            source if original else None,
            metric,
        )
    head = {
        "model": bundle.manifest["model"]["source"],
        "target": board.name,
        "name": bundle.name,
        "edgekit_version": __version__,
        "on": place,
    }
    return head | report


def _original(
    model: Path, progress: Callable[[str], None], samples: Samples, intermediates: bool
) -> Reference:
    progress("original")
    return reference_outputs(model, samples, intermediates=intermediates)
