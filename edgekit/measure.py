"""The numbers of a report: what a model is, needs, costs, and whether it computes the right bytes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit import __version__
from edgekit.bench import can_count, count
from edgekit.emit.constants import Pool
from edgekit.errors import EdgekitError
from edgekit.firmware import Firmware
from edgekit.flash import storage_report
from edgekit.graph import DTYPES
from edgekit.program import Program, Step
from edgekit.quantize import Quantization
from edgekit.quantize.report import errors_json
from edgekit.rewrite.constant_channels import removed_channels
from edgekit.simulate import Simulator
from edgekit.target import Target
from edgekit.validate.compare import first_difference
from edgekit.validate.data import Samples, random_samples
from edgekit.validate.runners import Deployed, make_runner

if TYPE_CHECKING:
    from edgekit.build import Compiled

Report = dict[str, Any]
SAMPLES = 16  # random inputs of the verification that every build runs
STEPS = 4  # of each, where the model has state


def describe(name: str, model: str, target: Target, stages: Compiled) -> Report:
    """What the model is: operators, parameters, MACs, the arena, and the layers with their MACs."""
    program = stages.program
    return {
        "model": model,
        "target": target.name,
        "name": name,
        "edgekit_version": __version__,
        "operators": len(stages.canonical.nodes),
        "parameters": parameters(stages),
        "macs": sum(step.macs for step in program.steps),
        "activations": activations(program),
        "arena_bytes": program.arena_bytes,
        "arena_lower_bound_bytes": program.plan.lower_bound,
        "arena_optimal": program.arena_bytes <= program.plan.proved,
        "arena_proved_bytes": program.plan.proved,
        "arena_method": program.plan.method,
        "arena_peak": program.plan.peak,
        "order": None if program.plan.order is None else asdict(program.plan.order),
        "state_bytes": program.state_bytes,
        "stream_input": fed_rows(program),
        "threads": program.threads,
        "shared_layers": sum(step.threads > 1 for step in program.steps),
        "phases": len(program.phases()),
        "clock_hz": target.clock_hz,
        "constant_channels": removed_channels(stages.lowered, stages.integer),
        "layers": [layer(step) for step in program.steps],
        "code_weights": stages.options.code_weights,
        "coded_weights": storage_report(stages),
        "quantization": None if stages.decided is None else quantization(stages.decided),
    }


def activations(program: Program) -> str:
    """The types of the numbers that layers make: "int8", "int16" or "int8 and int16"."""
    made = [program.buffers[name] for step in program.steps for name in step.outputs]
    found = {b.dtype for b in made if b.quant is not None}
    return " and ".join(sorted(found, key=lambda dtype: DTYPES[dtype])) or "int8"


def fed_rows(program: Program) -> Report | None:
    """The rows in which a streamed input is handed over; None where inputs are resident."""
    if program.feed is None:
        return None
    step = program.steps[program.feed]
    return {"rows": step.rows, "row_bytes": program.buffers[step.outputs[0]].row_bytes}


def quantization(decided: Quantization) -> Report | None:
    """What choosing numbers here costs, layer by layer; None where that is not known any more."""
    if decided.errors is None:
        return None
    return errors_json(decided.errors) | {
        "notes": list(decided.notes),
        "schemes": dict(decided.schemes),
    }


def layer(step: Step) -> Report:
    """The part of a layer's entry that is known without a compiler."""
    return {
        "name": step.name,
        "op": step.op.name,
        "kernel": step.kernel.symbol,
        "macs": step.macs,
        "specialised": step.specialised,
        "threads": step.threads,
    }


def parameters(stages: Compiled) -> int:
    """Elements of the distinct constant tensors that the canonical graph reads."""
    graph = stages.canonical
    used = {name for node in graph.nodes for name in node.inputs if name}
    return sum(graph.value(name).elements for name in used if graph.const(name) is not None)


def memory(program: Program, pool: Pool, firmware: Firmware, target: Target) -> Report:
    """RAM by arena, state, static, stack; flash by code, weights, tables; does it fit.

    Each thread has a stack of its own; what the operating system puts on it is not in the bound.

    Raises EK401 where the stack has no bound.
    """
    foot, stack = firmware.footprint(), firmware.stack()
    parts = {
        "stack_bytes": stack.bytes * program.threads,
        "stack_bytes_each": stack.bytes,
        "stack_bounded": True,
        "stack_path": [name for name, _ in stack.path],
        "static_bytes": foot.data_bytes,
        "code_bytes": foot.code_bytes,
        "weights_bytes": foot.weights_bytes,
        "tables_bytes": foot.tables_bytes,
        "compiler": firmware.compiler.version,
        "compiler_flags": firmware.compiler.command_line(),
    }
    return parts | totals(program, parts, target) | {"layer_memory": layer_memory(program, pool)}


def totals(program: Program, parts: Report, target: Target) -> Report:
    """Sums and the verdict against a target's limits; parts that are not known count as 0."""
    beside = program.state_bytes + (parts["static_bytes"] or 0) + (parts["stack_bytes"] or 0)
    ram = program.arena_bytes + beside
    flash = (parts["code_bytes"] or 0) + parts["weights_bytes"] + parts["tables_bytes"]
    ram_limit, flash_limit = target.ram_limit_bytes, target.flash_limit_bytes
    regions = region_memory(program, target, beside)
    return {
        "reserved_bytes": target.reserved_bytes,
        "flash_reserved_bytes": target.flash_reserved_bytes,
        "ram_bytes": ram,
        "ram_limit_bytes": ram_limit,
        "regions": regions,
        "flash_bytes": flash,
        "flash_limit_bytes": flash_limit,
        "fits": (ram_limit is None or ram + target.reserved_bytes <= ram_limit)
        and all(region["fits"] for region in regions)
        and (flash_limit is None or flash + target.flash_reserved_bytes <= flash_limit),
    }


def region_memory(program: Program, target: Target, beside: int) -> list[Report]:
    """What each RAM region of the target would hold; `beside`: state, static data and stack, which
    lie in the first region as the firmware's own data does."""
    ram = [memory for memory in target.memory if memory.kind == "ram"]
    free = {m.name: m.size - m.reserved - beside * (m is ram[0]) for m in ram}
    parts = {region.name: region.bytes for region in program.regions}
    if ram and (not parts or not set(parts) <= set(free)):
        # Planned for another target, or without a choice of regions.
        whole = program.arena_bytes
        holding = [m for m in sorted(ram, key=lambda m: m.wait) if whole <= free[m.name]]
        parts = {(holding or sorted(ram, key=lambda m: -free[m.name]))[0].name: whole}
    return [
        {
            "name": m.name,
            "arena_bytes": parts.get(m.name, 0),
            "other_bytes": beside * (m is ram[0]),
            "reserved_bytes": m.reserved,
            "size_bytes": m.size,
            "fits": parts.get(m.name, 0) <= max(0, free[m.name]),
        }
        for m in ram
    ]


def layer_memory(program: Program, pool: Pool) -> list[Report]:
    """Per layer: bytes of constants in flash, and bytes alive in the arena while it runs."""
    return [
        {
            "name": step.name,
            "op": step.op.name,
            "flash_bytes": pool.owned_bytes(step.name),
            "ram_bytes": live,
        }
        for step, live in zip(program.steps, program.plan.live, strict=True)
    ]


def speed(program: Program, model: Deployed, target: Target) -> Report:
    """Instructions and estimated cycles of one inference; null where this core cannot be counted."""
    if not can_count(target):
        return {
            "instructions": None,
            "critical_path_instructions": None,
            "cycles_estimate": None,
            "cycles_method": f"not counted: no counting emulator for {target.name} here (edgekit doctor)",
        }
    one = random_samples([program.buffers[name] for name in program.inputs], 1)
    counts = count(model, target, [x[0] for x in one.arrays])
    return {
        "instructions": counts.instructions,
        "critical_path_instructions": counts.critical,
        "cycles_estimate": counts.cycles_estimate,
        "cycles_method": counts.cycles_method,
        "stack_measured_bytes": counts.stack_measured,
        "layers": [
            layer(step)
            | {
                "instructions": c.instructions,
                "critical_path_instructions": c.critical,
                "cycles_estimate": c.cycles_estimate,
            }
            for step, c in zip(program.steps, counts.layers, strict=True)
        ],
    }


def verify(program: Program, model: Deployed, target: Target) -> Report:
    """The same random inputs on the simulator, on this machine and on the emulated target.

    A place whose tools are not installed is left out and named. Returns the contract's counts, and
    the first difference in words.
    """
    tensors = [program.buffers[name] for name in program.inputs]
    samples = random_samples(tensors, SAMPLES, steps=STEPS if program.state_bytes else None)
    simulated = Simulator(program).run(samples.arrays, samples.sequence)
    report: Report = {
        "samples": len(samples),
        "outputs_compared": 0,
        "mismatches": 0,
        "verified_places": ["simulator"],
        "left_out": [],
        "first_difference": None,
    }
    for place in ("host", "emulator"):
        try:
            outputs = _run(place, model, target, samples)
        except EdgekitError as missing:
            if missing.code not in ("EK501", "EK503", "EK504"):
                raise
            report["left_out"].append(
                {"place": place, "reason": missing.message, "help": missing.help}
            )
            continue
        label = f"emulated {target.core}" if place == "emulator" else place
        report["verified_places"].append(label)
        report["outputs_compared"] += sum(x.size for x in simulated)
        wrong = sum(int(np.count_nonzero(a != b)) for a, b in zip(simulated, outputs, strict=True))
        report["mismatches"] += wrong
        if wrong and report["first_difference"] is None:
            sample = first_difference(simulated, outputs)
            report["first_difference"] = f"{label} differs from the simulator at sample {sample}"
    return report | {"bit_exact": report["mismatches"] == 0 and report["outputs_compared"] > 0}


def _run(place: str, model: Deployed, target: Target, samples: Samples) -> list[Any]:
    with make_runner(place, model, target) as runner:
        return runner.run(samples.arrays, samples.sequence)
