"""Networks at the edge of what a plan can be: each gives a working program or a code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import Net, conv, evaluate
from tflite_writer import TensorSpec, one_op_model

from benchmarks.places import compare, forced, inputs
from edgekit.build import Options, compile_program
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, IntGraph
from edgekit.lowering import lower
from edgekit.op import Case, Op, load_ops
from edgekit.passes.distinct_outputs import distinct_outputs
from edgekit.plan import plan, program_of
from edgekit.plan.streams import Network
from edgekit.program import Program
from edgekit.quantize import Calibration
from edgekit.rewrite.constant_channels import drop_constant_channels
from edgekit.simulate import Simulator
from edgekit.validate.data import random_samples


def one_pixel(net: Net) -> list[str]:
    return [conv(net, net.input((1, 1, 1, 1)))]


def nothing_but_a_view(net: Net) -> list[str]:
    x = net.input((1, 4, 3, 2))
    return [net.add("reshape", [x], like=x, shape=(1, 12, 1, 2))]


def the_input(net: Net) -> list[str]:
    return [net.input((1, 4, 3, 2))]


def the_input_beside_what_is_made_of_it(net: Net) -> list[str]:
    x = net.input((1, 4, 3, 2))
    return [net.add("relu", [x], activation="RELU6"), x]


def the_same_twice(net: Net) -> list[str]:
    y = net.add("relu", [net.input((1, 4, 3, 2))], activation="RELU6")
    return [y, y]


def the_input_twice(net: Net) -> list[str]:
    x = net.input((1, 4, 3, 2))
    return [x, x]


def a_tensor_and_its_views(net: Net) -> list[str]:
    x = net.input((1, 4, 3, 2))
    views = [net.add("reshape", [x], like=x, shape=s) for s in ((1, 12, 1, 2), (1, 24))]
    return [*views, x]


def a_constant(net: Net) -> list[str]:
    y = net.add("relu", [net.input((1, 4, 3, 2))], activation="RELU6")
    return [y, net.constant(np.arange(6, dtype=np.int8).reshape(1, 6), (0.05,))]


def an_input_that_nobody_reads(net: Net) -> list[str]:
    net.input((1, 3, 3, 1))
    return [net.add("relu", [net.input((1, 4, 3, 2))], activation="RELU6")]


def sixty_outputs(net: Net) -> list[str]:
    x = net.input((1, 4, 3, 2))
    return [net.add("relu", [x], activation="RELU6") for _ in range(60)]


def three_hundred_layers(net: Net) -> list[str]:
    """More than a byte of a stream's table can name."""
    x = net.input((1, 3, 2, 1))
    for _ in range(300):
        x = net.add("relu", [x], activation="RELU6")
    return [x]


EDGES: list[Callable[[Net], list[str]]] = [
    one_pixel, nothing_but_a_view, the_input, the_input_beside_what_is_made_of_it, the_same_twice,
    the_input_twice, a_tensor_and_its_views, a_constant, an_input_that_nobody_reads, sixty_outputs,
    three_hundred_layers,
]  # fmt: skip


def integer(edge: Callable[[Net], list[str]]) -> IntGraph:
    net = Net(0)
    outputs = edge(net)
    graph = Graph("edge", net.values, tuple(net.nodes), tuple(net.inputs), tuple(outputs))
    return drop_constant_channels(lower(distinct_outputs(graph)))


def plans(graph: IntGraph, *, keep_input: bool, caller_io: bool) -> dict[str, Program]:
    """No streams, those of the smallest arena, and all that are possible."""
    options: dict[str, Any] = {"keep_input": keep_input, "caller_io": caller_io}
    made = {word: plan(graph, optimize=word, **options) for word in ("speed", "ram")}
    return made | {"forced": program_of(forced(Network(graph, **options)))}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("keep_input", [False, True])
@pytest.mark.parametrize("caller_io", [False, True])
def test_every_plan_makes_the_right_bytes(
    edge: Callable[[Net], list[str]], keep_input: bool, caller_io: bool
) -> None:
    graph = integer(edge)
    for mode, program in plans(graph, keep_input=keep_input, caller_io=caller_io).items():
        samples = inputs(program)
        wanted = evaluate(graph, list(samples.arrays))
        found = Simulator(program).run(samples.arrays)
        for name, got in zip(graph.outputs, found, strict=True):
            np.testing.assert_array_equal(got, wanted[name], mode)


@pytest.mark.slow
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("caller_io", [False, True])
def test_the_c_is_whole_and_agrees(edge: Callable[[Net], list[str]], caller_io: bool) -> None:
    graph = integer(edge)
    program = program_of(forced(Network(graph, keep_input=False, caller_io=caller_io)))
    samples = inputs(program)
    assert compare("host", program, samples, Simulator(program).run(samples.arrays)).differ == 0


PLANNED = {op.as_rows for op in load_ops().values()}
OPERATORS = [op for op in load_ops().values() if op.name not in PLANNED and not op.feeds]
CASES = [(op, case) for op in OPERATORS for case in op.cases()]


@pytest.mark.parametrize(("op", "case"), CASES, ids=[f"{o.name}-{c.name}" for o, c in CASES])
def test_networks_of_a_single_operator(op: type[Op], case: Case) -> None:
    graph = lower(case.graph)
    for mode, program in plans(graph, keep_input=False, caller_io=False).items():
        samples = random_samples([program.buffers[name] for name in program.inputs], 2)
        wanted = evaluate(graph, list(samples.arrays))
        found = Simulator(program).run(samples.arrays)
        for name, got in zip(graph.outputs, found, strict=True):
            np.testing.assert_array_equal(got, wanted[name], mode)


def file(shape: tuple[int, ...], tmp_path: Any) -> Any:
    x, y = (TensorSpec(name, shape, scale=0.05) for name in "xy")
    path = tmp_path / "model.tflite"
    path.write_bytes(one_op_model("RELU", [x], [y]))
    return path


@pytest.mark.parametrize("shape", [(1, 0, 3, 2), (1, 3, 3, 0), (1, 0)])
def test_a_tensor_without_elements_is_refused(shape: tuple[int, ...], tmp_path: Any) -> None:
    with pytest.raises(EdgekitError, match="no elements") as caught:
        compile_program(file(shape, tmp_path), Options("m"), numbers=Calibration())
    assert caught.value.code == "EK105"


def test_the_passes_give_every_output_a_tensor_of_its_own() -> None:
    net = Net(0)
    x = net.input((1, 4, 3, 2))
    y = net.add("relu", [x], activation="RELU6")
    graph = Graph("twice", net.values, tuple(net.nodes), (x,), (y, x, y))
    once = distinct_outputs(graph)
    assert once.outputs == (y, f"{x}~output1", f"{y}~output2")
    assert distinct_outputs(once) is once
    assert plan(lower(once)).arena_bytes == 48
