"""Random graphs: whatever the planner shares, overlaps or drops, the bytes stay the same."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import evaluate

from edgekit.cases import activation
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, IntGraph, Node, State, Value
from edgekit.lowering import lower
from edgekit.plan import plan
from edgekit.plan.check import check_plan
from edgekit.program import ARENA, Program
from edgekit.simulate import Simulator

ZERO = 3


class Network:
    """Grows a canonical graph; every tensor is [1, H, 1, C] int8 of one quantization."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []

    def tensor(self, height: int, channels: int) -> str:
        name = f"t{len(self.values)}"
        self.values[name] = activation(name, (1, height, 1, channels), 0.05, ZERO)
        return name

    def input(self, height: int, channels: int) -> str:
        self.inputs.append(self.tensor(height, channels))
        return self.inputs[-1]

    def add(self, op: str, inputs: list[str], height: int, channels: int, **attrs: object) -> str:
        out = self.tensor(height, channels)
        self.nodes.append(Node(f"{op}_{len(self.nodes)}", op, tuple(inputs), (out,), attrs))
        return out

    def shape(self, name: str) -> tuple[int, int]:
        _, height, _, channels = self.values[name].shape
        return height, channels

    def graph(self, outputs: list[str], states: tuple[State, ...] = ()) -> IntGraph:
        nodes = tuple(self.nodes)
        return lower(
            Graph("random", self.values, nodes, tuple(self.inputs), tuple(outputs), states)
        )


@st.composite
def networks(draw: st.DrawFn) -> IntGraph:
    net = Network()
    channels = draw(st.integers(1, 5))
    live = [net.input(draw(st.integers(2, 6)), channels) for _ in range(draw(st.integers(1, 2)))]
    for _ in range(draw(st.integers(1, 12))):
        x = draw(st.sampled_from(live))
        height, _ = net.shape(x)
        op = draw(st.sampled_from(["relu", "add", "concat", "slice", "reshape", "pad"]))
        if op == "relu":
            live.append(net.add("relu", [x], height, channels, activation="RELU6"))
        elif op == "add":
            same = [t for t in live if net.shape(t) == net.shape(x)]
            live.append(net.add("add", [x, draw(st.sampled_from(same))], height, channels))
        elif op == "concat":
            others = draw(st.lists(st.sampled_from(live), min_size=1, max_size=2))
            total = height + sum(net.shape(t)[0] for t in others)
            if total <= 40:
                live.append(net.add("concat", [x, *others], total, channels, axis=1))
        elif op == "slice" and height > 1:
            first = draw(st.integers(0, height - 1))
            size = draw(st.integers(1, height - first))
            part = (range(1), range(first, first + size), range(1), range(channels))
            shape = (1, size, 1, channels)
            live.append(net.add("slice", [x], size, channels, part=part, shape=shape))
        elif op == "reshape":
            live.append(net.add("reshape", [x], height, channels, shape=(1, height, 1, channels)))
        elif op == "pad" and height <= 30:
            border = ((0, 0), (1, 2), (0, 0), (0, 0))
            live.append(net.add("pad", [x], height + 3, channels, border=border, value=ZERO))
    produced = [t for t in live if t not in net.inputs] or [
        net.add("relu", [live[0]], *net.shape(live[0]), activation="RELU6")
    ]
    outputs = draw(st.lists(st.sampled_from(produced), min_size=1, max_size=2, unique=True))
    return net.graph([*outputs, *([produced[-1]] if produced[-1] not in outputs else [])])


def random_inputs(graph: IntGraph) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        rng.integers(-128, 128, (3, *graph.values[n].shape)).astype(np.int8) for n in graph.inputs
    ]


@settings(deadline=None, max_examples=150)
@given(networks(), st.booleans(), st.booleans())
def test_planned_memory_changes_no_byte(graph: IntGraph, keep_input: bool, caller_io: bool) -> None:
    program = plan(graph, keep_input=keep_input, caller_io=caller_io)
    inputs = random_inputs(graph)
    wanted = evaluate(graph, inputs)
    for name, got in zip(program.outputs, Simulator(program).run(inputs), strict=True):
        np.testing.assert_array_equal(got, wanted[name])
    assert program.arena_bytes >= program.plan.lower_bound


def passes_check(program: Program) -> bool:
    try:
        check_plan(program)
    except EdgekitError:
        return False
    return True


@settings(deadline=None, max_examples=100)
@given(networks(), st.data())
def test_the_checker_finds_a_moved_buffer_or_the_move_is_harmless(
    graph: IntGraph, data: st.DataObject
) -> None:
    """A plan with one tensor moved either fails the check or still computes the right bytes."""
    program = plan(graph)
    movable = sorted(n for n, b in program.buffers.items() if b.space == ARENA)
    name = data.draw(st.sampled_from(movable))
    offset = data.draw(st.integers(0, max(program.arena_bytes - program.buffers[name].nbytes, 0)))
    moved = dataclasses.replace(program.buffers[name], offset=offset)
    changed = dataclasses.replace(program, buffers={**program.buffers, name: moved})
    if not passes_check(changed):
        return
    inputs = random_inputs(graph)
    wanted = evaluate(graph, inputs)
    for output, got in zip(changed.outputs, Simulator(changed).run(inputs), strict=True):
        np.testing.assert_array_equal(got, wanted[output])


def chain() -> Program:
    """Two convolution-like steps on tensors that cannot share: input, middle, output alive in turn."""
    net = Network()
    x = net.input(4, 3)
    y = net.add("pad", [x], 7, 3, border=((0, 0), (1, 2), (0, 0), (0, 0)), value=ZERO)
    z = net.add("pad", [y], 10, 3, border=((0, 0), (1, 2), (0, 0), (0, 0)), value=ZERO)
    return plan(net.graph([z]))


@pytest.mark.parametrize(
    ("tensor", "offset", "message"),
    [
        ("t1", 0, "an output overlaps an input"),
        ("t2", 10_000, "reaches outside"),
        ("t0", -1, "reaches outside"),
    ],
)
def test_the_checker_names_what_is_wrong(tensor: str, offset: int, message: str) -> None:
    program = chain()
    clash = program.buffers["t0"].offset if offset == 0 else offset
    moved = dataclasses.replace(program.buffers[tensor], offset=clash)
    with pytest.raises(EdgekitError, match=message):
        check_plan(dataclasses.replace(program, buffers={**program.buffers, tensor: moved}))


def test_in_place_and_views_need_no_second_buffer() -> None:
    net = Network()
    x = net.input(4, 2)
    y = net.add("relu", [x], 4, 2, activation="RELU6")
    z = net.add("reshape", [y], 4, 2, shape=(1, 4, 1, 2))
    program = plan(net.graph([z]))
    assert program.arena_bytes == 8
    assert [step.op.name for step in program.steps] == ["relu"]


def test_keep_input_keeps_the_input() -> None:
    net = Network()
    x = net.input(4, 2)
    y = net.add("relu", [x], 4, 2, activation="RELU6")
    assert plan(net.graph([y]), keep_input=True).arena_bytes == 16


def test_concatenation_is_made_in_place_of_its_parts() -> None:
    net = Network()
    x = net.input(4, 2)
    a = net.add("relu", [x], 4, 2, activation="RELU6")
    b = net.add("pad", [x], 7, 2, border=((0, 0), (1, 2), (0, 0), (0, 0)), value=ZERO)
    program = plan(net.graph([net.add("concat", [a, b], 11, 2, axis=1)]))
    assert "concat" not in [step.op.name for step in program.steps]


def test_a_tensor_beside_a_view_of_itself_is_concatenated_by_a_copy() -> None:
    net = Network()
    x = net.input(2, 1)
    y = net.add("relu", [x], 2, 1, activation="RELU6")
    z = net.add("reshape", [y], 2, 1, shape=(1, 2, 1, 1))
    graph = net.graph([net.add("concat", [y, z], 4, 1, axis=1)])
    inputs = random_inputs(graph)
    (got,) = Simulator(plan(graph)).run(inputs)
    np.testing.assert_array_equal(got, evaluate(graph, inputs)[graph.outputs[0]])


def test_an_operator_in_place_does_not_overwrite_a_variable_it_reads() -> None:
    net = Network()
    x, state = net.input(3, 2), net.tensor(3, 2)
    held = net.add("read_variable", [state], 3, 2)
    relu = net.add("relu", [held], 3, 2, activation="RELU6")
    out = net.add("add", [relu, x], 3, 2)
    graph = net.graph([out], (State(state, np.full((1, 3, 1, 2), -50, np.int8)),))
    frames = [np.zeros((1, 2, 1, 3, 1, 2), np.int8)]
    (got,) = Simulator(plan(graph)).run(frames, steps=True)
    np.testing.assert_array_equal(got[0][0], got[0][1])


def test_a_value_read_after_its_variable_is_assigned_is_a_copy() -> None:
    net = Network()
    x = net.input(3, 2)
    state = net.tensor(3, 2)
    held = net.add("read_variable", [state], 3, 2)
    net.nodes.append(Node("assign", "assign_variable", (x,), (state,)))
    out = net.add("add", [held, x], 3, 2)
    graph = net.graph([out], (State(state, np.full((1, 3, 1, 2), 5, np.int8)),))
    program = plan(graph)
    frames = [np.arange(12, dtype=np.int8).reshape(1, 2, 1, 3, 1, 2)]
    (got,) = Simulator(program).run(frames, steps=True)
    first, second = frames[0][0, 0], frames[0][0, 1]
    kernel = next(n for n in graph.nodes if n.name.startswith("add"))
    wanted = [
        kernel.op.run(kernel.params, kernel.consts, np.full_like(first, 5)[None], first[None])[0],
        kernel.op.run(kernel.params, kernel.consts, first[None], second[None])[0],
    ]
    np.testing.assert_array_equal(got[0].reshape(2, -1), np.stack(wanted).reshape(2, -1))
