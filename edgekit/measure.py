"""The numbers of a report: what a model is, needs, costs, and whether it computes the right bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit import __version__
from edgekit.emit.constants import Pool
from edgekit.firmware import Firmware
from edgekit.program import Program, Step
from edgekit.target import Target
from edgekit.validate.data import random_samples
from edgekit.validate.runners import deployed

if TYPE_CHECKING:
    from edgekit.build import Compiled

SAMPLES = 16  # of the verification that every build runs


def describe(name: str, model: str, target: Target, stages: Compiled) -> dict[str, Any]:
    """What the model is: operators, parameters, MACs and the layers with their MACs."""
    program = stages.program
    return {
        "model": model,
        "target": target.name,
        "name": name,
        "edgekit_version": __version__,
        "operators": len(stages.canonical.nodes),
        "parameters": parameters(stages),
        "macs": sum(step.macs for step in program.steps),
        "arena_bytes": program.arena_bytes,
        "arena_lower_bound_bytes": program.plan.lower_bound,
        "arena_optimal": program.arena_bytes <= program.plan.lower_bound,
        "arena_method": program.plan.method,
        "arena_peak": program.plan.peak,
        "state_bytes": program.state_bytes,
        "layers": [layer(step) for step in program.steps],
    }


def layer(step: Step) -> dict[str, Any]:
    """The part of a layer's entry that is known without a compiler."""
    return {
        "name": step.name,
        "op": step.op.name,
        "kernel": f"ek_{step.op.kernel}_s8",
        "macs": step.macs,
    }


def parameters(stages: Compiled) -> int:
    """Elements of the distinct constant tensors that layers with weights read."""
    used = {name for node in stages.canonical.nodes for name in node.inputs if name}
    values = stages.canonical.values
    return sum(v.elements for name, v in values.items() if name in used and v.data is not None)


def memory(program: Program, pool: Pool, firmware: Firmware, target: Target) -> dict[str, Any]:
    """RAM by arena, state, static, stack; flash by code, weights, tables; does it fit."""
    foot = firmware.footprint()
    stack = firmware.stack()
    report = {
        "stack_bytes": stack.bytes,
        "stack_bounded": True,
        "stack_path": [name for name, _ in stack.path],
        "static_bytes": foot.data_bytes,
        "code_bytes": foot.code_bytes,
        "weights_bytes": foot.weights_bytes,
        "tables_bytes": foot.tables_bytes,
        "compiler": firmware.compiler.version,
        "compiler_flags": firmware.compiler.command_line(),
    }
    return report | totals(program.arena_bytes, program.state_bytes, report, target) | {
        "layer_memory": layer_memory(program, pool)
    }  # fmt: skip


def totals(arena: int, state: int, parts: dict[str, Any], target: Target) -> dict[str, Any]:
    """Sums and the verdict against a target's limits."""
    ram = arena + state + parts["static_bytes"] + parts["stack_bytes"]
    flash = parts["code_bytes"] + parts["weights_bytes"] + parts["tables_bytes"]
    ram_limit, flash_limit = target.ram_limit_bytes, target.flash_limit_bytes
    return {
        "reserved_bytes": target.reserved_bytes,
        "ram_bytes": ram,
        "ram_limit_bytes": ram_limit,
        "flash_bytes": flash,
        "flash_limit_bytes": flash_limit,
        "fits": (ram_limit is None or ram + target.reserved_bytes <= ram_limit)
        and (flash_limit is None or flash <= flash_limit),
    }


def layer_memory(program: Program, pool: Pool) -> list[dict[str, Any]]:
    """Per layer: bytes of constants in flash and bytes alive in the arena while it runs."""
    return [
        {
            "name": step.name,
            "op": step.op.name,
            "flash_bytes": pool.owned_bytes(step.name),
            "ram_bytes": live,
        }
        for step, live in zip(program.steps, program.plan.live, strict=True)
    ]


def speed(program: Program, folder: Path, name: str, target: Target) -> dict[str, Any]:
    """Instructions and estimated cycles on the emulator, null where it cannot count this core."""
    from edgekit.bench import can_count, count

    if not can_count(target):
        return {
            "instructions": None,
            "cycles_estimate": None,
            "cycles_method": "not counted on this target",
        }
    inputs = [x[0] for x in random_samples(_specs(program), 1).arrays]
    counts = count(deployed(program, folder, name), target, inputs)
    layers = [
        layer(step) | {"instructions": c.instructions, "cycles_estimate": c.cycles_estimate}
        for step, c in zip(program.steps, counts.layers, strict=True)
    ]
    return {
        "instructions": counts.instructions,
        "cycles_estimate": counts.cycles_estimate,
        "cycles_method": counts.cycles_method,
        "stack_measured_bytes": counts.stack_measured,
        "layers": layers,
    }
