"""The folder of a schedule: a bundle for each model, their common memory, and proof that they fit together."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit import __version__
from edgekit.build import build
from edgekit.bundle import MANIFEST, REPORT, sha256, staged, to_json
from edgekit.emit.entry import entry_points
from edgekit.emit.footprint import footprint
from edgekit.emit.stack import stack_bound
from edgekit.errors import EdgekitError
from edgekit.plan.rows import up
from edgekit.quantize import Settings
from edgekit.target import Target
from edgekit.tasks.choose import ALIGN
from edgekit.tasks.emit import header, project, source
from edgekit.tasks.layout import Block, Spot, lay_out
from edgekit.tasks.verify import link, taking_turns
from edgekit.tasks.ways import Ways
from edgekit.toolchain import find_compiler
from edgekit.validate.runners import Deployed, deploy

if TYPE_CHECKING:
    from edgekit.tasks.run import Plan

Report = dict[str, Any]
Progress = Callable[[str], None]


def write(
    plan: Plan, target: str, output: Path, limits: dict[str, float], progress: Progress
) -> Report:
    """Build the bundles, emit the schedule, link and verify; the report of it all, gates included.

    Raises EK003 where two bundles have different kernels of one name, EK501 and the like for tools.
    """
    spots, blocks = _places(plan)
    with staged(output) as folder, tempfile.TemporaryDirectory() as work:
        models: dict[str, Deployed] = {}
        for way, number in zip(plan.ways, plan.choice.ways, strict=True):
            if way.stages is not None:
                progress(f"build {way.task.name}")
                models[way.task.name] = _bundle(way, number, target, folder)
        sources = _sources(folder, [spot.name for spot in spots])
        texts = {
            "schedule.h": header(plan.tasks, plan.choice.levels, spots, blocks),
            "schedule.c": source(spots, blocks),
            **project([spot.name for spot in spots], [str(s.relative_to(folder)) for s in sources]),
        }
        for name, text in texts.items():
            (folder / name).write_text(text)
        progress("link, verify")
        report = _linked(plan, folder, sources, models, spots, blocks, Path(work), limits)
        (folder / REPORT).write_text(to_json(report))
        (folder / MANIFEST).write_text(_manifest(folder, target, [spot.name for spot in spots]))
    return report


def _places(plan: Plan) -> tuple[list[Spot], list[Block]]:
    """Where each task with a model has its memory."""
    rooms, spots = plan.memory.rooms, []
    for way, job, number, room, level in zip(
        plan.ways, plan.jobs, plan.choice.ways, plan.choice.rooms, plan.choice.levels, strict=True
    ):
        if way.stages is not None:
            chosen = job.ways[number]
            spots.append(Spot(way.task.name, level, rooms[room].name, chosen.arena, chosen.state))
    home = next(room.name for room in rooms if room.home)
    return lay_out(spots, home)


def _bundle(way: Ways, number: int, target: str, folder: Path) -> Deployed:
    """The bundle of a task in `folder`: built as it was counted, or copied."""
    task, program = way.task, way.measured[number].program
    place = folder / task.name
    if way.folder is not None:
        shutil.copytree(way.folder, place)
    else:
        assert task.model is not None
        options = way.candidates[number].options
        build(task.model, calibration=task.calibration, scale=task.scale, offset=task.offset,
              quantization=Settings(scheme=task.scheme), target=target, output=place,
              name=task.name, optimize=options.optimize, arena_limit=options.arena_limit)  # fmt: skip
    return deploy(program, place, task.name)


def _sources(folder: Path, names: Sequence[str]) -> list[Path]:
    """The C files of all bundles, a kernel that several of them have once. Raises EK003."""
    found: dict[str, Path] = {}
    for name in names:
        for path in sorted((folder / name).glob("*.[ch]")):
            other = found.setdefault(path.name, path)
            if other.read_bytes() != path.read_bytes():
                raise EdgekitError(
                    "EK003", "two bundles have different files of one name", where=path.name,
                    found=f"{other.parent.name} and {name}",
                    help="build them with the same version and the same plug-ins",
                )  # fmt: skip
    return [path for path in found.values() if path.suffix == ".c"]


def _linked(
    plan: Plan, folder: Path, sources: Sequence[Path], models: dict[str, Deployed],
    spots: Sequence[Spot], blocks: Sequence[Block], work: Path, limits: dict[str, float],
) -> Report:  # fmt: skip
    """One image of everything: its flash and stacks, and its jobs against each model alone."""
    board, compiler = plan.board, find_compiler(plan.board)
    runs = [f"schedule_{spot.name}_run" for spot in spots]
    resets = [f"schedule_{spot.name}_reset" for spot in spots if spot.state_bytes]
    elf = link(folder, [*sources, folder / "schedule.c"], [*runs, *resets], compiler, work)
    foot = footprint(elf, "")
    flash = foot.code_bytes + foot.weights_bytes + foot.tables_bytes
    stacks = [stack_bound(elf, [run]).bytes for run in runs]
    deepest: dict[int, int] = {}
    for spot, stack in zip(spots, stacks, strict=True):
        deepest[spot.level] = max(stack, deepest.get(spot.level, 0))
    memory, stack = sum(block.bytes for block in blocks), sum(deepest.values())
    alone = sum(_flash_alone(models[s.name], board, work) for s in spots)
    report: Report = {
        "memory": [{"region": b.region, "bytes": b.bytes} for b in blocks],
        "state_bytes": sum(up(s.state_bytes, ALIGN) for s in spots),
        "stack_bytes": stack,
        "static_bytes": foot.data_bytes,
        "ram_bytes": memory + stack + foot.data_bytes,
        "flash_bytes": flash,
        "flash_bytes_apart": alone,
        "flash_limit_bytes": board.flash_limit_bytes,
        "flash_reserved_bytes": board.flash_reserved_bytes,
        "compiler": compiler.version,
    }
    return report | _checked(elf, plan, models, spots, blocks, report, limits)


def _flash_alone(model: Deployed, board: Target, work: Path) -> int:
    """What a model takes by itself."""
    from edgekit.firmware import compile_model

    assert model.program is not None
    roots = entry_points(model.name, model.program)
    image = compile_model(
        model.folder, model.name, board, work / f"alone_{model.name}", roots=roots
    )
    foot = image.footprint()
    return foot.code_bytes + foot.weights_bytes + foot.tables_bytes


def _checked(
    elf: Path, plan: Plan, models: dict[str, Deployed], spots: Sequence[Spot],
    blocks: Sequence[Block], report: Report, limits: dict[str, float],
) -> Report:  # fmt: skip
    """The gates of flash, and of equality where an emulator is at hand."""
    gates = []
    if report["flash_limit_bytes"] is not None:
        used = report["flash_bytes"] + report["flash_reserved_bytes"]
        gates.append(_gate("flash fits", report["flash_limit_bytes"], used))
    if "flash" in limits:
        gates.append(_gate("flash budget", limits["flash"], report["flash_bytes"]))
    try:
        found = taking_turns(elf, plan.board, models, spots, blocks)
    except EdgekitError as missing:
        if missing.code not in ("EK503", "EK504"):
            raise
        return {"left_out": f"{missing.message}: {missing.found}", "more_gates": gates}
    gates.append(_gate("bit-exact", 0, found["mismatches"]))
    return found | {"bit_exact": found["mismatches"] == 0, "more_gates": gates}


def _gate(name: str, limit: float, found: float) -> Report:
    gate: Report = {"name": name, "limit": limit, "found": found, "passed": found <= limit}
    return gate if gate["passed"] else gate | {"reason": f"over by {found - limit:,}"}


def _manifest(folder: Path, target: str, names: Sequence[str]) -> str:
    """The hashes of what stands in the folder; those of a bundle are in its own manifest."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name != MANIFEST)
    files += [folder / name / MANIFEST for name in names]
    return to_json({
        "edgekit_version": __version__,
        "target": target,
        "schedule": list(names),
        "files": {str(p.relative_to(folder)): sha256(p.read_bytes()) for p in files},
    })  # fmt: skip
