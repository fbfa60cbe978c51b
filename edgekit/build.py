"""The whole pipeline, top to bottom: from a model to a verified bundle."""

from __future__ import annotations

import sys
import tempfile
import types
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.bundle import (
    DRAWING,
    MANIFEST,
    PLAN,
    QUANTIZATION,
    REPORT,
    plan_json,
    staged,
    to_json,
)  # fmt: skip
from edgekit.emit import emit
from edgekit.emit.constants import Pool
from edgekit.emit.names import check_name, default_name
from edgekit.firmware import Firmware, compile_model
from edgekit.frontends import load_model, model_file, self_contained
from edgekit.graph import Graph, IntGraph
from edgekit.lowering import lower
from edgekit.manifest import manifest
from edgekit.measure import describe, memory, speed, verify
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.certificate import certificate
from edgekit.plan.drawing import draw
from edgekit.plan.regions import Room, holds
from edgekit.program import Program
from edgekit.quantize import Calibration, Quantization, Settings, quantized, restored, save
from edgekit.ram import assumed_stack, explain, room, rooms
from edgekit.report import gates, parse_budget
from edgekit.rewrite.constant_channels import drop_constant_channels
from edgekit.target import Target, load_target
from edgekit.threads import one_blas_thread
from edgekit.validate.runners import deploy

if TYPE_CHECKING:
    from torch.nn import Module

    from edgekit.op import Array

Progress = Callable[[str], None]
Dump = Callable[[str, str], None]


@dataclass(frozen=True)
class Options:
    """What a build was asked for; stored in the manifest, so that it can be repeated.

    io: "arena" (inputs and outputs inside the arena), "caller" (the caller's buffers) or "float"
    (arena, plus conversion helpers). budget: "ram=32K,flash=128K,cycles=3M" or "". dims: sizes of
    symbolic dimensions. quantization: how numbers are chosen that the source does not have.
    optimize: what `plan` streams for. ram_limit: bytes that arena and state may take, None for any.
    regions: the memory regions that were asked for, "dtcm,sram" or "". rooms: what each may hold.
    """

    name: str
    target: str = "host"
    io: str = "arena"
    keep_input: bool = False
    budget: str = ""
    dims: Mapping[str, int] = field(default_factory=dict)
    quantization: Settings = Settings()
    optimize: str = "balanced"
    ram_limit: int | None = None
    regions: str = ""
    rooms: tuple[Room, ...] = ()

    def beside(self, board: Target, stack: int) -> Options:
        """With the memory that the budget and the board leave beside a stack. Raises EK001."""
        return replace(
            self,
            ram_limit=room(board, parse_budget(self.budget), stack),
            rooms=rooms(board, self.regions, stack),
        )


@dataclass(frozen=True, eq=False)
class Compiled:
    """The stages of one model, each of its own type; `integer` is `lowered` without its constant
    channels, `decided` is what quantization added, `options` what all of it was made with."""

    options: Options
    source: Graph
    canonical: Graph
    quantized: Graph
    lowered: IntGraph
    integer: IntGraph
    program: Program
    decided: Quantization | None


def compile_program(
    model: Path,
    options: Options,
    dump: Dump | None = None,
    *,
    numbers: Calibration | Quantization | None = None,
) -> Compiled:
    """Import, canonicalise, quantize, lower and plan; touches no compiler and writes nothing.

    `numbers` a source does not have come from calibration data, or are what a build has decided.
    """
    source = load_model(model, options.dims)
    graph = canonical(source, dump)
    decided: Quantization | None
    if isinstance(numbers, Quantization):
        whole, decided = restored(graph, numbers), numbers
    else:
        samples = numbers.samples(graph) if numbers else None
        with one_blas_thread():
            whole, decided = quantized(graph, samples, options.quantization)
    lowered = lower(whole)
    integer = drop_constant_channels(lowered)
    program = plan(
        integer,
        keep_input=options.keep_input,
        caller_io=options.io == "caller",
        optimize=options.optimize,
        limit=options.ram_limit,
        rooms=options.rooms,
        asked=bool(options.regions),
    )
    if dump:
        dump("quantized", whole.text())
        dump("lowered", lowered.text())
        dump("integer", integer.text())
        dump("program", program.text())
    return Compiled(options, source, graph, whole, lowered, integer, program, decided)


@dataclass(frozen=True, eq=False)
class Emitted:
    """The files of a bundle as text, the constants in them, and what compiling them gave."""

    files: dict[str, str]
    pool: Pool
    firmware: Firmware


def emit_and_compile(stages: Compiled, source: str, board: Target, work: Path) -> Emitted:
    """Emit into `work` and compile there; see `emit` and `compile_model` for the errors."""
    options = stages.options
    work.mkdir()
    files, pool = emit(options.name, stages.program, source, float_io=options.io == "float")
    for file, text in files.items():
        (work / file).write_text(text)
    stateful = bool(stages.program.state_bytes)
    firmware = compile_model(work, options.name, board, work, stateful=stateful)
    return Emitted(files, pool, firmware)


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
    regions: str = "",
    dump: Dump | None = None,
    progress: Progress = lambda stage: None,
) -> dict[str, Any]:
    """Build `model` for `target` and return the report (the contract's JSON keys).

    A live module needs `example_inputs`, a model with real numbers `calibration`: typical inputs with
    the source's axes, as ``x * scale + offset`` where either is given. Writes the bundle to `output` (default ``build/<name>``), whole or not at all.
    A failed gate is no exception: see ``report["gates"]``. Raises EdgekitError for everything else.
    """
    limits, board = parse_budget(budget), load_target(target)
    with model_file(model, example_inputs) as path, tempfile.TemporaryDirectory() as work:
        name = check_name(name or default_name(path.stem))
        options = Options(name, target, io, keep_input, budget, dims or {}, quantization, optimize,
                          regions=regions).beside(board, assumed_stack(board))  # fmt: skip

        progress("import, quantize, plan")
        numbers = None if calibration is None else Calibration(calibration, scale, offset)
        stages = compile_program(path, options, dump, numbers=numbers)

        with staged(Path(output or Path("build") / name)) as folder:
            progress("compile")
            emitted = emit_and_compile(stages, path.name, board, Path(work) / "first")
            if _exceeds(stages, known := options.beside(board, emitted.firmware.stack().bytes)):
                # The stack is deeper than was assumed: plan again, knowing it.
                options = known
                stages = compile_program(path, options, dump, numbers=stages.decided or numbers)
                emitted = emit_and_compile(stages, path.name, board, Path(work) / "second")
            for file, text in emitted.files.items():
                (folder / file).write_text(text)
            if stages.decided is not None:
                save(folder / QUANTIZATION, stages.decided)
            report = describe(name, path.name, board, stages)
            report |= memory(stages.program, emitted.pool, emitted.firmware, board)
            progress("measure")
            model_files = deploy(stages.program, folder, name)
            report |= speed(stages.program, model_files, board)
            progress("verify")
            report |= verify(stages.program, model_files, board)
            report["gates"] = explain(gates(report, limits), report, stages)
            report |= {"plan": PLAN, "plan_drawing": DRAWING}
            proof: dict[str, Any] = {"model": path.name, "plan": certificate(stages.program)}
            (folder / PLAN).write_text(plan_json(proof))
            (folder / DRAWING).write_text(draw(proof["plan"], f"{path.name} on {board.name}"))
            (folder / REPORT).write_text(to_json(report))
            (folder / f"model{path.suffix}").write_bytes(self_contained(path))
            entry = manifest(folder, stages.program, asdict(options), path)
            (folder / MANIFEST).write_text(to_json(entry))
    return report


def _exceeds(stages: Compiled, options: Options) -> bool:
    """Was the plan made for more than `options` allow, and does it take more, in all or in a region?"""
    program, limit = stages.program, options.ram_limit
    if limit is None or limit >= (stages.options.ram_limit or 0):
        return False
    if not holds(options.rooms, program.regions, program.state_bytes):
        return True
    return program.arena_bytes + program.state_bytes > limit


class _CallableModule(types.ModuleType):
    """``edgekit.build`` names this module and, in the public API, its function: it is both."""

    __call__ = staticmethod(build)


sys.modules[__name__].__class__ = _CallableModule
