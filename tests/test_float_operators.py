"""Operators of float `.tflite` files, quantized here, against TensorFlow Lite Micro's real kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import oracle
import pytest
from tflite_writer import Array, TensorSpec, one_op_model

from edgekit.frontends.tflite import load
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.check import check_plan
from edgekit.quantize import Calibration, quantized
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize, quantize

SHAPE = (1, 4, 4, 3)
SAMPLES = 32
RNG = np.random.default_rng(11)
POOL = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
CONV = {
    "padding": "SAME",
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h_factor": 1,
    "dilation_w_factor": 1,
}


def real(name: str, shape: tuple[int, ...] = SHAPE, data: Array | None = None) -> TensorSpec:
    return TensorSpec(name, shape, "float32", data=data)


def weights(*shape: int) -> TensorSpec:
    return real("w", shape, RNG.normal(size=shape).astype(np.float32))


def known(values: Any, dtype: str = "int32") -> TensorSpec:
    data = np.array(values, dtype)
    return TensorSpec("known", data.shape, dtype, data=data)


def steps_apart(op: str, operands: Sequence[TensorSpec], out: TensorSpec, options: dict[str, Any],
                ends: tuple[float, float]) -> Array:  # fmt: skip
    """Differences in output steps, on inputs that the quantized network can hold exactly."""
    model = one_op_model(op, operands, [out], options)
    graph = canonical(load(model, "model"))
    x = {
        s.name: RNG.uniform(*ends, (SAMPLES, *s.shape)).astype(np.float32)
        for s in operands
        if s.given
    }
    integer, _ = quantized(graph, Calibration(x).samples(graph))
    program = plan(lower(integer))
    check_plan(program)
    numbers = {n: (integer.value(n).quant, integer.value(n).dtype) for n in program.inputs}
    given = {n: quantize(x[n], quant, dtype) for n, (quant, dtype) in numbers.items() if quant}
    (got,) = Simulator(program).run([given[n] for n in program.inputs])
    held = {n: dequantize(given[n], numbers[n][0]).astype(np.float32) for n in given}
    want = np.stack(
        [w[0] for w in oracle.tflm(model, [[held[n][s] for n in x] for s in range(SAMPLES)])]
    )
    quant = integer.value(program.outputs[0]).quant
    step = quant.scale[0] if quant else 1.0
    return np.abs(dequantize(got, quant).reshape(want.shape) - want.astype(float)) / step


UNARY = {
    "EXP": (-3.0, 2.0), "LOG": (0.3, 5.0), "SQRT": (0.0, 5.0), "SQUARE": (-3.0, 3.0), "SIN": (-3.0, 3.0),
    "COS": (-3.0, 3.0), "NEG": (-3.0, 3.0), "CEIL": (-3.0, 3.0), "FLOOR": (-3.0, 3.0),
    "ROUND": (-3.0, 3.0), "ABS": (-3.0, 3.0), "ELU": (-3.0, 3.0), "RSQRT": (0.2, 5.0),
    "LOG_SOFTMAX": (-3.0, 3.0), "L2_NORMALIZATION": (-3.0, 3.0),
}  # fmt: skip


@pytest.mark.parametrize("op", UNARY)
def test_one_operand(op: str) -> None:
    # Ranges are cut at percentiles, so that a few of the largest results may lie outside.
    apart = steps_apart(op, [real("x")], real("y"), {}, UNARY[op])
    assert np.quantile(apart, 0.98) <= 1.0


TWO = {
    "MAXIMUM": (-3.0, 3.0),
    "MINIMUM": (-3.0, 3.0),
    "SQUARED_DIFFERENCE": (-3.0, 3.0),
    "DIV": (1.0, 3.0),
}


@pytest.mark.parametrize("op", TWO)
def test_two_operands(op: str) -> None:
    assert np.quantile(steps_apart(op, [real("a"), real("b")], real("y"), {}, TWO[op]), 0.98) <= 1.5


@pytest.mark.parametrize("op", ["MAXIMUM", "FLOOR_DIV", "FLOOR_MOD", "DIV", "SQUARED_DIFFERENCE"])
def test_a_constant_operand(op: str) -> None:
    constant = real("b", (), np.array(0.5, np.float32))
    apart = steps_apart(op, [real("a"), constant], real("y"), {}, (-3.0, 3.0))
    # A step of a staircase may lie between a number and the float32 next to it.
    assert np.quantile(apart, 0.9) <= 1.5


@pytest.mark.parametrize("op", ["LESS", "GREATER_EQUAL", "NOT_EQUAL"])
def test_comparisons(op: str) -> None:
    out = TensorSpec("y", SHAPE, "bool")
    apart = steps_apart(op, [real("a"), real("b")], out, {}, (-3.0, 3.0))
    assert apart.mean() < 0.02, "only numbers that the two scales round together may differ"


OTHERS: list[tuple[str, list[TensorSpec], TensorSpec, dict[str, Any]]] = [
    ("SUM", [real("x"), known([1, 2])], real("y", (1, 3)), {}),
    ("REDUCE_MAX", [real("x"), known([1, 2])], real("y", (1, 3)), {}),
    ("REDUCE_MIN", [real("x"), known([3])], real("y", (1, 4, 4)), {}),
    ("CUMSUM", [real("x"), known(1)], real("y"), {}),
    ("ARG_MAX", [real("x"), known([1])], TensorSpec("y", (1, 4, 3), "int32"), {}),
    ("BATCH_MATMUL", [real("a", (1, 4, 5)), real("b", (1, 5, 6))], real("y", (1, 4, 6)), {}),
    ("L2_POOL_2D", [real("x")], real("y", (1, 2, 2, 3)), POOL),
    ("ADD_N", [real("a"), real("b"), real("c")], real("y"), {}),
    ("PACK", [real("a"), real("b")], real("y", (1, 2, 4, 4, 3)), {"axis": 1, "values_count": 2}),
    ("GATHER", [real("x", (6, 4)), known([1, 5, 0])], real("y", (3, 4)), {}),
    ("SELECT_V2", [known(RNG.integers(0, 2, SHAPE), "bool"), real("a"), real("b")], real("y"), {}),
    ("CONV_2D", [real("x", (1, 6, 6, 4)), weights(6, 3, 3, 2)], real("y", (1, 6, 6, 6)), CONV),
    (
        "TRANSPOSE_CONV",
        [known([1, 8, 8, 2]), weights(2, 3, 3, 3), real("x")],
        real("y", (1, 8, 8, 2)),
        {"padding": "SAME", "stride_h": 2, "stride_w": 2},
    ),
]


@pytest.mark.parametrize("case", OTHERS, ids=[op for op, *_ in OTHERS])
def test_others(case: tuple[str, list[TensorSpec], TensorSpec, dict[str, Any]]) -> None:
    assert np.quantile(steps_apart(*case, (-3.0, 3.0)), 0.98) <= 2.0
