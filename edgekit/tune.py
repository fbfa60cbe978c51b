"""Counts every kernel that may run a layer, and keeps the figures for `build` to choose by."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit import __version__
from edgekit.bench import count
from edgekit.build import Compiled, Options, compile_program
from edgekit.costs import Costs, Entry, check_core, layer_key, load_costs
from edgekit.emit import emit
from edgekit.emit.names import default_name
from edgekit.graph import IntGraph, IntNode
from edgekit.op import PORTABLE, Kernel
from edgekit.plan import plan
from edgekit.plan.stages import stage_of
from edgekit.program import Program, Turn
from edgekit.quantize import Calibration, Settings
from edgekit.target import Target, load_target
from edgekit.toolchain import find_compiler
from edgekit.validate.data import random_samples
from edgekit.validate.runners import deploy

Progress = Callable[[str, int, int], None]
_NAME = "layer"


def tune(
    model: Path,
    target: str,
    output: Path,
    *,
    dims: Mapping[str, int] | None = None,
    calibration: Calibration | None = None,
    quantization: Settings = Settings(),
    progress: Progress = lambda layer, done, total: None,
) -> dict[str, Any]:
    """Count the kernels of each layer of `model`, called once and called row by row, and keep the
    figures in the cost file `output`.

    What the file knows already is not counted again, and it is written after every layer; one that
    older kernels were counted for begins anew. Raises EK006 where it is of another core or no cost
    file, and what `bench.count` raises.
    """
    board = load_target(target)
    name = default_name(model.stem)
    options = Options(name, target, dims=dims or {}, quantization=quantization, optimize="speed")
    stages = compile_program(model, options, numbers=calibration or Calibration())
    costs = _begun(output, board)
    open_nodes = {layer_key(n): n for n in stages.integer.nodes if n.variants}
    wanted = {k: n for k, n in open_nodes.items() if not _complete(costs.layers.get(k, {}), n)}
    for done, (key, node) in enumerate(wanted.items()):
        progress(node.name, done, len(wanted))
        costs = costs.with_layer(key, measure(node, stages.integer, board))
        costs.save(output)
    if not wanted:
        costs.save(output)
    return _report(model, name, board, stages, costs, len(wanted), output)


def _begun(output: Path, board: Target) -> Costs:
    fresh = Costs.none(board, find_compiler(board).version)
    if not output.exists():
        return fresh
    found = load_costs(output)
    check_core(found, output, board)
    return fresh if found.is_stale() or found.compiler != fresh.compiler else found


def _complete(entry: Entry, node: IntNode) -> bool:
    return PORTABLE in entry.get(1, {}) and all(v.suffix in entry[1] for v in node.variants)


def measure(node: IntNode, graph: IntGraph, board: Target) -> Entry:
    """Instructions of every kernel that may run a node, in one call and in one call a row."""
    program, ways = _every_way(node, graph)
    with tempfile.TemporaryDirectory(prefix="edgekit-") as work:
        folder = Path(work)
        for file, text in emit(_NAME, program, _NAME)[0].items():
            (folder / file).write_text(text)
        one = random_samples([program.buffers[name] for name in program.inputs], 1)
        counts = count(deploy(program, folder, _NAME), board, [x[0] for x in one.arrays])
    # The plan's order of the steps need not be that of the ways.
    counted = {layer.name: layer.instructions for layer in counts.layers}
    entry: Entry = {}
    for suffix, calls in ways:
        entry.setdefault(calls, {})[suffix] = counted[f"{suffix}_{calls}"]
    return entry


def _every_way(node: IntNode, graph: IntGraph) -> tuple[Program, list[tuple[str, int]]]:
    """A program with a step of its own for each kernel and number of calls; the kernel's suffix and
    the calls of each step."""
    inputs = tuple(n for n in dict.fromkeys(node.inputs) if graph.values[n].data is None)
    values = {n: graph.values[n] for n in node.inputs}
    rows = max(1, stage_of(node, graph.values).rows)
    nodes: list[IntNode] = []
    ways: list[tuple[str, int]] = []
    for calls in sorted({1, rows}):
        for variant in (None, *node.variants):
            suffix = variant.suffix if variant else PORTABLE
            outputs = tuple(f"{name}_{suffix}_{calls}" for name in node.outputs)
            for name, renamed in zip(node.outputs, outputs, strict=True):
                values[renamed] = replace(graph.values[name], name=renamed)
            nodes.append(
                replace(
                    node, name=f"{suffix}_{calls}", variant=variant, variants=(), outputs=outputs
                )
            )
            ways.append((suffix, calls))
    outputs = tuple(name for n in nodes for name in n.outputs)
    # Every input and output is there to the end, so any order of rows is one.
    whole = IntGraph(_NAME, values, tuple(nodes), inputs, outputs)
    program = plan(whole, keep_input=True, optimize="speed")
    schedule: list[Turn] = []
    for turn in program.schedule:
        calls = int(program.steps[turn.step].name.rsplit("_", 1)[1])
        one = turn.n // calls
        schedule += [Turn(turn.step, turn.first + i * one, one) for i in range(calls)]
    return replace(program, schedule=tuple(schedule)), ways


def _report(
    model: Path,
    name: str,
    board: Target,
    stages: Compiled,
    costs: Costs,
    measured: int,
    output: Path,
) -> dict[str, Any]:
    layers = [_layer(node, stages.integer, costs) for node in stages.integer.nodes]
    return {
        "model": model.name,
        "target": board.name,
        "name": name,
        "edgekit_version": __version__,
        "costs": str(output),
        "compiler": costs.compiler,
        "measured": measured,
        "layers": layers,
    }


def _layer(node: IntNode, graph: IntGraph, costs: Costs) -> dict[str, Any]:
    """The quickest kernel of a whole layer and its instructions; null where there is no choice."""
    ways = costs.layers.get(layer_key(node), {}).get(1, {})
    if not (node.variants and ways):
        kernel, instructions = Kernel(node.op, node.variant), None
    else:
        suffix = min(ways, key=lambda s: (ways[s], s))
        variant = next((v for v in node.variants if v.suffix == suffix), None)
        kernel, instructions = Kernel(node.op, variant), ways[suffix]
    return {
        "name": node.name,
        "op": node.op.name,
        "kernel": kernel.symbol,
        "macs": node.op.cost(node, graph.values).macs,
        "instructions": instructions,
        "cycles_estimate": None,
        "ways": dict(sorted(ways.items())),
    }
