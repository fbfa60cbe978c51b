"""Every variant of every operator's cases on an emulated core that has its instructions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import kernels
import numpy as np
import pytest

from edgekit.emit import emit
from edgekit.graph import IntGraph, IntNode, Value
from edgekit.op import load_ops
from edgekit.plan import plan
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner
from edgekit.variants import fitting

SAMPLES = 4


def every_variant(words: tuple[str, ...]) -> IntGraph:
    """A graph with a node of its own for each variant of each case that these words allow."""
    values: dict[str, Value] = {}
    nodes: list[IntNode] = []
    inputs: list[str] = []
    for op in load_ops().values():
        for case in op.cases():
            node, given = kernels.lower(case.graph)
            for variant in fitting(node, words):
                prefix = f"{op.name}_{case.name}_{variant.suffix}_"
                for name in (*node.inputs, *node.outputs):
                    values[prefix + name] = dataclasses.replace(given[name], name=prefix + name)
                inputs += [prefix + name for name in case.graph.inputs]
                nodes.append(dataclasses.replace(
                    node, name=prefix[:-1], variant=variant,
                    inputs=tuple(prefix + name for name in node.inputs),
                    outputs=tuple(prefix + name for name in node.outputs),
                ))  # fmt: skip
    outputs = tuple(name for node in nodes for name in node.outputs)
    return IntGraph("variants", values, tuple(nodes), tuple(inputs), outputs)


def random_inputs(program: Program) -> list[kernels.Array]:
    rng = np.random.default_rng(5)
    arrays = []
    for name in program.inputs:
        shape = (SAMPLES, *program.buffers[name].shape)
        x = rng.integers(-128, 128, shape).astype(np.int8)
        x[0], x[1] = -128, 127
        arrays.append(x)
    return arrays


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7", "cortex-m33", "cortex-m0plus"])
def test_variants_equal_the_simulator_on_an_emulated_core(core: str, tmp_path: Path) -> None:
    target = load_target(core)
    graph = every_variant(target.isa)
    assert {node.op.name for node in graph.nodes} >= {"conv2d", "depthwise", "fully_connected"}
    program = plan(graph)
    for file, text in emit("variants", program, "variants")[0].items():
        (tmp_path / file).write_text(text)
    inputs = random_inputs(program)
    expected = Simulator(program).run(inputs)
    with make_runner("emulator", deploy(program, tmp_path, "variants"), target) as runner:
        found = runner.run(inputs, False)
    wrong = [
        name
        for name, a, b in zip(program.outputs, expected, found, strict=True)
        if not np.array_equal(a, b)
    ]
    assert not wrong
