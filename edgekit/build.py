"""The whole pipeline, top to bottom: from a model to a verified bundle."""

from __future__ import annotations

import sys
import tempfile
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.bundle import (
    COMPRESSION,
    COSTS,
    DRAWING,
    MANIFEST,
    PLAN,
    QUANTIZATION,
    REPORT,
    plan_json,
    staged,
    to_json,
)
from edgekit.choices import both_choices
from edgekit.compress.compression import Compression
from edgekit.compress.compression import save as save_compression
from edgekit.costs import Costs, costs_for, measured
from edgekit.emit import emit
from edgekit.emit.entry import entry_points
from edgekit.emit.names import check_name, default_name
from edgekit.errors import EdgekitError
from edgekit.firmware import compile_model
from edgekit.flash import within_flash
from edgekit.frontends import load_model, model_file, self_contained
from edgekit.graph import Graph, IntGraph
from edgekit.lowering import lower
from edgekit.manifest import manifest
from edgekit.measure import describe, memory, speed, verify
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.certificate import certificate
from edgekit.plan.drawing import draw
from edgekit.plan.regions import Room
from edgekit.preprocess import front_of, prepend, read_all, real_features, tables, with_numbers
from edgekit.program import Program
from edgekit.quantize import Calibration, Quantization, Settings, quantized, restored, save
from edgekit.ram import rooms_of, within_ram
from edgekit.report import gates, parse_budget
from edgekit.rewrite.binary_layers import binary_layers
from edgekit.rewrite.code_weights import MODES, coded, worth_coding
from edgekit.rewrite.constant_channels import drop_constant_channels
from edgekit.rewrite.feed_input import feed_input
from edgekit.rewrite.unread_rows import drop_unread_rows
from edgekit.share import check_threads, share
from edgekit.specialise import specialise
from edgekit.target import load_target
from edgekit.threads import one_blas_thread
from edgekit.validate.runners import deploy
from edgekit.variants import choose

if TYPE_CHECKING:
    from torch.nn import Module

    from edgekit.op import Array
    from edgekit.preprocess import Spec
    from edgekit.validate.data import Samples

Progress = Callable[[str], None]
Dump = Callable[[str, str], None]


@dataclass(frozen=True)
class Options:
    """What a build was asked for; stored in the manifest, so that it can be repeated.

    io: "arena" (inputs and outputs inside the arena), "caller" (the caller's buffers) or "float"
    (arena, plus conversion helpers). budget: "ram=32K,flash=128K,cycles=3M" or "". dims: sizes of
    symbolic dimensions. quantization: how numbers are chosen that the source does not have.
    optimize: what `plan` streams for. stream_input: the input is handed over row by row. arena_limit:
    bytes that the RAM of the budget or the target has left for the arena, where `optimize` alone would
    take more. regions: the memory regions that were asked for, "dtcm,sram" or "". rooms: what the arena
    may take of each. preprocess: what stands in front of which input, as tables. threads: how many share
    the rows of a layer. code_weights: "none", "auto" or "all", which weights flash holds as streams of bits;
    coded: the layers that this came to, None until it is decided.
    """

    name: str
    target: str = "host"
    io: str = "arena"
    keep_input: bool = False
    budget: str = ""
    dims: Mapping[str, int] = field(default_factory=dict)
    quantization: Settings = Settings()
    optimize: str = "balanced"
    stream_input: bool = False
    arena_limit: int | None = None
    regions: str = ""
    rooms: tuple[Room, ...] = ()
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    code_weights: str = "none"
    coded: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.code_weights not in MODES:
            raise EdgekitError(
                "EK001", "there is no such way to store weights", where="--code-weights",
                found=self.code_weights, help=f"one of: {', '.join(MODES)}",
            )  # fmt: skip
        if self.stream_input and self.keep_input:
            raise EdgekitError(
                "EK001", "two options contradict each other", where="--stream-input --keep-input",
                found="a streamed input never stands in RAM as a whole, so none can be kept",
                help="leave out one of them",
            )  # fmt: skip
        if self.stream_input and self.regions:
            raise EdgekitError(
                "EK001", "two options cannot be combined", where="--stream-input --regions",
                found="a fed model keeps its place in one arena", help="leave out one of them",
            )  # fmt: skip
        if self.stream_input and self.threads > 1:
            raise EdgekitError(
                "EK001", "two options cannot be combined", where="--stream-input --threads",
                found="a fed model makes one row at a time, which nobody can share",
                help="leave out one of them",
            )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Compiled:
    """The stages of one model, each of its own type; `plain` is `lowered` without its constant
    channels and with its kernels, `integer` that with some weights as streams, `decided` what
    quantization added, `options` what all of it was made with."""

    options: Options
    source: Graph
    canonical: Graph
    quantized: Graph
    lowered: IntGraph
    plain: IntGraph
    integer: IntGraph
    program: Program
    decided: Quantization | None

    def planned(self, options: Options) -> Compiled:
        """The same network with a plan of its own for `options`."""
        return replace(self, options=options, program=_planned(self.integer, options))

    def coding(self, layers: Collection[str]) -> Compiled:
        """The same network with the weights of other layers as streams."""
        options = replace(self.options, coded=tuple(layers))
        integer = share(coded(self.plain, layers), options.threads)
        return replace(self, integer=integer).planned(options)


def coded_layers(plain: IntGraph, options: Options) -> tuple[str, ...]:
    """The layers whose weights become streams, as decided or by `options`. With ``ram`` the arena must not
    grow for it: those that save most come first, as long as it does not."""
    if options.coded is not None or options.code_weights == "none":
        return tuple(options.coded or ())
    without = _planned(share(plain, options.threads), options)
    layers = worth_coding(plain, options.code_weights, options.optimize, without)
    if options.code_weights == "all" or options.optimize != "ram":
        return layers

    def arena(names: Collection[str]) -> int:
        return _planned(share(coded(plain, names), options.threads), options).arena_bytes

    while layers and arena(layers) > without.arena_bytes:
        layers = layers[: len(layers) // 2]
    return layers


def _planned(integer: IntGraph, options: Options) -> Program:
    # What threads share is a whole layer: they are worth more than the RAM that streams would save.
    whole = options.threads > 1 and options.optimize == "balanced"
    program = plan(
        integer,
        keep_input=options.keep_input,
        caller_io=options.io == "caller",
        optimize="speed" if whole else options.optimize,
        limit=options.arena_limit,
        rooms=options.rooms,
        asked=bool(options.regions),
    )
    return specialise(program, options.optimize)


def compile_program(
    model: Path,
    options: Options,
    dump: Dump | None = None,
    *,
    numbers: Calibration | Quantization | None = None,
    costs: Costs | None = None,
    compression: Compression | None = None,
) -> Compiled:
    """Import, canonicalise, compress, quantize, lower and plan; touches no compiler and writes nothing.

    `numbers` a source does not have come from calibration data, or are what a build has decided.
    costs: counted instructions to choose kernels by, where there are any. compression: what was decided
    on the canonical graph.
    """
    check_threads(options.threads, load_target(options.target))
    source = load_model(model, options.dims)
    graph = with_numbers(canonical(source, dump), read_all(options.preprocess))
    return compile_graph(
        source, graph, options, dump, numbers=numbers, costs=costs, compression=compression
    )


def compile_graph(
    source: Graph,
    graph: Graph,
    options: Options,
    dump: Dump | None = None,
    *,
    numbers: Calibration | Quantization | None = None,
    costs: Costs | None = None,
    compression: Compression | None = None,
) -> Compiled:
    """`compile_program` from the canonical graph of `source` on, so that one import serves many."""
    board, specs = load_target(options.target), read_all(options.preprocess)
    if compression is not None:
        graph = compression.applied(graph)
    decided: Quantization | None
    if isinstance(numbers, Quantization):
        whole, decided = restored(graph, numbers), numbers
    else:
        with one_blas_thread():
            samples = calibration_samples(graph, specs, numbers) if numbers else None
            whole, decided = quantized(graph, samples, options.quantization)
    lowered = lower(prepend(whole, specs))
    integer = binary_layers(drop_unread_rows(drop_constant_channels(lowered)))
    if options.stream_input:
        integer = feed_input(integer)
    plain = choose(measured(integer, costs), board.isa)
    options = replace(options, coded=coded_layers(plain, options))
    integer = share(coded(plain, options.coded or ()), options.threads)
    program = _planned(integer, options)
    if dump:
        if compression is not None:
            dump("compressed", graph.text())
        dump("quantized", whole.text())
        dump("lowered", lowered.text())
        dump("integer", integer.text())
        dump("program", program.text())
    return Compiled(options, source, graph, whole, lowered, plain, integer, program, decided)


def calibration_samples(graph: Graph, specs: Mapping[str, Spec], numbers: Calibration) -> Samples:
    """Samples of the network's own inputs, made of raw ones where there is preprocessing."""
    if not specs:
        return numbers.samples(graph)
    before = front_of(graph, specs)
    return real_features(before, numbers.samples(before))


def build(
    model: str | Path | Module,
    *,
    example_inputs: Any = None,
    calibration: str | Path | Array | Mapping[str, Array] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    quantization: Settings = Settings(),
    target: str = "host",
    output: str | Path | None = None,
    name: str = "",
    io: str = "arena",
    keep_input: bool = False,
    budget: str = "",
    dims: Mapping[str, int] | None = None,
    optimize: str = "balanced",
    stream_input: bool = False,
    costs: str | Path | None = None,
    regions: str = "",
    preprocess: Mapping[str, Any] | None = None,
    threads: int = 1,
    code_weights: str = "none",
    arena_limit: int | None = None,
    compression: Compression | None = None,
    decided: Quantization | None = None,
    dump: Dump | None = None,
    progress: Progress = lambda stage: None,
) -> dict[str, Any]:
    """Build `model` for `target` and return the report (the contract's JSON keys).

    A live module needs `example_inputs`, a model with real numbers `calibration`: typical inputs with
    the source's axes, as ``x * scale + offset`` where either is given. `costs` is a file of `edgekit tune`. preprocess: by input, what stands in
    front of it (`edgekit.preprocess`), or its table; calibration data are then raw inputs. arena_limit:
    bytes; the quickest plan that needs no more is taken, or the smallest. compression: what
    `edgekit.compress` decided on this model; decided: numbers that were chosen before, in place of
    calibration. code_weights: which weights flash holds as streams of bits, "none", "auto" or "all".
    Writes the bundle to `output` (default ``build/<name>``), whole or not at all.
    A failed gate is no exception: see ``report["gates"]``. Raises EdgekitError for everything else.
    """
    limits, board = parse_budget(budget), load_target(target)
    with model_file(model, example_inputs) as path, tempfile.TemporaryDirectory() as work:
        name = check_name(name or default_name(path.stem))
        options = Options(name, target, io, keep_input, budget, dims or {}, quantization, optimize,
                          stream_input=stream_input, arena_limit=arena_limit, regions=regions,
                          threads=threads, preprocess=tables(preprocess or {}),
                          code_weights=code_weights)  # fmt: skip
        options = replace(options, rooms=rooms_of(options, stack=0))

        progress("import, quantize, plan")
        given = None if calibration is None else Calibration(calibration, scale, offset)
        numbers = decided or given
        counted = None if costs is None else costs_for(Path(costs), board)
        stages = compile_program(path, options, dump, numbers=numbers, costs=counted,
                                 compression=compression)  # fmt: skip
        options = stages.options

        with staged(Path(output or Path("build") / name)) as folder:
            progress("compile")

            def compiled(some: Compiled) -> tuple[Compiled, dict[str, Any]]:
                fitted, _, report = within_ram(
                    some,
                    some.options,
                    limits,
                    lambda s: _compiled(s, options, path.name, folder, Path(work)),
                )
                return fitted, report

            stages, report = within_flash(*compiled(stages), limits, compiled)
            options = stages.options
            if stages.decided is not None:
                save(folder / QUANTIZATION, stages.decided)
            if compression is not None:
                save_compression(folder / COMPRESSION, compression)
            if counted is not None:
                counted.only(stages.integer.nodes).save(folder / COSTS)
            progress("measure")
            model_files = deploy(stages.program, folder, name)
            report |= speed(stages.program, model_files, board)
            if optimize == "speed":
                report |= both_choices(stages.program, name, board, report, Path(work))
            progress("verify")
            report |= verify(stages.program, model_files, board)
            report["gates"] = gates(report, limits)
            report |= {"plan": PLAN, "plan_drawing": DRAWING}
            proof: dict[str, Any] = {"model": path.name, "plan": certificate(stages.program)}
            (folder / PLAN).write_text(plan_json(proof))
            (folder / DRAWING).write_text(draw(proof["plan"], f"{path.name} on {board.name}"))
            (folder / REPORT).write_text(to_json(report))
            (folder / f"model{path.suffix}").write_bytes(self_contained(path))
            entry = manifest(folder, stages.program, asdict(options), path)
            (folder / MANIFEST).write_text(to_json(entry))
    return report


def _compiled(
    stages: Compiled, options: Options, source: str, folder: Path, work: Path
) -> dict[str, Any]:
    """Emit into `folder`, in place of what was there, and compile; the report as far as it goes."""
    board, name = load_target(options.target), options.name
    files, pool = emit(name, stages.program, source, float_io=options.io == "float")
    for stale in folder.iterdir():
        stale.unlink()
    for file, text in files.items():
        (folder / file).write_text(text)
    firmware = compile_model(folder, name, board, work, roots=entry_points(name, stages.program))
    report = describe(name, source, board, stages)
    return report | memory(stages.program, pool, firmware, board)


class _CallableModule(types.ModuleType):
    """``edgekit.build`` names this module and, in the public API, its function: it is both."""

    __call__ = staticmethod(build)


sys.modules[__name__].__class__ = _CallableModule
