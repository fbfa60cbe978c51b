"""WHILE against TensorFlow Lite Micro: counted loops, loops that data may end, loops inside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import conformance
import numpy as np
import oracle
import pytest
from mutants_hold import hold
from tflite_writer import Body, Layer, TensorSpec, graphs_model

from edgekit import control_flow
from edgekit.errors import EdgekitError
from edgekit.frontends.tflite import load
from edgekit.passes import canonical

LOOP = {"cond_subgraph_index": 1, "body_subgraph_index": 2}
NONE = {"fused_activation_function": "NONE"}
Array = np.ndarray[Any, Any]


def count(name: str, value: int | None = None) -> TensorSpec:
    data = None if value is None else np.array([value], np.int32)
    return TensorSpec(name, (1,), "int32", data=data)


def flag(name: str) -> TensorSpec:
    return TensorSpec(name, (1,), "bool")


def vector(name: str, size: int = 6, data: Array | None = None) -> TensorSpec:
    return TensorSpec(name, (1, size), "int8", 0.05, 3, data=data)


def step(size: int = 6) -> TensorSpec:
    return vector("k", size, np.full((1, size), 12, np.int8))


def below(limit: int) -> Body:
    """i < limit, whatever x is."""
    layer: Layer = ("LESS", [count("i"), count("n", limit)], [flag("t")], None)
    return Body([count("i"), vector("x")], [flag("t")], [layer])


def counted(*more: Layer, result: str = "xn") -> Body:
    """i + 1, and x + k unless `more` layers make another result."""
    layers: list[Layer] = [("ADD", [count("i"), count("one", 1)], [count("in")], NONE)]
    layers += more or [("ADD", [vector("x"), step()], [vector("xn")], NONE)]
    return Body([count("i"), vector("x")], [count("in"), vector(result)], layers)


def main(first: int = 0, outputs: Sequence[str] = "y") -> Body:
    """y = the loop's x, from the input x on."""
    results = [count("j"), vector("y")]
    layer: Layer = ("WHILE", [count("i", first), vector("x")], results, LOOP)
    return Body([vector("x")], [spec for spec in results if spec.name in outputs], [layer])


def check(model: bytes, shape: Sequence[int] = (1, 6), low: int = -128) -> None:
    x = np.random.default_rng(1).integers(low, 128, (12, *shape)).astype(np.int8)
    want = oracle.tflm(model, [[one] for one in x])
    got = conformance.whole(model, {"x": x})
    for name, column in zip(got, zip(*want, strict=True), strict=True):
        np.testing.assert_array_equal(got[name].reshape(12, -1), np.stack(column).reshape(12, -1))


def refused(*graphs: Body) -> EdgekitError:
    with pytest.raises(EdgekitError) as error:
        canonical(load(graphs_model(graphs), "model"))
    assert error.value.code == "EK202"
    return error.value


@pytest.mark.parametrize(("first", "limit"), [(0, 1), (0, 4), (2, 5), (3, 3)])
def test_a_counted_loop(first: int, limit: int) -> None:
    check(graphs_model([main(first), below(limit), counted()]))


def test_the_counter_is_a_constant_of_every_time() -> None:
    """It may be an index: time i takes element i of the loop's own table."""
    table = TensorSpec(
        "rows", (4, 6), "int8", 0.05, 3, data=np.arange(24, dtype=np.int8).reshape(4, 6)
    )
    layers: list[Layer] = [
        ("GATHER", [table, count("i")], [vector("row")], {"axis": 0}),
        ("ADD", [vector("x"), vector("row")], [vector("xn")], NONE),
    ]
    check(graphs_model([main(), below(4), counted(*layers)]))


def test_the_counter_may_be_an_output() -> None:
    check(graphs_model([main(outputs="jy"), below(3), counted()]))


def test_a_loop_that_data_may_end() -> None:
    """At most five times, as long as x is below a limit: with one element per sample."""
    limit = vector("limit", 1, np.full((1, 1), 60, np.int8))
    layers: list[Layer] = [
        ("LESS", [count("i"), count("n", 5)], [flag("few")], None),
        ("LESS", [vector("x", 1), limit], [TensorSpec("small", (1, 1), "bool")], None),
        ("RESHAPE", [TensorSpec("small", (1, 1), "bool"), count("one", 1)], [flag("low")], {"new_shape": [1]}),
        ("LOGICAL_AND", [flag("few"), flag("low")], [flag("t")], None),
    ]  # fmt: skip
    cond = Body([count("i"), vector("x", 1)], [flag("t")], layers)
    body = Body(
        [count("i"), vector("x", 1)], [count("in"), vector("xn", 1)],
        [("ADD", [count("i"), count("one", 1)], [count("in")], NONE),
         ("ADD", [vector("x", 1), step(1)], [vector("xn", 1)], NONE)],
    )  # fmt: skip
    results = [count("j"), vector("y", 1)]
    top = Body(
        [vector("x", 1)], results, [("WHILE", [count("i", 0), vector("x", 1)], results, LOOP)]
    )
    check(graphs_model([top, cond, body]), (1, 1), low=0)


def test_a_loop_in_a_loop() -> None:
    inner: Layer = (
        "WHILE", [count("zero", 0), vector("x")], [count("unread"), vector("xn")],
        {"cond_subgraph_index": 3, "body_subgraph_index": 4},
    )  # fmt: skip
    check(graphs_model([main(), below(2), counted(inner), below(2), counted()]))


def test_an_end_that_only_data_knows_is_refused() -> None:
    limit = vector("limit", 6, np.zeros((1, 6), np.int8))
    layers: list[Layer] = [
        ("LESS", [vector("x"), limit], [TensorSpec("all", (1, 6), "bool")], None),
        ("REDUCE_ALL", [TensorSpec("all", (1, 6), "bool"), count("axis", 1)], [flag("t")], {"keep_dims": False}),
    ]  # fmt: skip
    cond = Body([count("i"), vector("x")], [flag("t")], layers)
    assert "surely ends" in refused(main(), cond, counted()).found


@pytest.mark.parametrize("limit", [10_000, 2**31 - 1])
def test_an_end_that_is_far_is_refused(limit: int) -> None:
    assert "surely ends" in refused(main(), below(limit), counted()).found


def test_loops_that_multiply_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested six deep, 200 times each: nobody waits for that, nor here for all that is allowed."""
    monkeypatch.setattr(control_flow, "_MOST_NODES", 1000)
    graphs = [main()]
    for depth in range(6):
        inner = {"cond_subgraph_index": 2 * depth + 3, "body_subgraph_index": 2 * depth + 4}
        again: Layer = (
            "WHILE",
            [count("zero", 0), vector("x")],
            [count("unread"), vector("xn")],
            inner,
        )
        graphs += [below(200), counted(again) if depth < 5 else counted()]
    assert "nodes in all calls" in refused(*graphs).found


def test_a_loop_that_calls_itself_is_refused() -> None:
    inner: Layer = ("WHILE", [count("zero", 0), vector("x")], [count("unread"), vector("xn")], LOOP)
    assert "calls inside each other" in refused(main(), below(2), counted(inner)).found


def test_a_body_of_other_types_is_refused() -> None:
    wide = TensorSpec("xn", (1, 6), "int8", 0.07, 3)
    layer: Layer = ("ADD", [vector("x"), step()], [wide], NONE)
    body = Body([count("i"), vector("x")], [count("in"), wide], [*counted(layer).layers])
    assert "keeps its values' types" in refused(main(), below(2), body).found
    assert "graphs of the file" in refused(main(), below(2)).found


def test_mutants_of_a_loop_are_refused_or_compiled() -> None:
    hold(graphs_model([main(), below(4), counted()]), 250)
