"""Every variant of every operator's cases on an emulated core that has its instructions."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import kernels
import numpy as np
import pytest
from test_streams import Maps

from edgekit.emit import emit
from edgekit.families.window import Axis
from edgekit.graph import IntGraph, IntNode, Value
from edgekit.op import load_ops
from edgekit.plan import plan, program_of
from edgekit.plan.arena import arena_of
from edgekit.plan.frugal import SLACK
from edgekit.plan.search import Choice
from edgekit.plan.streams import Network
from edgekit.program import Program
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner
from edgekit.variants import choose, fitting, with_best

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


needs_qemu = pytest.mark.skipif(
    not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed"
)
M55 = pytest.param("cortex-m55", marks=needs_qemu)
# The emulated Cortex-A72 and A53 fault on SDOT, so these prove that no kernel for them has it.
AARCH64 = ["rpi-zero2", "rpi4", "rpi5"]


@pytest.mark.parametrize(
    "core",
    ["cortex-m4", "cortex-m7", "cortex-m33", M55, "cortex-m0plus", "riscv32imc", *AARCH64],
)
def test_variants_equal_the_simulator_on_an_emulated_core(core: str, tmp_path: Path) -> None:
    graph = every_variant(load_target(core).isa)
    assert {node.op.name for node in graph.nodes} >= {"conv2d", "depthwise", "fully_connected"}
    # Whole tensors of the caller's: where hundreds of tensors lie is not what this is about.
    equal_on(core, plan(graph, caller_io=True, optimize="speed"), tmp_path)


def equal_on(core: str, program: Program, tmp_path: Path) -> None:
    for file, text in emit("variants", program, "variants")[0].items():
        (tmp_path / file).write_text(text)
    inputs = random_inputs(program)
    expected = Simulator(program).run(inputs)
    model = deploy(program, tmp_path, "variants")
    with make_runner("emulator", model, load_target(core)) as runner:
        found = runner.run(inputs, False)
    wrong = [
        name
        for name, a, b in zip(program.outputs, expected, found, strict=True)
        if not np.array_equal(a, b)
    ]
    assert not wrong


def maps() -> IntGraph:
    """Maps of odd widths and channel counts, a residual, and an output that nothing else reads."""
    net = Maps(11, 7, 3)
    rows, columns = Axis(11, 3, 1, 1, 1, 1), Axis(7, 3, 1, 1, 1, 1)
    point = Axis(11, 1, 1, 1, 0, 0), Axis(7, 1, 1, 1, 0, 0)
    x = net.window("conv2d", net.input, rows, columns, 12)
    side = net.window("conv2d", x, *point, 5)
    y = net.window("depthwise", x, rows, columns, 12)
    y = net.window("conv2d", y, *point, 12)
    y = net.add("add", [x, y], net.shape(x), activation="NONE")
    y = net.window("depthwise", y, Axis(11, 3, 2, 1, 1, 1), Axis(7, 3, 2, 1, 1, 1), 12)
    y = net.window("max_pool", y, Axis(6, 2, 1, 1, 0, 0), Axis(4, 2, 1, 1, 0, 0), 12)
    y = net.window("conv2d", y, Axis(5, 1, 1, 1, 0, 0), Axis(3, 1, 1, 1, 0, 0), 9)
    return net.graph([side, y])


def whole_stream(graph: IntGraph, *, split: bool) -> Program:
    """All nodes as one stream."""
    network = Network(graph, keep_input=False, caller_io=False)
    run = tuple(network.cuts.nodes)
    return program_of(arena_of(network, Choice((run,), 0, 0), split=split))


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "riscv32imc", M55, "rpi5"])
@pytest.mark.parametrize("way", ["ram", "balanced", "speed", "stream", "stream apart"])
def test_variants_equal_the_simulator_in_any_plan(core: str, way: str, tmp_path: Path) -> None:
    target = load_target(core)
    graph = choose(maps(), target.isa)
    program = (
        whole_stream(graph, split=way == "stream apart")
        if way.startswith("stream")
        else plan(graph, optimize=way)
    )
    assert sum(step.variant is not None for step in program.steps) >= 2
    equal_on(core, program, tmp_path)


def in_arena(program: Program, x: kernels.Array) -> kernels.Array:
    """What the C kernel of a program's only step makes of one sample, in the arena as planned and
    otherwise poisoned."""
    source, target = (program.buffers[n] for n in (program.inputs[0], program.outputs[0]))
    arena = np.full(program.arena_bytes + 8, 0xA5, np.uint8)
    arena = arena[-arena.ctypes.data % 8 :]
    arena[source.offset :][: source.nbytes] = x.reshape(-1).view(np.uint8)
    kernels.run_rows(program, arena.ctypes.data)
    return arena[target.offset :][: target.nbytes].view(target.dtype).reshape(target.shape)


@pytest.mark.parametrize("words", ["", "dsp", "armv6m", "mve", "rv32", "neon", "neon_dot"])
def test_a_call_may_write_over_the_rows_that_the_plan_gives_up(words: str) -> None:
    overlaps = 0
    for op in load_ops().values():
        for case in op.cases() if op.signature == "rows" and not op.feeds else []:
            node, values = kernels.lower(case.graph)
            if len(node.inputs) != 1 or len(values[node.inputs[0]].shape) != 4:
                continue
            inputs = kernels.operands(node, case.graph, kernels.random_inputs(case.graph, 3))
            expected = node.op.run(node.params, node.consts, *inputs)[0][2]
            ends = (node.inputs[:1], node.outputs[:1])
            own = {name: values[name] for end in ends for name in end}
            for variant in fitting(node, [words]) if words else [None]:
                chosen = dataclasses.replace(node, variant=variant)
                program = plan(IntGraph("one", own, (chosen,), *ends), optimize="speed")
                found = in_arena(program, np.ascontiguousarray(inputs[0][2]))
                assert (found == expected.reshape(found.shape)).all(), (op.name, case.name, variant)
                x, y = (program.buffers[name] for end in ends for name in end)
                overlaps += min(x.offset + x.nbytes, y.offset + y.nbytes) > max(x.offset, y.offset)
    # SDOT is for kernels alone that make rows together.
    assert overlaps >= (0 if words == "neon_dot" else 20)


@pytest.mark.parametrize("isa", ["dsp", "armv6m", "mve", "rv32"])
def test_where_ram_comes_first_scratch_costs_at_most_a_tenth(isa: str) -> None:
    portable = plan(maps(), optimize="ram").arena_bytes
    quick = plan(choose(maps(), [isa]), optimize="ram")
    assert portable <= quick.arena_bytes <= (1 + SLACK) * portable
    assert any(step.variant for step in quick.steps)


def test_the_quickest_variant_that_keeps_to_its_scratch_is_taken() -> None:
    graph = choose(maps(), ["dsp"])
    node = graph.nodes[0]
    assert node.variant in node.variants[:1]
    frugal = with_best(node, graph, scratch=node.scratch(graph.values) - 1).variant
    assert [v.suffix for v in (frugal,) if v] == ["dsp_two"]
    assert (
        with_best(node, graph, scratch=0).scratch(graph.values)
        <= node.op.cost(node, graph.values).scratch
    )
