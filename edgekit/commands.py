"""What the commands beside `build` do: each takes paths and options and returns a report."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edgekit import __version__
from edgekit.build import Compiled, Options, compile_program
from edgekit.bundle import COMPRESSION, COSTS, MANIFEST, QUANTIZATION, Bundle, open_bundle
from edgekit.compress.compression import load as load_compression
from edgekit.costs import costs_for, load_costs
from edgekit.emit import emit
from edgekit.emit.entry import entry_points
from edgekit.emit.names import default_name
from edgekit.errors import EdgekitError
from edgekit.firmware import compile_model
from edgekit.flash import storage_json
from edgekit.graph import limits as number_limits
from edgekit.measure import SAMPLES, STEPS, describe, layer_memory, memory, speed, totals
from edgekit.passes.signed_bytes import is_unsigned
from edgekit.plan import ordered
from edgekit.plan.certificate import certificate, problems
from edgekit.plan.front import front
from edgekit.plan.regions import Room
from edgekit.plugins import plugin_operators, require_plugins
from edgekit.preprocess import front_of, integer_features, read_all, real_features, tables
from edgekit.quantize import Calibration, Settings, load
from edgekit.quantize.sensitivity import sensitivity as layer_sensitivity
from edgekit.quantize.sensitivity import sensitivity_json
from edgekit.ram import ram_advice, rooms_of, within_ram
from edgekit.report import accuracy_gate, gates, parse_budget
from edgekit.rewrite.code_weights import candidates
from edgekit.simulate import Simulator
from edgekit.target import Target, load_target
from edgekit.validate.data import (
    Array,
    Samples,
    dequantize,
    load_samples,
    random_samples,
    samples_of,
    source_order,
)
from edgekit.validate.fidelity import quantized_names
from edgekit.validate.reference import Reference, find_engine, reference_outputs
from edgekit.validate.run import Original, validate_places
from edgekit.validate.runners import deploy, make_runner


def reopen(folder: Path, target: str = "") -> tuple[Bundle, Compiled, Target]:
    """A bundle with its stages, rebuilt from the model it carries; `target` replaces its own."""
    bundle = open_bundle(folder)
    options = _options(bundle)
    require_plugins(folder, bundle.manifest["plugins"])
    stored = folder / QUANTIZATION
    numbers = load(stored) if QUANTIZATION in bundle.manifest["files"] else None
    costs = load_costs(folder / COSTS) if COSTS in bundle.manifest["files"] else None
    changed = COMPRESSION in bundle.manifest["files"]
    compression = load_compression(folder / COMPRESSION) if changed else None
    stages = compile_program(
        bundle.model, options, numbers=numbers, costs=costs, compression=compression
    )
    return bundle, stages, load_target(target or options.target)


def _options(bundle: Bundle) -> Options:
    """What a bundle was built with. Raises EK005 where another version wrote it."""
    try:
        given = bundle.options
        numbered = Settings(**given["quantization"])
        planned_for = tuple(Room(*entry) for entry in given["rooms"])
        coded = tuple(given["coded"])
        return Options(**{**given, "quantization": numbered, "rooms": planned_for, "coded": coded})
    except (KeyError, TypeError) as unknown:
        raise EdgekitError(
            "EK005", "the manifest's options are not those of this version",
            where=str(bundle.folder / MANIFEST), found=str(unknown), help="build the bundle again",
        ) from None  # fmt: skip


def check(
    model: Path,
    target: str,
    *,
    keep_input: bool = False,
    optimize: str = "balanced",
    stream_input: bool = False,
    regions: str = "",
    threads: int = 1,
    budget: str = "",
    dims: Mapping[str, int] | None = None,
    calibration: Calibration | None = None,
    quantization: Settings = Settings(),
    costs: Path | None = None,
    preprocess: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Can the model run there? Everything that is known without a compiler.

    Without calibration data a model of real values is judged with ranges that are made up: memory
    does not depend on them. Flash and RAM leave out what only a compiler knows, code and stack, and say so.
    """
    limits, name = parse_budget(budget), default_name(model.stem)
    options = Options(name, target, "arena", keep_input, budget, dims or {}, quantization, optimize,
                      stream_input, regions=regions, threads=threads,
                      preprocess=tables(preprocess or {}))  # fmt: skip
    _, report = _within(model, options, costs, calibration)
    return report | {"gates": gates(report, limits)}


def _within(
    model: Path, options: Options, costs: Path | None, calibration: Calibration | None
) -> tuple[Compiled, dict[str, Any]]:
    """A model planned for its budget and board, as far as that is known without a compiler."""
    options = replace(options, rooms=rooms_of(options, stack=0))
    counted = None if costs is None else costs_for(costs, load_target(options.target))
    stages = compile_program(model, options, numbers=calibration or Calibration(), costs=counted)
    stages, _, report = within_ram(
        stages, options, parse_budget(options.budget),
        lambda s: _without_compiler(s, options, model.name),
    )  # fmt: skip
    return stages, report


def _without_compiler(stages: Compiled, options: Options, source: str) -> dict[str, Any]:
    """What is known of a model's memory before any compiler has run."""
    name, board = options.name, load_target(options.target)
    _, pool = emit(name, stages.program, source)
    weights = sum(a.nbytes for s, a in pool.arrays.items() if s.startswith(f"{name}_w_"))
    parts = {
        "weights_bytes": weights,
        "tables_bytes": sum(a.nbytes for a in pool.arrays.values()) - weights,
        "code_bytes": None,
        "static_bytes": None,
        "stack_bytes": None,
    }
    report = describe(name, source, board, stages) | parts
    report |= totals(stages.program, parts, board)
    return report | {"layer_memory": layer_memory(stages.program, pool)}


def size(folder: Path, target: str = "", budget: str = "") -> dict[str, Any]:
    """Flash and RAM of a bundle, compiled now, against a target and a budget."""
    limits = parse_budget(budget)
    bundle, stages, board = reopen(folder, target)
    options = _options(bundle)
    if target:
        options = replace(options, target=target, regions="")
    _, pool = emit(bundle.name, stages.program, bundle.model.name)
    with tempfile.TemporaryDirectory() as work:
        firmware = compile_model(
            folder, bundle.name, board, Path(work), roots=entry_points(bundle.name, stages.program)
        )
        report = describe(bundle.name, bundle.manifest["model"]["source"], board, stages)
        report |= memory(stages.program, pool, firmware, board)
    report |= ram_advice(stages, options, report, limits)
    return report | {"gates": gates(report, limits)}


def bench(folder: Path, target: str = "") -> dict[str, Any]:
    """Instructions and estimated cycles of a bundle, per inference and per layer."""
    bundle, stages, board = reopen(folder, target)
    report = describe(bundle.name, bundle.manifest["model"]["source"], board, stages)
    report |= speed(stages.program, deploy(stages.program, folder, bundle.name), board)
    return report | {"gates": []}


def plan(
    model: Path,
    target: str,
    *,
    keep_input: bool = False,
    stream_input: bool = False,
    optimize: str = "balanced",
    costs: Path | None = None,
    regions: str = "",
    threads: int = 1,
    budget: str = "",
    preprocess: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The ways to run a model between least RAM and fewest instructions, most RAM first; under
    ``plan`` the certificate of the one that a build with these options takes."""
    board = load_target(target)
    options = Options(
        default_name(model.stem), target, keep_input=keep_input, budget=budget, optimize=optimize,
        stream_input=stream_input, regions=regions, threads=threads,
        preprocess=tables(preprocess or {}),
    )  # fmt: skip
    stages, report = _within(model, options, costs, None)
    order, networks = ordered(stages.integer, keep_input=keep_input, caller_io=False)
    base, points = networks[0].cuts.instructions(), front(*networks)
    taken = [node.name for node in points[-1].arena.line.graph.nodes] if points else []
    reordered = bool(points) and taken != [node.name for node in stages.integer.nodes]
    report |= {
        "keep_input": keep_input,
        "stream_input": stream_input,
        "ram_limit_bytes": board.ram_limit_bytes,
        "order": asdict(order.report(reordered)),
        "points": [
            {
                "arena_bytes": point.bytes,
                "arena_lower_bound_bytes": point.arena.bound,
                "arena_proved_bytes": point.arena.proved,
                "arena_method": point.arena.placed.method,
                "instructions_added_estimate": point.extra,
                "instructions_added_percent": round(100 * point.extra / max(1, base), 2),
                "optimize": list(point.optimize),
                "streams": point.streams(),
            }
            for point in points
        ],
    }
    return report | {"plan": certificate(stages.program)}


def verify_plan(file: Path) -> dict[str, Any]:
    """Does a certificate prove what it says? `file` was written by `plan` or lies in a bundle.

    Raises EK004 where it cannot be read, or is no certificate.
    """
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        entry = table["plan"]
        wrong = problems(entry)
        blocks, model = len(entry["blocks"]), str(table["model"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as broken:
        raise EdgekitError(
            "EK004", "the file holds no certificate of a plan", where=str(file),
            found=f"{type(broken).__name__}: {broken}",
            help="pass the plan.json of `edgekit plan` or of a bundle",
        ) from None  # fmt: skip
    gate = {"name": "certificate", "limit": 0, "found": len(wrong), "passed": not wrong}
    return {"model": model, "blocks": blocks, "problems": wrong, "gates": [gate]}


def inspect(
    model: Path,
    *,
    dims: Mapping[str, int] | None = None,
    calibration: Calibration | None = None,
    quantization: Settings = Settings(),
    ranges: bool = False,
    sensitivity: Calibration | None = None,
    storage: bool = False,
    preprocess: Mapping[str, Any] | None = None,
    progress: Callable[[str, int, int], None] = lambda layer, done, total: None,
) -> dict[str, Any]:
    """Operators, shapes, parameters, MACs and peak memory, layer by layer; with `ranges` also what
    quantization makes of each tensor and how much error each layer adds on the calibration data; with
    `sensitivity`, data with or without labels, what each layer can spare (`quantize.sensitivity`); with
    `storage` how small each layer's weights would be as a stream, and what portable kernels pay for it."""
    name = default_name(model.stem)
    options = Options(
        name, dims=dims or {}, quantization=quantization, preprocess=tables(preprocess or {})
    )
    stages = compile_program(model, options, numbers=calibration or Calibration())
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
    if sensitivity is not None:
        ranked = layer_sensitivity(stages.canonical, _own_inputs(stages, sensitivity), progress)
        report["sensitivity"] = sensitivity_json(ranked)
    if ranges:
        report["ranges"] = _ranges(stages)
    if storage:
        report["storage"] = [storage_json(c.storage) for c in candidates(stages.plain, {})]
    return report


def _own_inputs(stages: Compiled, data: Calibration) -> Samples:
    """Samples of the network's own inputs; what a user gives stands in front of the preprocessing."""
    specs = read_all(stages.options.preprocess)
    if not specs:
        return data.samples(stages.canonical)
    before = front_of(stages.canonical, specs)
    return real_features(before, data.samples(before))


def _ranges(stages: Compiled) -> list[dict[str, Any]]:
    """Every activation's type, scale and zero point, what these reach, and what was measured."""
    measured = stages.decided.ranges if stages.decided else {}
    entries = []
    for name in dict.fromkeys(
        (*stages.integer.inputs, *(n for node in stages.integer.nodes for n in node.outputs))
    ):
        value = stages.integer.values[name]
        if value.quant is None:
            continue
        (scale,), (zero,) = value.quant.scale, value.quant.zero_point
        least, most = ((end - zero) * scale for end in number_limits(value.dtype))
        low, high = measured.get(name, (None, None))
        entries.append({
            "tensor": name, "dtype": value.dtype, "scale": scale, "zero_point": zero, "low": least,
            "high": most, "measured_low": low, "measured_high": high,
        })  # fmt: skip
    return entries


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
    budget: str = "",
    progress: Callable[[str], None] = lambda stage: None,
) -> dict[str, Any]:
    """The same inputs through the original, the simulator and the C on `place`, compared.

    data: an `.npz` (None: seeded random inputs); limit: at most so many samples of it; budget: only
    its ``accuracy-drop`` counts here, and the bundle's own where the data has labels. Returns the
    contract's keys; the pairs that must be equal are in ``gates``.
    """
    progress("import, plan")
    limits = parse_budget(budget)
    bundle, stages, board = reopen(folder, target)
    program = stages.program
    tensors = [program.buffers[name] for name in program.inputs]
    stateful = bool(program.state_bytes)
    if data is None:
        steps = STEPS if stateful else None
        samples = random_samples(tensors, SAMPLES, steps=steps, layouts=program.layouts)
    else:
        samples = load_samples(
            data, tensors, scale=scale, offset=offset, stateful=stateful, layouts=program.layouts
        )
    if limit is not None:
        samples = samples.take(slice(limit))
    # An int8 .tflite file is fed the program's very integers, also where its edge is float.
    real = stages.quantized.one_rounding
    if not real:
        samples = replace(samples, originals=())
    source = Original(
        functools.partial(_original, bundle, stages, progress),
        tuple(stages.source.values) if stages.source.format == "tflite" else (),
        real,
        program.buffers,
        quantized_names(stages.source),
        stages.decided.factors if stages.decided else {},
        program.kept,
        COMPRESSION in bundle.manifest["files"],
    )
    outputs = [program.buffers[name] for name in program.outputs]
    own = [op.name for op in plugin_operators(program)]
    progress(place)
    with make_runner(place, deploy(program, folder, bundle.name), board) as runner:
        report = validate_places(
            samples,
            outputs,
            Simulator(program),
            None if place == "simulator" else runner,
            source if original and not own else None,
            metric,
            program.layouts,
        )
    if report.get("metric") in ("top1", "auc"):
        limits = parse_budget(bundle.options.get("budget", "")) | limits
    if "accuracy-drop" in limits:
        report["gates"].append(accuracy_gate(report, limits["accuracy-drop"]))
    head = {
        "model": bundle.manifest["model"]["source"],
        "target": board.name,
        "name": bundle.name,
        "edgekit_version": __version__,
        "on": place,
    }
    if own:
        head["reference_skipped"] = f"no interpreter of others has {', '.join(own)}"
    return head | report


def predict(folder: Path, *inputs: Array) -> list[Array]:
    """Real outputs [N, ...] of a bundle, by the simulator, for real inputs [N, ...] in the model's
    order; all with the axes of the source, its batch of 1 left out."""
    _, stages, _ = reopen(folder)
    program = stages.program
    tensors = [program.buffers[name] for name in program.inputs]
    named = dict(zip(program.inputs, inputs, strict=True))
    samples = samples_of(named, tensors, "predict", layouts=program.layouts)
    outputs = [program.buffers[name] for name in program.outputs]
    found = source_order(outputs, Simulator(program).run(samples.arrays), program.layouts)
    return [
        dequantize(x, output.quant).reshape(len(x), *x.shape[2 if x.shape[1:2] == (1,) else 1 :])
        for x, output in zip(found, outputs, strict=True)
    ]


def _original(
    bundle: Bundle,
    stages: Compiled,
    progress: Callable[[str], None],
    samples: Samples,
    intermediates: bool,
) -> Reference:
    progress("original")
    dims, real = bundle.options.get("dims", {}), stages.quantized.one_rounding
    engine = find_engine(kind="uint8 tflite") if is_unsigned(stages.source) else "auto"
    if stages.options.preprocess:
        samples = _features(stages, samples, real)
    return reference_outputs(
        bundle.model, samples, engine=engine, intermediates=intermediates, real=real, dims=dims
    )


def _features(stages: Compiled, samples: Samples, real: bool) -> Samples:
    """What the original is fed where the program has preprocessing: where its numbers are the program's
    own, the program's features, so that all that follows must be equal; else those in real numbers."""
    specs, graph = read_all(stages.options.preprocess), stages.canonical
    if real:
        made = real_features(front_of(graph, specs), samples)
    else:
        made = integer_features(front_of(graph, specs), samples)
    lead = 1 + samples.sequence
    return replace(made, originals=source_order(made.tensors, made.arrays, graph.layouts, lead))
