"""Kernels compiled with a layer's numbers as constants: the same bytes, shared where they can be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import kernels
import numpy as np
import pytest
from conftest import ROOT, shared
from test_variants import equal_on, every_variant, maps, random_inputs

from edgekit.build import Options, build, compile_program
from edgekit.emit import emit
from edgekit.emit.instances import functions
from edgekit.graph import IntGraph, IntNode, Value
from edgekit.op import load_ops
from edgekit.plan import plan
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.specialise import specialise
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner
from edgekit.variants import choose

_CASES = 3  # of an operator; more make one file of many whole kernels, which takes minutes
KWS = ROOT / "examples" / "keyword_spotting" / "kws_ref_model.tflite"


def with_instances(program: Program, every: int = 1) -> Program:
    """Each step, or each second one, calls an instance."""
    steps = (
        dataclasses.replace(step, specialised=i % every == 0)
        for i, step in enumerate(program.steps)
    )
    return dataclasses.replace(program, steps=tuple(steps))


def every_kernel() -> IntGraph:
    """A graph with a node of its own, by the portable kernel, for some cases of each operator whose
    operands are all int8 maps of the caller's, and whose results are new ones: no state."""
    values: dict[str, Value] = {}
    nodes: list[IntNode] = []
    inputs: list[str] = []
    for op in load_ops().values():
        for case in op.cases()[:_CASES]:
            node, given = kernels.lower(case.graph)
            prefix = f"{op.name}_{case.name}_"
            if op.feeds or any(given[name].dtype != "int8" for name in case.graph.inputs):
                continue
            if set(node.inputs) & set(node.outputs):
                continue
            for name in (*node.inputs, *node.outputs):
                values[prefix + name] = dataclasses.replace(given[name], name=prefix + name)
            inputs += [prefix + name for name in case.graph.inputs]
            nodes.append(dataclasses.replace(
                node, name=prefix[:-1], inputs=tuple(prefix + name for name in node.inputs),
                outputs=tuple(prefix + name for name in node.outputs),
            ))  # fmt: skip
    outputs = tuple(name for node in nodes for name in node.outputs)
    return IntGraph("variants", values, tuple(nodes), tuple(inputs), outputs)


@pytest.mark.slow
def test_instances_of_every_kernel_equal_the_simulator_on_the_host(tmp_path: Path) -> None:
    program = with_instances(plan(every_kernel(), caller_io=True, optimize="speed"))
    assert len({step.kernel.name for step in program.steps}) > 20
    for file, text in emit("all", program, "all")[0].items():
        (tmp_path / file).write_text(text)
    inputs = random_inputs(program)
    expected = Simulator(program).run(inputs)
    with make_runner("host", deploy(program, tmp_path, "all"), load_target("host")) as runner:
        found = runner.run(inputs, False)
    for name, a, b in zip(program.outputs, expected, found, strict=True):
        assert np.array_equal(a, b), name


@pytest.mark.slow
def test_instances_of_every_dsp_kernel_equal_the_simulator(tmp_path: Path) -> None:
    # Whole tensors of the caller's: where hundreds of tensors lie is not what this is about.
    program = plan(every_variant(("dsp",)), caller_io=True, optimize="speed")
    equal_on("cortex-m4", with_instances(program, every=7), tmp_path)


@pytest.mark.parametrize("optimize", ["speed", "ram"])
def test_instances_and_shared_kernels_side_by_side(optimize: str, tmp_path: Path) -> None:
    whole = plan(choose(maps(), ("dsp",)), optimize=optimize)
    equal_on("cortex-m4", with_instances(whole, every=2), tmp_path)


def test_layers_of_equal_numbers_share_an_instance() -> None:
    options = Options("kws", "cortex-m4", optimize="speed")
    program = compile_program(KWS, options).program
    by_kernel: dict[str, set[str]] = {}
    for step, function in zip(program.steps, functions("kws", program), strict=True):
        if step.specialised:
            by_kernel.setdefault(step.kernel.name, set()).add(function)
        else:
            assert function == step.kernel.symbol
    # Four pointwise layers and four depthwise ones have the same shape; the first one has its own.
    assert {kernel: len(own) for kernel, own in by_kernel.items()} == {
        "avg_pool_dsp": 1, "conv2d_dsp": 2, "depthwise_dsp3x3": 1,
    }  # fmt: skip


def test_who_asks_for_little_flash_gets_shared_kernels() -> None:
    for optimize in ("size", "ram"):
        program = compile_program(KWS, Options("kws", "cortex-m4", optimize=optimize)).program
        assert not any(step.specialised for step in program.steps)
        assert not [file for file in emit("kws", program, "kws")[0] if file.startswith("kws_conv")]


def test_what_wins_little_stays_shared() -> None:
    program = compile_program(KWS, Options("kws", "cortex-m4", optimize="size")).program
    huge = dataclasses.replace(program.steps[-1], instructions=10**10)
    diluted = dataclasses.replace(program, steps=(*program.steps[:-1], huge))
    assert any(step.specialised for step in specialise(program, "speed").steps)
    assert not any(step.specialised for step in specialise(diluted, "speed").steps)


def test_the_report_says_what_instances_cost_and_won(tmp_path: Path) -> None:
    report = build(KWS, target="cortex-m4", output=tmp_path / "kws", name="kws", optimize="speed")
    found = report["specialisation"]
    assert report["bit_exact"]
    assert not report["left_out"]
    assert found["instances"] == 4
    assert len(found["layers"]) == 10
    assert found["instructions"] == report["instructions"] < 0.99 * found["instructions_shared"]
    assert found["code_bytes"] == report["code_bytes"] < 40 * 1024
    saved = sum(e["instructions_shared"] - e["instructions"] for e in found["layers"])
    assert saved == found["instructions_shared"] - found["instructions"]


@pytest.mark.slow
def test_vww_with_instances_is_exact_in_every_place(tmp_path: Path) -> None:
    model = shared("models", "mlperf_tiny_vww01_mobilenetv1_int8.tflite")
    report = build(model, target="cortex-m4", output=tmp_path / "vww", optimize="speed")
    assert report["bit_exact"]
    assert report["verified_places"][1:] == ["host", "emulated cortex-m4"]
    assert report["code_bytes"] < 40 * 1024
