"""The figures of a compressed model: what it needs, what it costs, and how right it is."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.emit import emit
from edgekit.emit.entry import entry_points
from edgekit.firmware import compile_model
from edgekit.graph import Graph
from edgekit.measure import memory, speed
from edgekit.program import Program
from edgekit.quantize.evaluate import activations, real_inputs
from edgekit.simulate import Simulator
from edgekit.target import Target
from edgekit.threads import one_blas_thread
from edgekit.validate.data import Samples, source_order
from edgekit.validate.fidelity import real_values
from edgekit.validate.runners import deploy
from edgekit.validate.score import METRICS, default_metric, finite, score

Array = NDArray[Any]
Report = dict[str, Any]
_Z = 1.959964  # of the normal distribution, for 95 %


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, 1927): where the true one lies."""
    share, square = right / count, _Z**2 / count
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def quality(metric: str | None, outputs: Array, samples: Samples) -> Report:
    """``metric``, its value under its own key, and for an accuracy its ``interval``. Outputs are real
    values [N, ...]; with no metric and no labels, nothing is known."""
    metric = metric or default_metric(samples)
    if metric is None:
        return {"metric": None, "accuracy": None, "interval": None, "samples": len(samples)}
    value = finite(score(metric, outputs, samples))
    interval = None
    if metric == "top1" and value is not None:
        interval = list(wilson(round(value * len(samples)), len(samples)))
    report = {"metric": metric, "accuracy": None, METRICS[metric]: value}
    return report | {"interval": interval, "samples": len(samples)}


def program_quality(program: Program, samples: Samples, metric: str | None) -> Report:
    """The simulator's answers on samples of the program's inputs."""
    outputs = Simulator(program).run(samples.arrays, samples.sequence)
    tensors = [program.buffers[name] for name in program.outputs[:1]]
    (found,) = source_order(tensors, outputs[:1], program.layouts, 1 + samples.sequence)
    return quality(metric, real_values(found, tensors[0]), samples)


def real_outputs(graph: Graph, samples: Samples) -> Array:
    """The first output of a canonical graph in real numbers, [N, *shape]; samples without sequences."""
    name, made = graph.outputs[0], []
    with one_blas_thread():
        for inputs in real_inputs(graph, samples):
            made.append(next(x for found, x in activations(graph, inputs) if found == name))
    found = np.stack(made)
    layout = graph.layouts.get(name)
    return found if layout is None else layout.source(found)


def real_quality(graph: Graph, samples: Samples, metric: str | None) -> Report:
    """The canonical graph's answers in real numbers."""
    return quality(metric, real_outputs(graph, samples), samples)


def light(program: Program, name: str) -> Report:
    """What is known of size and speed before any compiler has run."""
    _, pool = emit(name, program, name)
    weights = sum(a.nbytes for s, a in pool.arrays.items() if s.startswith(f"{name}_w_"))
    return {
        "weights_bytes": weights,
        "tables_bytes": sum(a.nbytes for a in pool.arrays.values()) - weights,
        "arena_bytes": program.arena_bytes,
        "macs": sum(step.macs for step in program.steps),
        "instructions_estimate": sum(step.instructions for step in program.steps),
    }


def compiled(program: Program, name: str, target: Target) -> Report:
    """Flash, RAM, stack, instructions and cycles of the program compiled for the target."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "c"
        folder.mkdir()
        files, pool = emit(name, program, name)
        for file, text in files.items():
            (folder / file).write_text(text)
        firmware = compile_model(
            folder, name, target, Path(work), roots=entry_points(name, program)
        )
        report = {"arena_bytes": program.arena_bytes} | memory(program, pool, firmware, target)
        report |= speed(program, deploy(program, folder, name), target)
    return report


def figures(report: Mapping[str, Any]) -> Report:
    """The part of a build's report that a row shows."""
    keys = (
        "flash_bytes", "weights_bytes", "tables_bytes", "code_bytes", "arena_bytes", "stack_bytes",
        "ram_bytes", "instructions", "cycles_estimate",
    )  # fmt: skip
    return {key: report.get(key) for key in keys}
