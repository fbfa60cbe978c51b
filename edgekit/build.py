"""The whole pipeline, top to bottom: from a model file to a verified bundle."""

from __future__ import annotations

import sys
import tempfile
import types
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgekit.bundle import MANIFEST, REPORT, staged, to_json
from edgekit.emit import emit
from edgekit.emit.names import check_name, default_name
from edgekit.firmware import compile_model
from edgekit.frontends import load_model
from edgekit.graph import Graph, IntGraph
from edgekit.lowering import lower
from edgekit.manifest import manifest
from edgekit.measure import describe, memory, speed, verify
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.program import Program
from edgekit.report import gates, parse_budget
from edgekit.target import load_target
from edgekit.validate.runners import deploy
from edgekit.variants import choose

Progress = Callable[[str], None]
Dump = Callable[[str, str], None]


@dataclass(frozen=True)
class Options:
    """What a build was asked for; stored in the manifest, so that it can be repeated.

    io: "arena" (inputs and outputs inside the arena), "caller" (the caller's buffers) or "float"
    (arena, plus conversion helpers). budget: "ram=32K,flash=128K,cycles=3M" or "".
    """

    name: str
    target: str = "host"
    io: str = "arena"
    keep_input: bool = False
    budget: str = ""


@dataclass(frozen=True, eq=False)
class Compiled:
    """The stages of one model, each of its own type."""

    source: Graph
    canonical: Graph
    integer: IntGraph
    program: Program


def compile_program(model: Path, options: Options, dump: Dump | None = None) -> Compiled:
    """Import, canonicalise, lower and plan; touches no compiler and writes nothing."""
    source = load_model(model)
    graph = canonical(source, dump)
    integer = choose(lower(graph), load_target(options.target).isa)
    program = plan(integer, keep_input=options.keep_input, caller_io=options.io == "caller")
    if dump:
        dump("integer", integer.text())
        dump("program", program.text())
    return Compiled(source, graph, integer, program)


def build(
    model: str | Path,
    *,
    target: str = "host",
    output: str | Path | None = None,
    name: str = "",
    io: str = "arena",
    keep_input: bool = False,
    budget: str = "",
    dump: Dump | None = None,
    progress: Progress = lambda stage: None,
) -> dict[str, Any]:
    """Build `model` for `target` and return the report (the contract's JSON keys).

    Writes the bundle to `output` (default ``build/<name>``), whole or not at all. A failed gate is
    no exception: see ``report["gates"]``. Raises EdgekitError for everything else that goes wrong.
    """
    model = Path(model)
    options = Options(check_name(name or default_name(model.stem)), target, io, keep_input, budget)
    limits = parse_budget(budget)
    board = load_target(target)

    progress("import, plan")
    stages = compile_program(model, options, dump)
    files, pool = emit(options.name, stages.program, model.name, float_io=io == "float")

    with (
        staged(Path(output or Path("build") / options.name)) as folder,
        tempfile.TemporaryDirectory() as work,
    ):
        for file, text in files.items():
            (folder / file).write_text(text)
        progress("compile")
        stateful = bool(stages.program.state_bytes)
        firmware = compile_model(folder, options.name, board, Path(work), stateful=stateful)
        report = describe(options.name, model.name, board, stages)
        report |= memory(stages.program, pool, firmware, board)
        progress("measure")
        model_files = deploy(stages.program, folder, options.name)
        report |= speed(stages.program, model_files, board)
        progress("verify")
        report |= verify(stages.program, model_files, board)
        report["gates"] = gates(report, limits)
        (folder / REPORT).write_text(to_json(report))
        copy = folder / f"model{model.suffix}"
        copy.write_bytes(model.read_bytes())
        (folder / MANIFEST).write_text(
            to_json(manifest(folder, stages.program, asdict(options), model))
        )
    return report


class _CallableModule(types.ModuleType):
    """``edgekit.build`` names this module and, in the public API, its function: it is both."""

    __call__ = staticmethod(build)


sys.modules[__name__].__class__ = _CallableModule
