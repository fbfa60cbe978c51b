"""Random recurrent layers against TensorFlow Lite Micro over sequences, state carried and reset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import oracle
import pytest
from conftest import shared
from random_models import BLOCKS, Affine, Draw, affine, pick
from tflite_writer import Array, TensorSpec, one_op_model

from edgekit.families import recurrent
from edgekit.frontends import load_model
from edgekit.frontends.tflite import load
from edgekit.graph import Graph, limits
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.check import check_plan
from edgekit.simulate import Simulator

STEPS = 6
Layer = tuple[str, list[TensorSpec], TensorSpec, dict[str, Any]]


def weights(
    rng: Draw, name: str, rows: int, columns: int, scale: float, dtype: str = "int8"
) -> TensorSpec:
    data = rng.integers(-127, 128, (rows, columns)).astype(dtype)
    return TensorSpec(name, data.shape, dtype, scale, 0, 0, data)


def lstm(rng: Draw) -> Layer:
    return _lstm(rng, "int8", affine(rng, 0.004, 0.1), affine(rng, 0.006, 0.01), "int32", 9000)


def lstm_of_int16(rng: Draw) -> Layer:
    steps = [float(np.float32(s)) for s in rng.uniform([1e-5, 3e-5], [4e-4, 5e-5])]
    return _lstm(rng, "int16", (steps[0], 0), (steps[1], 0), "int64", 9000 << 8)


def _lstm(
    rng: Draw, dtype: str, x_quant: Affine, hidden_quant: Affine, sums: str, most: int
) -> Layer:
    """dtype: of the activations; sums, most: type and largest magnitude of the biases."""
    steps, in_c, units = (int(pick(rng, 1, n)) for n in rng.integers(1, 9, 3))
    x = TensorSpec("x", (1, steps, in_c), dtype, *x_quant)
    hidden = TensorSpec("hidden", (1, units), dtype, *hidden_quant, variable=True)
    cell = TensorSpec("cell", (1, units), "int16", 2.0 ** -int(rng.integers(8, 14)), variable=True)
    scale = [float(s) for s in rng.uniform(0.002, 0.05, 8)]
    over_x = [weights(rng, f"x{k}", units, in_c, scale[k]) for k in range(4)]
    over_h = [weights(rng, f"h{k}", units, units, scale[4 + k]) for k in range(4)]
    biases = []
    for k in range(4):
        data = rng.integers(-most, most, units).astype(sums)
        biases.append(TensorSpec(f"b{k}", (units,), sums, x.scales[0] * scale[k], 0, 0, data))
    absent = TensorSpec("", ())
    operands = [
        x,
        *over_x,
        *over_h,
        *[absent] * 3,
        *biases,
        *[absent] * 2,
        hidden,
        cell,
        *[absent] * 4,
    ]
    out = TensorSpec("y", (1, steps, units), dtype, hidden.scale, hidden.zero_point)
    options = {"fused_activation_function": "TANH", "cell_clip": float(pick(rng, 0.0, 10.0, 0.3))}
    return "UNIDIRECTIONAL_SEQUENCE_LSTM", operands, out, options


def svdf(rng: Draw) -> Layer:
    in_c, units, rank, memory = (int(n) for n in rng.integers(1, [12, 5, 4, 9]))
    x, dtype = TensorSpec("x", (1, in_c), "int8", *affine(rng)), pick(rng, "int8", "int16")
    feature = weights(rng, "feature", units * rank, in_c, float(rng.uniform(0.002, 0.01)))
    # An int8 state of TensorFlow Lite Micro wraps where it should saturate.
    largest = float(np.abs(feature.data).sum(axis=1).max()) * feature.scales[0] * 255 * x.scales[0]  # type: ignore[union-attr]
    zero, top = (int(rng.integers(-20, 21)), 100) if dtype == "int8" else (0, 40000)
    size = (1, units * rank * memory)
    state = TensorSpec("state", size, dtype, largest / top, zero, variable=True)
    time = weights(rng, "time", units * rank, memory, float(rng.uniform(0.002, 0.01)), dtype)
    data = rng.integers(-500, 500, units).astype(np.int32)
    bias = TensorSpec("bias", (units,), "int32", state.scales[0] * time.scales[0], 0, 0, data)
    spread = largest / 3 * time.scales[0] * 70 * (rank * memory) ** 0.5 / 40
    out = TensorSpec("y", (1, units), "int8", spread, affine(rng)[1])
    options = {"rank": rank, "fused_activation_function": "RELU"}
    return "SVDF", [x, feature, time, bias, state], out, options


def agrees(source: Graph, model: bytes, x: Array) -> None:
    """x: [steps, *shape], one sequence; the first of two equal samples must not touch the second."""
    program = plan(lower(canonical(source)))
    check_plan(program)
    want = oracle.tflm(model, [[frame] for frame in x])
    (got,) = Simulator(program).run([np.stack([x, x])], steps=True)
    for sample in got:
        np.testing.assert_array_equal(
            sample.reshape(len(x), -1), np.stack([w[0].reshape(-1) for w in want])
        )


@pytest.mark.parametrize("seeds", BLOCKS, ids=["some", "many"])
@pytest.mark.parametrize("layer", [lstm, lstm_of_int16, svdf])
def test_random_layers(layer: Callable[[Draw], Layer], seeds: Sequence[int]) -> None:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        op, operands, out, options = layer(rng)
        model = one_op_model(op, operands, [out], options)
        low, high = limits(operands[0].dtype)
        x = rng.integers(low, high + 1, (STEPS, *operands[0].shape)).astype(operands[0].dtype)
        x[0], x[1] = low, high
        try:
            agrees(load(model, "model"), model, x)
        except BaseException as error:
            error.add_note(f"{op}, seed {seed}: {operands[0].shape} {options}")
            raise


@pytest.mark.parametrize("name", ["tflm_mnist_lstm_int8", "tflm_dtln_lstm_stateful_int8"])
def test_whole_models_with_lstm_layers(name: str) -> None:
    path = shared("models", f"{name}.tflite")
    source = load_model(path)
    shape = source.value(source.inputs[0]).shape
    x = np.random.default_rng(3).integers(-128, 128, (20, *shape)).astype(np.int8)
    agrees(source, path.read_bytes(), x)


def tanh(x: Array, table: Array) -> Array:
    return recurrent.tanh(x, 0, table)


@pytest.mark.parametrize(("op", "function"), [("LOGISTIC", recurrent.sigmoid), ("TANH", tanh)])
def test_gates_at_every_number(op: str, function: Callable[[Array, Array], Array]) -> None:
    x = np.arange(-(2**15), 2**15).astype(np.int16).reshape(1, -1)
    operands = (
        [TensorSpec("x", x.shape, "int16", 2.0**-12)],
        [TensorSpec("y", x.shape, "int16", 2.0**-15)],
    )
    ((want,),) = oracle.tflm(one_op_model(op, *operands), [[x]])
    np.testing.assert_array_equal(function(x.astype(np.int64), recurrent.sigmoid_table()), want)
