"""The order of operators: exact search against every order there is, and one that saves RAM in C."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_plan import Network, evaluate, networks, random_inputs
from test_streams import Maps

from edgekit.emit import emit
from edgekit.families.window import Axis
from edgekit.graph import IntGraph, Node, State
from edgekit.plan import ordered, plan
from edgekit.plan.arena import best_arena
from edgekit.plan.dependencies import Dependencies
from edgekit.plan.order import Order, best_order
from edgekit.plan.rows import up
from edgekit.plan.streams import Network as Planned
from edgekit.simulate import Simulator
from edgekit.target import load_target
from edgekit.validate.runners import deploy, make_runner


@st.composite
def wired(draw: st.DrawFn) -> IntGraph:
    """Few nodes, wired at random: sums of tensors of one size, and nodes that grow or shrink them."""
    net = Maps(4, 1, 2)
    live = [net.input]
    for _ in range(draw(st.integers(2, 7))):
        x = draw(st.sampled_from(live))
        op = draw(st.sampled_from(["relu", "add", "grow", "shrink", "shrink"]))
        if op == "relu":
            live.append(net.add("relu", [x], net.shape(x), activation="RELU6"))
        elif op == "add":
            other = draw(st.sampled_from([t for t in live if net.shape(t) == net.shape(x)]))
            live.append(net.add("add", [x, other], net.shape(x), activation="NONE"))
        elif op == "grow":
            live.append(grown(net, x, draw(st.integers(1, 9))))
        else:
            live.append(shrunk(net, x, draw(st.integers(1, net.shape(x)[1]))))
    read = {name for node in net.nodes for name in node.inputs}
    return net.graph([t for t in live[1:] if t not in read])


def grown(net: Maps, x: str, rows: int) -> str:
    _, height, width, channels = net.shape(x)
    border = ((0, 0), (0, rows), (0, 0), (0, 0))
    return net.add("pad", [x], (1, height + rows, width, channels), border=border, value=0.0)


def shrunk(net: Maps, x: str, rows: int) -> str:
    """The first rows' maxima over all but `rows` - 1 rows."""
    _, height, width, channels = net.shape(x)
    down = Axis(height, height - rows + 1, 1, 1, 0, 0)
    return net.window("max_pool", x, down, Axis(width, 1, 1, 1, 0, 0), channels)


def orders(graph: IntGraph) -> Iterator[tuple[int, ...]]:
    """Every order in which a node comes after those whose tensors it reads."""
    maker = {name: k for k, node in enumerate(graph.nodes) for name in node.outputs}
    needs = [{maker[n] for n in node.inputs if n in maker} for node in graph.nodes]

    def extended(order: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(order) == len(needs):
            yield order
        for k in range(len(needs)):
            if k not in order and needs[k] <= set(order):
                yield from extended((*order, k))

    return extended(())


def peak_of(graph: IntGraph, nodes: tuple[int, ...], keep_input: bool) -> int:
    """Most bytes alive when whole tensors are made in this order, as the planner counts them."""
    order = Order(nodes, 0, 0, 0, "")
    return Planned(order.of(graph), keep_input=keep_input, caller_io=False).cuts.largest()


@settings(deadline=None, max_examples=60)
@given(wired(), st.booleans())
def test_no_order_has_a_lower_peak_than_the_one_found(graph: IntGraph, keep_input: bool) -> None:
    found = best_order(Planned(graph, keep_input=keep_input, caller_io=False).cuts.whole)
    peaks = [peak_of(graph, nodes, keep_input) for nodes in itertools.islice(orders(graph), 200)]
    assert found.bound == found.peak == peak_of(graph, found.nodes, keep_input)
    assert found.peak <= min(peaks)
    assert found.file_peak == peak_of(graph, tuple(range(len(graph.nodes))), keep_input)
    if len(peaks) < 200:
        assert found.peak == min(peaks)


@settings(deadline=None, max_examples=60)
@given(wired())
def test_a_beam_states_what_it_does_not_know(graph: IntGraph) -> None:
    line = Planned(graph, keep_input=False, caller_io=False).cuts.whole
    exact, beam = best_order(line), best_order(line, sets=0)
    assert beam.bound <= exact.peak <= beam.peak <= beam.file_peak
    assert beam.peak == peak_of(graph, beam.nodes, False)


@settings(deadline=None, max_examples=60)
@given(networks(), st.sampled_from(["speed", "ram"]))
def test_the_plan_is_never_worse_than_the_order_of_the_file(graph: IntGraph, how: str) -> None:
    program = plan(graph, optimize=how)
    file = best_arena(Planned(graph, keep_input=False, caller_io=False), how)
    assert program.arena_bytes <= up(file.placed.peak)
    assert program.plan.order is not None
    taken = program.plan.order.taken
    assert (taken == "searched") == (program.arena_bytes < up(file.placed.peak))


def branches(count: int) -> IntGraph:
    """Branches that grow and shrink again; the file lets all of them grow first."""
    net = Maps(4, 1, 4)
    wide = [grown(net, net.input, 20 + i) for i in range(count)]
    heads = [shrunk(net, x, 3) for x in wide]
    total = heads[0]
    for head in heads[1:]:
        total = net.add("add", [total, head], net.shape(head), activation="NONE")
    return net.graph([total])


@pytest.mark.parametrize("optimize", ["speed", "ram"])
def test_one_branch_after_the_other_takes_less_than_all_at_once(
    optimize: str, tmp_path: Path
) -> None:
    graph = branches(4)
    order, _ = ordered(graph, keep_input=False, caller_io=False)
    assert order.bound == order.peak < order.file_peak / 2
    program = plan(graph, optimize=optimize)
    assert program.plan.order is not None
    assert program.plan.order.taken == "searched"
    inputs = random_inputs(graph)
    wanted = evaluate(graph, inputs)[graph.outputs[0]]
    (got,) = Simulator(program).run(inputs)
    np.testing.assert_array_equal(got, wanted)
    for name, text in emit("m", program, "model.tflite")[0].items():
        (tmp_path / name).write_text(text)
    with make_runner("host", deploy(program, tmp_path, "m"), load_target("host")) as runner:
        np.testing.assert_array_equal(runner.run(inputs)[0], wanted)


def test_reads_of_a_variable_stay_before_its_assignment() -> None:
    """Assigned early, the new value would not have to wait beside the wide tensor."""
    net = Network()
    x, state = net.input(8, 2), net.tensor(8, 2)
    held = net.add("read_variable", [state], 8, 2)
    out = net.add("add", [held, net.add("relu", [x], 8, 2, activation="RELU6")], 8, 2)
    net.nodes.append(Node("assign", "assign_variable", (x,), (state,)))
    init = np.full((1, 8, 1, 2), 5, np.int8)
    graph = net.graph([out], (State(state, init),))
    line = Planned(graph, keep_input=False, caller_io=False).cuts.whole
    needs = Dependencies(line).needs
    number = {node.name: k for k, node in enumerate(graph.nodes)}
    assert needs[number["assign"]] >> number["read_variable_0"] & 1
    assert needs[number["assign"]] >> number[graph.nodes[2].name] & 1
