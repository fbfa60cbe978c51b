"""How many instructions an inference executes, exactly, and how many cycles that may be."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.cycles import Disassembler, Instruction, costs
from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.target import Target, load_target
from edgekit.toolchain import find_compiler
from edgekit.validate.runners._count import FAULT_STATUS
from edgekit.validate.runners.agent import build_counted, build_model
from edgekit.validate.runners.deployed import SPACES, Deployed
from edgekit.validate.runners.elf import read_image
from edgekit.validate.runners.machine import Guest
from edgekit.validate.runners.places import (
    EMULATOR_PACKAGES,
    board_options,
    child_environment,
    need_emulator_packages,
)
from edgekit.validate.runners.qemu_trace import trace
from edgekit.validate.runners.tally import Tally

Array = NDArray[Any]
_TIMEOUT_S = 600


@dataclass(frozen=True)
class LayerCount:
    """One layer: from where its kernel is prepared for to the return from it. Where threads share it,
    `instructions` are those of all, the rest that of the slowest."""

    name: str
    op: str
    kernel: str
    instructions: int
    critical: int
    cycles_estimate: int | None


@dataclass(frozen=True)
class Counts:
    """One inference: the sums over the layers; critical: what threads do of it after one another;
    stack_measured: bytes of stack that were written; accesses: loads and stores, every register of a
    multiple one."""

    instructions: int
    critical: int
    cycles_estimate: int | None
    cycles_method: str
    layers: tuple[LayerCount, ...]
    stack_measured: int
    accesses: int


def can_count(target: Target) -> bool:
    """Whether `count` knows this core and what it needs is installed."""
    installed = all(importlib.util.find_spec(module) for module in EMULATOR_PACKAGES)
    return bool(target.emulator.unicorn or _board(target)) and installed


def _board(target: Target) -> str:
    """The program that emulates a board with this core, "" where there is none."""
    qemu = target.emulator.qemu
    return (shutil.which(qemu.program) or "") if qemu and qemu.machine else ""


def count(deployed: Deployed, target: Target, inputs: Sequence[Array]) -> Counts:
    """Count one inference on `inputs` (one sample: arrays [*shape]), the first after a reset.

    The same object code and inputs give the same figures, on any machine. Cycles are the sum over
    the instructions of the target's table of cycles by class; None where it has none.
    Raises EK503 where no emulator counts this core's instructions, EK504 for missing packages,
    EK501 and EK502 for compilers, EK601 when the model does not end, EK603 when it faults.
    """
    return _evaluate(deployed, target, execute(deployed, target, inputs))


def execute(deployed: Deployed, target: Target, inputs: Sequence[Array]) -> dict[str, Any]:
    """What one inference executed, as the child process `_count.py` answers. Raises like `count`."""
    need_emulator_packages()
    calls = deployed.calls
    kernels = [deployed.steps[layer].function for layer, _ in calls]
    # A layer of the counter is what one thread does of one of ours.
    layers = np.array([layer * deployed.threads + thread for layer, thread in calls], np.int64)
    data = [
        np.ascontiguousarray(x, tensor.dtype)
        for tensor, x in zip(deployed.inputs, inputs, strict=True)
    ]
    way = _in_unicorn if target.emulator.unicorn else _in_qemu
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        answer = way(deployed, target, kernels, layers, data, Path(folder))
    if answer["result"] != 0 or answer["done"] != len(calls):
        raise EdgekitError(
            "EK603", "the model did not execute all its layers", where=deployed.name,
            found=f"{answer['done']} of {len(calls)}, result {answer['result']}",
        )  # fmt: skip
    return answer


def _in_unicorn(
    deployed: Deployed,
    target: Target,
    kernels: list[str],
    layers: Array,
    inputs: list[Array],
    folder: Path,
) -> dict[str, Any]:
    elf = build_model(deployed, target, folder, traced=False)
    request: dict[str, Any] = {"kernels": np.array(kernels), "layers": layers}
    for i, (tensor, x) in enumerate(zip(deployed.inputs, inputs, strict=True)):
        request[f"place_{i}"] = np.array([SPACES.index(tensor.space), tensor.offset])
        request[f"input_{i}"] = x
    guest = Guest.of(deployed, target, elf, traced=False)
    return _run_child(guest, _hook(folder), request, folder)


def _in_qemu(
    deployed: Deployed,
    target: Target,
    kernels: list[str],
    layers: Array,
    inputs: list[Array],
    folder: Path,
) -> dict[str, Any]:
    program, board = _board(target), target.emulator.qemu
    if not program or board is None:
        raise EdgekitError(
            "EK503", "no emulator counts the instructions of this target",
            where=f"target {target.name}", found=f"no {board.program}" if board else
            "unicorn does not have this core", help=f"apt install {board.package}" if board else "",
        )  # fmt: skip
    elf, port = build_counted(deployed, target, board, folder, [x.tobytes() for x in inputs])
    tally = Tally(read_image(elf), target.arch, deployed.walker, kernels, layers)
    command = [program, *board_options(target, board), "-kernel", str(elf)]
    traced = trace(command, tally, port, _TIMEOUT_S)
    return tally.finish() | {"result": traced.result, "stack": traced.stack}


def _hook(folder: Path) -> str:
    """The compiled counting function, "" where this machine has no compiler."""
    source = data_dir("runtime") / "port" / "count_block.c"
    try:
        compiler = find_compiler(load_target("host"))
        objects = compiler.compile([source], folder / "hook", flags=["-fPIC"])
        return str(compiler.link(objects, folder / "hook.so", flags=["-shared", "-nostdlib"]))
    except EdgekitError:
        return ""


def _run_child(guest: Guest, hook: str, request: dict[str, Any], folder: Path) -> dict[str, Any]:
    np.savez(folder / "request.npz", **request)
    command = [sys.executable, "-m", "edgekit.validate.runners._count", guest.to_json(), hook,
               str(folder / "request.npz"), str(folder / "answer.npz")]  # fmt: skip
    where = f"emulated {guest.cpu}"
    try:
        done = subprocess.run(
            command, env=child_environment(), cwd=folder, capture_output=True, text=True,
            errors="replace", timeout=_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise EdgekitError(
            "EK601", "the model does not end", where=where, found=f"no end after {_TIMEOUT_S} s"
        ) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        what = "the model faulted" if done.returncode == FAULT_STATUS else "the emulator failed"
        raise EdgekitError("EK603", what, where=where, found="; ".join(lines[-1:]))
    with np.load(folder / "answer.npz", allow_pickle=False) as archive:
        return dict(archive)


def _evaluate(deployed: Deployed, target: Target, answer: dict[str, Any]) -> Counts:
    unit, counts, taken = int(answer["unit"]), answer["counts"], answer["taken"]
    found = _executed(target.arch, answer["code"].tobytes(), counts.sum(axis=0), unit)
    starts = np.array([i.offset // unit for i in found], int)
    ends = np.array([(i.offset + i.size) // unit for i in found], int)
    executed, jumps = counts[:, starts], taken[:, ends]
    instructions = _by_thread(executed.sum(axis=1), deployed)
    cycles: list[int | None] = [None] * len(deployed.steps)
    method = "no table of cycles for this target"
    if target.cycles is not None:
        table = np.array(list(costs(found, target.cycles))).reshape(-1, 2)
        estimate = (executed @ table[:, 0] + jumps @ table[:, 1]) * target.cycles.factor
        slowest = _by_thread(estimate, deployed).max(axis=1)
        cycles = [round(value) for value in slowest.tolist()]
        method = f"{target.core} table by instruction class: {target.cycles.source}"
        if deployed.threads > 1:
            method = f"the slowest of {deployed.threads} threads in each layer, their meetings left out; {method}"
    layers = tuple(
        LayerCount(step.name, step.op, step.kernel, int(n.sum()), int(n.max()), c)
        for step, n, c in zip(deployed.steps, instructions, cycles, strict=True)
    )
    return Counts(
        int(instructions.sum()),
        sum(layer.critical for layer in layers),
        None if target.cycles is None else sum(c or 0 for c in cycles),
        method,
        layers,
        int(answer["stack"]),
        int(executed.sum(axis=0) @ np.array([i.registers for i in found], int)),
    )


def _by_thread(counted: Array, deployed: Deployed) -> Array:
    """Figures of what each thread does of each layer, [layers, threads]."""
    found = np.zeros(len(deployed.steps) * deployed.threads, counted.dtype)
    found[: len(counted)] = counted
    return found.reshape(-1, deployed.threads)


def _executed(arch: str, code: bytes, total: Array, unit: int) -> list[Instruction]:
    """The instructions that executed, by address. A run of executed bytes begins with a block, so
    with an instruction; data between functions is never executed."""
    disassembler, found, at = Disassembler(arch), [], 0
    for index in np.flatnonzero(total).tolist():
        if index >= at:
            found.append(disassembler.instruction(code, index * unit))
            at = index + found[-1].size // unit
    return found
