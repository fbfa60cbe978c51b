"""Elementwise operators and softmax against TensorFlow Lite Micro, byte for byte."""

from __future__ import annotations

from typing import Any

import conformance
import numpy as np
import oracle
import pytest
from tflite_writer import TensorSpec, one_op_graph, one_op_model

from edgekit.errors import EdgekitError

ZEROS = [-128, -3, 127]
EVERY_BYTE = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)

Affine = tuple[float, int]


def unary(op: str, x: Affine, y: Affine, types: str = "int8 int8", **options: Any) -> None:
    """All 256 inputs of a unary operator; x and y are (scale, zero point)."""
    x_type, y_type = types.split()
    inputs = [TensorSpec("x", (1, 256), x_type, *x)]
    outputs = [TensorSpec("y", (1, 256), y_type, *y)]
    conformance.check(op, inputs, outputs, options, data={"x": EVERY_BYTE.view(x_type)})


@pytest.mark.parametrize("zero", ZEROS)
@pytest.mark.parametrize("scale", [1e-6, 0.0005, 0.0117, 0.0471, 0.11, 0.9, 5.0])
def test_logistic_and_tanh(scale: float, zero: int) -> None:
    unary("LOGISTIC", (scale, zero), (1 / 256, -128))
    unary("TANH", (scale, zero), (1 / 128, 0))


RESCALES = [
    ((0.05, 5), (0.025, -128)),
    ((0.05, 5), (0.05, 5)),
    ((0.037, -128), (0.09, 127)),
    ((0.5, 127), (0.003, -7)),
    ((0.001, 0), (0.7, 1)),
    ((0.1, -3), (0.04, 0)),
]


@pytest.mark.parametrize(("x", "y"), RESCALES)
def test_relu_and_requantize(x: Affine, y: Affine) -> None:
    unary("RELU", x, y)
    unary("QUANTIZE", x, y)
    unary("QUANTIZE", x, (y[0], y[1] + 128), "int8 uint8")
    unary("QUANTIZE", (x[0], x[1] + 128), y, "uint8 int8")


@pytest.mark.parametrize("x", [(0.05, 5), (0.024, -128), (0.012, 90), (0.001, 0), (2.0, -7), (0.03, -128)])  # fmt: skip
def test_relu6_of_one_scale(x: Affine) -> None:
    unary("RELU6", x, x)


@pytest.mark.parametrize(("x", "y"), RESCALES)
def test_clamps_that_tflite_micro_lacks_are_near_litert(x: Affine, y: Affine) -> None:
    for op in ("RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"):
        inputs, outputs = [TensorSpec("x", (1, 256), "int8", *x)], [TensorSpec("y", (1, 256), "int8", *y)]  # fmt: skip
        data = EVERY_BYTE.view(np.int8)
        ((want,),) = oracle.litert_ref(one_op_model(op, inputs, outputs), [[data[0]]])
        got = conformance.simulate(one_op_graph(op, inputs, outputs), {"x": data})["y"]
        # LiteRT rounds once here: ties of negative values go the other way.
        assert np.abs(got[0].astype(int) - want).max() <= 1


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.3, 1.0, 1.7, -0.2])
@pytest.mark.parametrize(("x", "y"), RESCALES[::2])
def test_leaky_relu(x: Affine, y: Affine, alpha: float) -> None:
    unary("LEAKY_RELU", x, y, alpha=alpha)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((0.05, 5), (0.03, -100)),
        ((0.01, -20), (0.008, -30)),
        ((0.5, 127), (0.25, 0)),
        ((1.0, -128), (1.0, -128)),
        ((0.0471, -128), (0.0471, -128)),
        ((0.003, 0), (0.002, 127)),
        ((0.0235, 3), (0.0235, -112)),
        ((0.1, -1), (0.4, 1)),
        ((4.0, 64), (2.0, -128)),
        ((0.0234375, 0), (0.0117, -96)),
    ],
)
def test_hard_swish(x: Affine, y: Affine) -> None:
    unary("HARD_SWISH", x, y)


PAIRS = [
    ((0.05, 3), (0.06, -4), (0.09, 5)),
    ((0.05, -128), (0.05, 127), (0.08, -1)),
    ((0.5, 7), (0.002, -128), (0.4, 0)),
    ((0.002, 127), (0.5, 0), (0.1, 127)),
    ((0.0117, -128), (0.0235, -128), (0.0235, -128)),
    ((0.3, 0), (0.1, 1), (0.05, -128)),
    ((1 / 128, 0), (1 / 256, -128), (1 / 64, 64)),
]
ACTIVATIONS = ["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]


def binary(op: str, shapes: list[tuple[int, ...]], a: Affine, b: Affine, y: Affine,
           act: str = "NONE", constant: bool = False) -> None:  # fmt: skip
    data = np.random.default_rng(5).integers(-128, 128, shapes[1]).astype(np.int8)
    operands = [
        TensorSpec("a", shapes[0], "int8", *a),
        TensorSpec("b", shapes[1], "int8", *b, data=data if constant else None),
    ]
    outputs = [TensorSpec("y", tuple(np.broadcast_shapes(*shapes)), "int8", *y)]
    conformance.check(op, operands, outputs, {"fused_activation_function": act})


@pytest.mark.parametrize("index", range(len(PAIRS)))
@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_two_operands_of_one_shape(op: str, index: int) -> None:
    shape = [(1, 8, 9, 16), (1, 1), (512,), (1, 3, 5, 7)][index % 4]
    binary(op, [shape, shape], *PAIRS[index], act=ACTIVATIONS[index % 4])


@pytest.mark.parametrize("act", ACTIVATIONS)
@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_fused_activations(op: str, act: str) -> None:
    binary(op, [(1, 256), (1, 256)], (0.05, 3), (0.06, -4), (0.05, -20), act)


BROADCASTS: list[list[tuple[int, ...]]] = [
    [(1, 4, 5, 6), (1,)],
    [(1, 4, 5, 6), ()],
    [(1,), (1, 4, 5, 6)],
    [(1, 4, 5, 6), (6,)],
    [(6,), (1, 4, 5, 6)],
    [(1, 4, 5, 6), (1, 1, 1, 6)],
    [(1, 4, 5, 6), (1, 4, 5, 1)],
    [(1, 1, 1, 6), (1, 4, 5, 6)],
    [(1, 4, 1, 6), (1, 1, 5, 1)],
    [(1, 4, 5, 6), (1, 1, 5, 6)],
    [(1, 4, 5, 6), (1, 4, 1, 6)],
    [(1, 7), (7,)],
    [(3, 1), (1, 5)],
    [(1, 1, 1, 1), (1, 1)],
]


@pytest.mark.parametrize("index", range(len(BROADCASTS)))
@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_broadcasting(op: str, index: int) -> None:
    binary(op, BROADCASTS[index], *PAIRS[index % len(PAIRS)], constant=index % 2 == 1)


PRELUS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((1, 4, 5, 6), (1, 1, 6)),
    ((1, 4, 5, 6), (1, 1, 1)),
    ((1, 4, 5, 6), (4, 5, 6)),
    ((1, 256), (256,)),
    ((1, 9, 1, 3), (9, 1, 1)),
]


@pytest.mark.parametrize("index", range(12))
def test_prelu(index: int) -> None:
    x_shape, alpha_shape = PRELUS[index % len(PRELUS)]
    x, alpha, y = (*PAIRS, *RESCALED_PRELU)[index]
    data = np.random.default_rng(index).integers(-128, 128, alpha_shape).astype(np.int8)
    inputs = [
        TensorSpec("x", x_shape, "int8", *x),
        TensorSpec("alpha", alpha_shape, "int8", *alpha, data=data),
    ]
    conformance.check("PRELU", inputs, [TensorSpec("y", x_shape, "int8", *y)])


RESCALED_PRELU = [
    ((0.05, 3), (0.001, 0), (0.049, -7)),
    ((0.05, -128), (0.008, 0), (0.05, -128)),
    ((0.05, 127), (0.002, -128), (0.0005, 127)),
    ((3.0, 127), (1.0, 0), (0.01, 127)),
    ((0.001, 3), (0.004, 9), (0.02, 0)),
]


@pytest.mark.parametrize("scale", [1e-6, 0.0009, 0.0117, 0.0471, 0.13, 0.9, 7.0])
@pytest.mark.parametrize("shape", [(1, 10), (1, 1), (3, 4), (1, 2, 3, 5), (1, 2), (1, 511)])
def test_softmax(shape: tuple[int, ...], scale: float) -> None:
    inputs = [TensorSpec("x", shape, "int8", scale, -7)]
    outputs = [TensorSpec("y", shape, "int8", 1 / 256, -128)]
    conformance.check("SOFTMAX", inputs, outputs, {"beta": 1.0}, samples=30)


@pytest.mark.parametrize("beta", [0.1, 0.5, 2.0, 10.0])
def test_softmax_beta_and_every_distance(beta: float) -> None:
    data = np.full((256, 1, 6), 127, np.int8)
    data[:, 0, 1:] = EVERY_BYTE.view(np.int8).reshape(256, 1)
    inputs = [TensorSpec("x", (1, 6), "int8", 0.037, 11)]
    outputs = [TensorSpec("y", (1, 6), "int8", 1 / 256, -128)]
    conformance.check("SOFTMAX", inputs, outputs, {"beta": beta}, data={"x": data})


@pytest.mark.parametrize("depth", [512, 1001, 4095])
def test_softmax_of_long_rows(depth: int) -> None:
    """Inputs whose sum stays below 512, where TensorFlow Lite Micro still answers."""
    data = np.random.default_rng(depth).normal(0, 40, (8, 1, depth)).clip(-128, 127).astype(np.int8)
    inputs = [TensorSpec("x", (1, depth), "int8", 0.05, 0)]
    outputs = [TensorSpec("y", (1, depth), "int8", 1 / 256, -128)]
    conformance.check("SOFTMAX", inputs, outputs, {"beta": 1.0}, data={"x": data})


@pytest.mark.parametrize(
    ("op", "shapes", "out", "found"),
    [
        ("LOGISTIC", [(1, 4)], (1 / 128, -128), "0.0078125"),
        ("TANH", [(1, 4)], (1 / 128, 1), "(0.0078125, 1)"),
        ("SOFTMAX", [(1, 4096)], (1 / 256, -128), "4096"),
        ("SOFTMAX", [(1, 4)], (1 / 256, 0), "0)"),
        ("HARD_SWISH", [(1, 4)], (0.0001, 0), "0.0001"),
        ("ADD", [(1, 4), (1, 3)], (0.1, 0), "(1, 3)"),
        ("ADD", [(1, 4), (1, 4)], (1e-9, 0), "e-"),
    ],
)
def test_what_is_outside_the_limits_is_named(
    op: str, shapes: list[tuple[int, ...]], out: Affine, found: str
) -> None:
    inputs = [TensorSpec(f"x{i}", s, "int8", 0.05, 3) for i, s in enumerate(shapes)]
    outputs = [TensorSpec("y", shapes[0], "int8", *out)]
    options = {"beta": 1.0} if op == "SOFTMAX" else {}
    graph = one_op_graph(op, inputs, outputs, options)
    with pytest.raises(EdgekitError) as error:
        conformance.simulate(graph, {s.name: np.zeros((1, *s.shape), np.int8) for s in inputs})
    assert error.value.code == "EK202"
    assert found in error.value.found
    assert "wanted" in error.value.found
