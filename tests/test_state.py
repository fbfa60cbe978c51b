"""Variables: found by their shared name, first values, and whole streaming models by frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import pytest
from conftest import shared

from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.passes.resolve_state import resolve_state
from edgekit.plan import plan
from edgekit.simulate import Simulator

QUANT = Quant((0.5,), (-7,))


def handle(name: str, variable: str) -> Node:
    return Node(f"handle_{name}", "VAR_HANDLE", (), (name,), {"container": "", "shared_name": variable})  # fmt: skip


def values(*names: str, data: Any = None) -> dict[str, Value]:
    """int8 tensors of shape [1, 2]; those whose name starts with h are handles."""
    return {
        name: Value(name, (), "resource") if name.startswith("h") else Value(name, (1, 2), "int8", QUANT, data)
        for name in names
    }  # fmt: skip


def delay(first: Any = None, computed: bool = False) -> Graph:
    """y = what x was one inference ago; the file's second graph gives the first value."""
    init = None
    if first is not None:
        table = values("h0") | values("c", data=np.array([first], np.int8))
        nodes = (handle("h0", "past"), Node("set", "ASSIGN_VARIABLE", ("h0", "c"), ()))
        init = Graph("init", table, nodes, (), ())
        if computed:
            more = (nodes[0], Node("f", "RELU", ("c",), ("d",)), Node("set", "ASSIGN_VARIABLE", ("h0", "d"), ()))  # fmt: skip
            init = replace(init, values=table | values("d"), nodes=more)
    main = (
        *([Node("once", "CALL_ONCE", (), (), {"init_subgraph_index": 1})] if init else []),
        handle("h1", "past"),
        handle("h2", "past"),
        Node("read", "READ_VARIABLE", ("h1",), ("y",)),
        Node("write", "ASSIGN_VARIABLE", ("h2", "x"), ()),
    )
    graph = Graph("main", values("h1", "h2", "x", "y"), main, ("x",), ("y",))
    return replace(graph, subgraphs=(graph, *([init] if init else [])))


def test_two_handles_of_one_name_are_one_variable() -> None:
    graph = resolve_state(delay([5, 6]))
    graph.verify()
    assert graph.text().splitlines()[1:] == [
        "  input  x:int8[1x2] s0.5 z-7",
        "  state  variable past:int8[1x2] s0.5 z-7",
        "  read: y:int8[1x2] s0.5 z-7 <- read_variable(variable past:int8[1x2] s0.5 z-7) {}",
        "  write: variable past:int8[1x2] s0.5 z-7 <- assign_variable(x:int8[1x2] s0.5 z-7) {}",
        "  output y:int8[1x2] s0.5 z-7",
    ]
    assert graph.subgraphs == ()


@pytest.mark.parametrize(("first", "expected"), [([5, 6], [5, 6]), (None, [-7, -7])])
def test_first_value(first: Any, expected: list[int]) -> None:
    (state,) = resolve_state(delay(first)).states
    np.testing.assert_array_equal(state.init, np.array([expected], np.int8))


def test_a_delay_runs_by_frames_and_starts_anew_per_sample() -> None:
    program = plan(lower(canonical(delay([5, 6]))))
    x = np.arange(12, dtype=np.int8).reshape(2, 3, 1, 2)
    (y,) = Simulator(program).run([x], steps=True)
    np.testing.assert_array_equal(y[:, 0], np.array([[[5, 6]]] * 2))
    np.testing.assert_array_equal(y[:, 1:], x[:, :-1])


def test_computed_first_values_are_refused() -> None:
    with pytest.raises(EdgekitError, match="EK202"):
        canonical(delay([5, 6], computed=True))


def test_two_types_of_one_variable_are_refused() -> None:
    graph = delay([5, 6])
    wide = {**graph.values, "x": Value("x", (1, 3), "int8", QUANT)}
    with pytest.raises(EdgekitError, match="EK105"):
        canonical(replace(graph, values=wide))


def test_a_first_value_of_another_size_is_refused() -> None:
    graph = delay([5, 6])
    init = graph.subgraphs[1]
    short = {**init.values, "c": Value("c", (1,), "int8", QUANT, np.array([1], np.int8))}
    with pytest.raises(EdgekitError, match="EK105"):
        canonical(replace(graph, subgraphs=(graph, replace(init, values=short))))


def test_an_operator_on_what_is_no_handle_is_refused() -> None:
    graph = delay([5, 6])
    nodes = [replace(n, inputs=("x",)) if n.op == "READ_VARIABLE" else n for n in graph.nodes]
    with pytest.raises(EdgekitError, match="EK202"):
        canonical(graph.with_nodes(nodes))


@pytest.mark.parametrize(("model", "states"), [("vad", 4), ("alexa", 6)])
def test_streaming_wake_words_frame_by_frame(model: str, states: int) -> None:
    path = shared("models", f"microwakeword_v2_{model}_streaming_varhandle_int8.tflite")
    source = load_model(path)
    program = plan(lower(canonical(source)))
    assert len(program.states) == states
    frames = np.random.default_rng(7).integers(-128, 128, (40, 1, 3, 40)).astype(np.int8)
    want = oracle.tflm(path.read_bytes(), [[x] for x in frames], all_tensors=True)
    # On noise the score hardly moves, so every tensor is compared, after 1 frame and after 40.
    for count in (1, len(frames)):
        tensors = dict(zip(source.values, want[count - 1], strict=True))
        compared = 0
        for _, name, got in Simulator(program).trace([frames[:count]], steps=True):
            if name in tensors:
                np.testing.assert_array_equal(got, tensors[name].reshape(got.shape), name)
                compared += 1
        assert compared > 10
