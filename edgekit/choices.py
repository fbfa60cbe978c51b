"""What instances of kernels cost in flash and won in instructions: the same program, built both ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit.emit import emit
from edgekit.emit.entry import entry_points
from edgekit.emit.instances import functions
from edgekit.firmware import compile_model
from edgekit.measure import speed
from edgekit.program import Program
from edgekit.target import Target
from edgekit.validate.runners import deploy

Report = dict[str, Any]


def both_choices(program: Program, name: str, target: Target, report: Report, work: Path) -> Report:
    """``specialisation`` for the report of a program with instances, nothing for one without.

    Code and instructions with the instances, and `_shared`, where every layer calls the kernel that
    all layers share; the same for each layer that has an instance. Instructions are null where this
    core cannot be counted. Raises EK501 and EK502 for compilers.
    """
    if not any(step.specialised for step in program.steps):
        return {}
    shared = replace(program, steps=tuple(replace(s, specialised=False) for s in program.steps))
    folder = work / "shared"
    folder.mkdir(parents=True)
    for file, text in emit(name, shared, name)[0].items():
        (folder / file).write_text(text)
    firmware = compile_model(
        folder, name, target, work / "shared-objects", roots=entry_points(name, shared)
    )
    counted = speed(shared, deploy(shared, folder, name), target)
    nothing = [{"instructions": None}] * len(program.steps)
    layers = [
        {
            "name": step.name,
            "function": function,
            "instructions": now["instructions"],
            "instructions_shared": before["instructions"],
        }
        for step, function, now, before in zip(
            program.steps,
            functions(name, program),
            report["layers"] if report["instructions"] is not None else nothing,
            counted.get("layers", nothing),
            strict=True,
        )
        if step.specialised
    ]
    return {
        "specialisation": {
            "instances": len({layer["function"] for layer in layers}),
            "code_bytes": report["code_bytes"],
            "code_bytes_shared": firmware.footprint().code_bytes,
            "instructions": report["instructions"],
            "instructions_shared": counted["instructions"],
            "layers": layers,
        }
    }
