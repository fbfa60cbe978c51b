"""The tasks' models in one program: linked, taking turns on the emulated core, equal to each alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.target import Target
from edgekit.tasks.layout import Block, Spot
from edgekit.toolchain import Compiler
from edgekit.validate.data import random_samples
from edgekit.validate.runners.deployed import Deployed
from edgekit.validate.runners.machine import Guest
from edgekit.validate.runners.places import child_environment, need_emulator_packages

_ROUNDS = 3  # in which every task runs once for each task that may interrupt it
_TIMEOUT_S = 900


def link(
    folder: Path, sources: Sequence[Path], roots: Sequence[str], compiler: Compiler, work: Path
) -> Path:
    """Compile the sources of a schedule's `folder` and link them into ``work``. Raises EK502."""
    include = [folder, *dict.fromkeys(source.parent for source in sources)]
    objects = compiler.compile(sources, work / "objects", include=include)
    return compiler.link_bare(objects, work / "schedule.elf", entry=roots[0], keep=roots)


def taking_turns(
    elf: Path, target: Target, models: Mapping[str, Deployed], spots: Sequence[Spot],
    blocks: Sequence[Block],
) -> dict[str, Any]:  # fmt: skip
    """Every task's jobs on random inputs, alone and half-way interrupted by each task that may, against the
    simulator of each model alone: ``jobs``, ``interrupts``, ``outputs_compared``, ``mismatches`` and the
    ``first_difference``.

    spots: the most urgent first. Raises EK503 and EK504 where the core has no emulator here, EK603 when
    it faults.
    """
    if not target.emulator.unicorn:
        raise EdgekitError(
            "EK503", "no emulator runs several models of this target",
            where=f"target {target.name}", found="unicorn does not have this core",
        )  # fmt: skip
    need_emulator_packages()
    jobs = _jobs(spots)
    counts = [sum(n in pair for pair in jobs) for n in range(len(spots))]
    samples = [
        random_samples(_inputs(_program(models[s.name])), 1, seed=i, steps=n)
        for i, (s, n) in enumerate(zip(spots, counts, strict=True))
    ]
    request = _request(models, spots, blocks) | {"jobs": jobs}
    inputs = {
        f"{n}_{i}": array[0] for n, s in enumerate(samples) for i, array in enumerate(s.arrays)
    }
    memory = sum(block.bytes for block in blocks)
    guest = Guest(str(elf), target.arch, target.emulator.unicorn, "", "", "", (memory, 0, 0), (0,),
                  (), "", False)  # fmt: skip
    answer = _run(guest, request, inputs)
    report: dict[str, Any] = {
        "jobs": sum(counts),
        "interrupts": sum(other >= 0 for _, other in jobs),
        "outputs_compared": 0,
        "mismatches": 0,
        "first_difference": None,
    }
    for n, (spot, sample) in enumerate(zip(spots, samples, strict=True)):
        wanted = Simulator(_program(models[spot.name])).run(sample.arrays, True)
        for i, array in enumerate(wanted):
            expected = np.ascontiguousarray(array[0]).view(np.uint8).reshape(counts[n], -1)
            wrong = (answer[f"{n}_{i}"] != expected).any(axis=1)
            report["outputs_compared"] += array[0].size
            report["mismatches"] += int((answer[f"{n}_{i}"] != expected).sum())
            if wrong.any() and report["first_difference"] is None:
                report["first_difference"] = f"job {int(wrong.argmax())} of {spot.name}"
    return report


def _jobs(spots: Sequence[Spot]) -> list[tuple[int, int]]:
    """(task, task that interrupts it or -1), the least urgent first."""
    alone = [(n, -1) for n in reversed(range(len(spots)))]
    pairs = []
    for n in reversed(range(len(spots))):
        others = [m for m, s in enumerate(spots) if s.level < spots[n].level]
        pairs += [(n, m) for m in others or [-1]]
    return alone + pairs * _ROUNDS


def _request(
    models: Mapping[str, Deployed], spots: Sequence[Spot], blocks: Sequence[Block]
) -> dict[str, Any]:
    starts, at = {}, 0
    for block in blocks:
        starts[block.region] = at
        at += block.bytes
    tasks = []
    for spot in spots:
        model, arena = models[spot.name], starts[spot.region] + spot.arena_offset
        tasks.append({
            "run": f"schedule_{spot.name}_run",
            "reset": f"schedule_{spot.name}_reset" if spot.state_bytes else "",
            "kernels": [layer.function for layer in model.steps],
            "inputs": [(arena + t.offset, t.nbytes) for t in model.inputs],
            "outputs": [(arena + t.offset, t.nbytes) for t in model.outputs],
        })  # fmt: skip
    return {"memory": list(starts.values()), "tasks": tasks}


def _run(guest: Guest, request: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="edgekit-") as work:
        files = [Path(work) / name for name in ("request.json", "inputs.npz", "answer.npz")]
        files[0].write_text(json.dumps(request))
        np.savez(files[1], **inputs)
        command = [sys.executable, "-m", "edgekit.validate.runners._shared", guest.to_json(),
                   *map(str, files)]  # fmt: skip
        where = f"emulated {guest.cpu}"
        try:
            done = subprocess.run(command, env=child_environment(), cwd=work, capture_output=True,
                                  text=True, errors="replace", timeout=_TIMEOUT_S)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise EdgekitError(
                "EK601", "the models do not end", where=where, found=f"no end after {_TIMEOUT_S} s"
            ) from None
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise EdgekitError(
                "EK603", "the models together faulted", where=where, found="; ".join(lines[-1:])
            )
        with np.load(files[2], allow_pickle=False) as archive:
            return dict(archive)


def _program(model: Deployed) -> Program:
    assert model.program is not None
    return model.program


def _inputs(program: Program) -> list[Any]:
    return [program.buffers[name] for name in program.inputs]
