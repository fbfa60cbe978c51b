"""Elementwise operators and softmax against TensorFlow Lite Micro, byte for byte."""

from __future__ import annotations

from typing import Any

import conformance
import numpy as np
import oracle
import pytest
from tflite_writer import TensorSpec, one_op_graph, one_op_model

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
    for op in ("RELU6", "RELU_N1_TO_1"):
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
