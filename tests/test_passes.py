"""Each pass on a small graph: text in, text out; then what is refused, and how."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.frontends.tflite_schema import OPTIONS
from edgekit.graph import Graph, Node, Quant, Value
from edgekit.lowering import lower
from edgekit.op import tflite_ops
from edgekit.passes import CANONICAL, canonical
from edgekit.passes.bind_edges import bind_edges
from edgekit.passes.canonicalize import canonicalize
from edgekit.passes.drop_dead import drop_dead
from edgekit.passes.fold_pad import fold_pad
from edgekit.passes.static_shapes import static_shapes

CONV = {
    "padding": "VALID", "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1,
    "dilation_w_factor": 1, "fused_activation_function": "NONE",
}  # fmt: skip


def tensor(name: str, *shape: int, zero: int = 3, scale: float = 0.5) -> Value:
    return Value(name, shape, "int8", Quant((scale,), (zero,)))


def real(name: str, *shape: int) -> Value:
    return Value(name, shape, "float32")


def constant(name: str, numbers: Any, dtype: str = "int32") -> Value:
    data = np.array(numbers, dtype)
    quant = Quant((0.25,), (0,)) if dtype == "int8" else None
    return Value(name, data.shape, dtype, quant, data)


def node(op: str, inputs: str, outputs: str, **attrs: Any) -> Node:
    return Node(op.lower(), op, tuple(inputs.split()), tuple(outputs.split()), attrs)


def graph(values: Sequence[Value], nodes: Sequence[Node], inputs: str, outputs: str) -> Graph:
    table = {value.name: value for value in values}
    made = Graph("main", table, tuple(nodes), tuple(inputs.split()), tuple(outputs.split()))
    made.verify()
    return made


def lines(graph: Graph) -> list[str]:
    """The text form without its first line, attributes left out."""
    graph.verify()
    return [line.strip().split(" {")[0] for line in graph.text().splitlines()[1:]]


def test_drop_dead_keeps_what_outputs_need() -> None:
    values = [tensor("x", 1, 4), *(tensor(n, 1, 4) for n in "abc"), constant("unused", [1])]
    nodes = [node("RELU", "x", "a"), node("TANH", "a", "b"), node("RELU6", "a", "c")]
    assert lines(drop_dead(graph(values, nodes, "x", "c"))) == [
        "input  x:int8[1x4] s0.5 z3",
        "relu: a:int8[1x4] s0.5 z3 <- RELU(x:int8[1x4] s0.5 z3)",
        "relu6: c:int8[1x4] s0.5 z3 <- RELU6(a:int8[1x4] s0.5 z3)",
        "output c:int8[1x4] s0.5 z3",
    ]
    assert "unused" not in drop_dead(graph(values, nodes, "x", "c")).values


def edges(*, second: bool = False, shared: bool = False) -> Graph:
    """Floats at both edges; `second` adds a reader of the float input, `shared` an int8 output."""
    values = [real("audio", 1, 4), tensor("q", 1, 4), tensor("r", 1, 4, zero=-5), real("score", 1, 4), real("more", 1, 4)]  # fmt: skip
    nodes = [
        node("QUANTIZE", "audio", "q"),
        node("RELU", "q", "r"),
        node("DEQUANTIZE", "r", "score"),
    ]
    if second:
        nodes.append(node("TANH", "audio", "more"))
    return graph(values, nodes, "audio", "score" + " r" * shared + " more" * second)


def test_bind_edges_keeps_the_public_names() -> None:
    assert lines(bind_edges(edges())) == [
        "input  audio:int8[1x4] s0.5 z3",
        "relu: score:int8[1x4] s0.5 z-5 <- RELU(audio:int8[1x4] s0.5 z3)",
        "output score:int8[1x4] s0.5 z-5",
    ]


def test_bind_edges_leaves_what_has_other_readers() -> None:
    assert lines(bind_edges(edges(second=True)))[1].startswith("quantize: q:int8")
    assert lines(bind_edges(edges(shared=True)))[-3].startswith("dequantize: score:float32")


def test_bind_edges_of_a_network_that_only_converts() -> None:
    values = [real("a", 1, 4), tensor("q", 1, 4), real("b", 1, 4)]
    nodes = [node("QUANTIZE", "a", "q"), node("DEQUANTIZE", "q", "b")]
    assert lines(bind_edges(graph(values, nodes, "a", "b"))) == [
        "input  a:int8[1x4] s0.5 z3",
        "dequantize: b:float32[1x4] <- DEQUANTIZE(a:int8[1x4] s0.5 z3)",
        "output b:float32[1x4]",
    ]


def test_static_shapes_makes_the_shape_computation_dead() -> None:
    values = [tensor("x", 1, 2, 3), Value("s", (3,), "int32"), tensor("y", 1, 6)]
    nodes = [node("SHAPE", "x", "s"), node("RESHAPE", "x s", "y", new_shape=())]
    before = graph(values, nodes, "x", "y")
    after = drop_dead(static_shapes(before))
    assert [n.op for n in after.nodes] == ["RESHAPE"]
    assert canonicalize(after).nodes[0].attrs == {"shape": (1, 6)}
    assert [n.op for n in canonical(before).nodes] == ["reshape"]


def padded(border: Any = ((0, 0), (1, 2), (3, 0), (0, 0)), *, zero: int = 3, outputs: str = "y",
           two: bool = False) -> Graph:  # fmt: skip
    """PAD in front of a 3x3 convolution; `zero` is the convolution input's, x has 3."""
    size = [n + sum(pair) for n, pair in zip((1, 4, 5, 2), border, strict=True)]
    out = (1, size[1] - 2, size[2] - 2, 4)
    values = [
        tensor("x", 1, 4, 5, 2), tensor("p", *size, zero=zero), constant("b", border),
        constant("w", np.ones((4, 3, 3, size[3])), "int8"), tensor("y", *out), tensor("z", *size),
    ]  # fmt: skip
    nodes = [node("PAD", "x b", "p"), node("CONV_2D", "p w", "y", **CONV)]
    if two:
        nodes.append(node("TANH", "p", "z"))
    return canonicalize(graph(values, nodes, "x", outputs))


def test_fold_pad_into_the_window() -> None:
    folded = fold_pad(padded())
    assert lines(folded)[1] == (
        "conv_2d: y:int8[1x5x6x4] s0.5 z3 <- conv2d(x:int8[1x4x5x2] s0.5 z3, w=int8[4x3x3x2] s0.25 z0)"
    )
    attrs = folded.nodes[0].attrs
    assert [attrs[f"pad_{side}"] for side in ("top", "bottom", "left", "right")] == [1, 2, 3, 0]


@pytest.mark.parametrize(
    "before",
    [
        padded(((0, 0), (1, 1), (1, 1), (0, 1))),
        padded(((0, 0), (1, 1), (1, 1), (1, 0))),
        padded(outputs="y p"),
        padded(two=True, outputs="y z"),
    ],
    ids=["channels_after", "channels_before", "read_outside", "second_reader"],
)
def test_fold_pad_leaves_other_pads(before: Graph) -> None:
    assert fold_pad(before).text() == before.text()


def test_fold_pad_needs_the_zero_point() -> None:
    before = padded()
    pad, conv = before.nodes
    other = before.with_nodes([replace(pad, attrs={**pad.attrs, "value": 4}), conv])
    assert fold_pad(other).text() == other.text()


def test_split_becomes_slices() -> None:
    values = [
        tensor("x", 1, 6),
        constant("axis", 1),
        *(tensor(f"y{i}", 1, 2) for i in range(3)),
    ]
    before = graph(values, [node("SPLIT", "axis x", "y0 y1 y2", num_splits=3)], "x", "y0 y1 y2")
    assert lines(canonicalize(before))[1:4] == [
        f"split_{i}: y{i}:int8[1x2] s0.5 z3 <- slice(x:int8[1x6] s0.5 z3)" for i in range(3)
    ]
    assert [n.attrs["part"][1] for n in canonicalize(before).nodes] == [range(2), range(2, 4), range(4, 6)]  # fmt: skip


def failure(before: Graph) -> EdgekitError:
    with pytest.raises(EdgekitError) as caught:
        lower(canonical(before))
    assert all((caught.value.message, caught.value.where, caught.value.found, caught.value.help))
    return caught.value


def test_an_unsupported_operator_is_named() -> None:
    values = [tensor("x", 1, 4), tensor("y", 1, 4)]
    error = failure(graph(values, [node("SOFTMAX2", "x", "y")], "x", "y"))
    assert error.code == "EK201"
    assert "softmax2" in error.where
    assert "edgekit ops" in error.help
    assert "SOFTMAX" in error.help


def test_a_wrong_declared_shape_is_refused() -> None:
    values = [tensor("x", 1, 2, 3), constant("perm", [0, 2, 1]), tensor("y", 1, 2, 3)]
    error = failure(graph(values, [node("TRANSPOSE", "x perm", "y")], "x", "y"))
    assert error.code == "EK105"
    assert "(1, 2, 3)" in error.found
    assert "(1, 3, 2)" in error.found


def test_missing_quantization_names_node_and_tensor() -> None:
    values = [Value("x", (1, 4), "int8"), tensor("y", 1, 4)]
    error = failure(graph(values, [node("RELU", "x", "y")], "x", "y"))
    assert error.code == "EK301"
    assert "node relu" in error.where
    assert "tensor x" in error.where


BROKEN = [
    node("CONV_2D", "x", "y", **CONV),
    node("CONV_2D", "x w", "y", **{**CONV, "stride_h": 0}),
    node("ADD", "x", "y", fused_activation_function="NONE"),
    node("RELU", "", "y"),
    node("SOFTMAX", "", "y", beta=1.0),
    node("RESHAPE", "", "y", new_shape=()),
    node("TRANSPOSE", "x", "y"),
    node("PAD", "x", "y"),
    node("PADV2", "x b", "y"),
    node("SLICE", "x b", "y"),
    node("STRIDED_SLICE", "x b b", "y"),
    node("SPLIT", "x", "y", num_splits=1),
    node("SPLIT_V", "x b", "y", num_splits=1),
    node("CONCATENATION", "", "y", axis=0, fused_activation_function="NONE"),
    node("READ_VARIABLE", "x", "y"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=[f"{i}-{n.op}" for i, n in enumerate(BROKEN)])
def test_operators_without_their_operands_are_refused(broken: Node) -> None:
    values = [
        tensor("x", 1, 4, 5, 2), tensor("y", 1, 4, 5, 2), constant("b", np.zeros((4, 2))),
        constant("w", np.ones((2, 1, 1, 2)), "int8"),
    ]  # fmt: skip
    assert failure(graph(values, [broken], "x", "y")).code in ("EK105", "EK201", "EK202")


# Operands by name, among them a mask (m), reals (f), integers of several counts and weights (w).
OPERANDS = [
    "", "x", "x x", "x b", "x i", "i x", "x m", "m x x", "f x", "x w", "x z", "x i i", "x x x",
    "i w x", "x i i i", "x w w b s", " ".join(["x"] * 24),
]  # fmt: skip


@pytest.mark.parametrize("op", sorted(tflite_ops()))
def test_wrong_operands_of_any_operator_are_refused_or_taken(op: str) -> None:
    """The options are those of a file that says none."""
    attrs = {
        name: kind[default] if isinstance(kind, tuple) else default
        for name, _, kind, default in OPTIONS.get(op, ())
    }
    values = [
        tensor("x", 1, 4, 5, 2), tensor("y", 1, 4, 5, 2), tensor("s", 1, 8), constant("b", np.zeros((4, 2))),
        constant("i", [1]), constant("z", [0, 0, 0, 0]), constant("w", np.ones((2, 1, 1, 2)), "int8"),
        Value("m", (1, 4, 5, 2), "bool"), Value("f", (1, 4, 5, 2), "float32"),
    ]  # fmt: skip
    for operands in OPERANDS:
        with contextlib.suppress(EdgekitError):
            lower(canonical(graph(values, [node(op, operands, "y", **attrs)], "x", "y")))


def test_dump_sees_every_stage_in_order() -> None:
    stages: dict[str, str] = {}
    order: list[str] = []

    def dump(name: str, text: str) -> None:
        order.append(name)
        stages[name] = text

    result = canonical(edges(), dump)
    assert order == ["imported", *(rewrite.__name__ for rewrite in CANONICAL)]
    assert stages["drop_dead"] == result.text()
    assert [n.op for n in result.nodes] == ["relu"]
